//! Said beside `of` how entries are kept.

use std::collections::HashMap;

#[cachekit::cache]
fn user(id: u64) -> String {
    id.to_string()
}

#[cachekit::cache(batch, of = user, ttl = "30s", capacity = 100)]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, user(*id))).collect()
}

fn main() {}
