//! Skipped the ids.

use std::collections::HashMap;

#[cachekit::cache(batch = ids, skip(ids))]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
