//! Put a batch where its body has no place.

use std::collections::HashMap;

struct Repo;

trait Find {
    fn users(&self, ids: &[u64]) -> HashMap<u64, String>;
}

impl Find for Repo {
    #[cachekit::cache(batch, companion = false, skip(self))]
    fn users(&self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }
}

fn main() {}
