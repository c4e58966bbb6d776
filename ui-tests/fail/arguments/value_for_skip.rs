use cachekit::cache;

#[cache(skip = db)]
fn user(id: u64, db: &str) -> u64 {
    id + db.len() as u64
}

fn main() {}
