use cachekit::cache;

struct Db;

#[cache(strategy = "lfu", skip(db))]
fn config(db: &Db) -> String {
    let _ = db;
    "defaults".to_owned()
}

fn main() {}
