//! Shared entries with a function of another key.

use std::collections::HashMap;

#[cachekit::cache]
fn user(tenant: u32, id: u64) -> String {
    format!("{tenant}:{id}")
}

#[cachekit::cache(batch, of = user)]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
