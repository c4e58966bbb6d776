//! Returned values that cannot be cached.

use std::collections::HashMap;

struct User;

#[cachekit::cache(batch)]
fn users(ids: &[u64]) -> HashMap<u64, User> {
    ids.iter().map(|id| (*id, User)).collect()
}

fn main() {}
