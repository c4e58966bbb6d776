use cachekit::cache;

#[cache(skip = (db, log))]
fn user(id: u64, db: &str, log: &str) -> u64 {
    id + db.len() as u64 + log.len() as u64
}

fn main() {}
