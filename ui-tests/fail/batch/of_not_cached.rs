//! Shared entries with a function that is not cached.

use std::collections::HashMap;

fn user(id: u64) -> String {
    id.to_string()
}

#[cachekit::cache(batch, of = user)]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, user(*id))).collect()
}

fn main() {}
