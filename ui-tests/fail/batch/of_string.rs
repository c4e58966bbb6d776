//! Named the single function by a string.

use std::collections::HashMap;

#[cachekit::cache(batch, of = "user")]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
