//! Gave a key beside `batch`.

use std::collections::HashMap;

#[cachekit::cache(batch, key = (ids.len(),))]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
