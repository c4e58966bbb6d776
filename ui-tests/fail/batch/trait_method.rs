use cachekit::cache;
use std::collections::HashMap;

trait Find {
    fn users(&self, ids: &[u64]) -> HashMap<u64, String>;
}

struct Repo;

impl Find for Repo {
    #[cache(batch, skip(self))]
    fn users(&self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, String::new())).collect()
    }
}

fn main() {
    Repo.users(&[1]);
}
