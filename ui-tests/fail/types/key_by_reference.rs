use cachekit::cache;

struct Db;

#[cache]
fn user(id: u64, db: &Db) -> u64 {
    let _ = db;
    id
}

fn main() {
    user(1, &Db);
}
