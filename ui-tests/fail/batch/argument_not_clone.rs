//! Took by value what cannot be given twice.

use std::collections::HashMap;

struct Db;

#[cachekit::cache(batch, skip(db))]
async fn users(db: Db, ids: &[u64]) -> HashMap<u64, String> {
    let _ = db;
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
