//! Switched off what is off.

use std::collections::HashMap;

#[cachekit::cache(batch, none = false)]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
