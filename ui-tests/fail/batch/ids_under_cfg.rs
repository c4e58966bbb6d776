use cachekit::cache;
use std::collections::HashMap;

#[cache(batch)]
fn users(#[cfg(all())] ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

fn main() {}
