use cachekit::cache;

#[cache(key = "{id}", skip(db))]
fn user(id: u64, db: &str, locale: &str, page: u32) -> u64 {
    id + (db.len() + locale.len()) as u64 + u64::from(page)
}

fn main() {}
