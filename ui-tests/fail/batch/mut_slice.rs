//! Took the ids by a mutable reference.

use std::collections::HashMap;

#[cachekit::cache(batch)]
fn users(ids: &mut [u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
