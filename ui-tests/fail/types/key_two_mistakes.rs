use cachekit::cache;

struct Db;
struct Log;

#[cache]
fn user(db: &Db, id: u64, log: Log) -> u64 {
    let _ = (db, log);
    id
}

fn main() {
    user(&Db, 1, Log);
}
