//! Took something else by a mutable reference.

use std::collections::HashMap;

#[cachekit::cache(batch, skip(log))]
fn users(log: &mut Vec<u64>, ids: &[u64]) -> HashMap<u64, String> {
    log.extend(ids);
    HashMap::new()
}

fn main() {}
