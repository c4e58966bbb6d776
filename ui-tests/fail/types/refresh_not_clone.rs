use cachekit::cache;

struct Db;

#[cache(skip(db), ttl = "1m", stale_while_revalidate = "1m")]
fn user(id: u64, db: &Db) -> u64 {
    let _ = db;
    id
}

fn main() {
    user(1, &Db);
}
