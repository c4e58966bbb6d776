//! Asked for a refresh in the background.

use std::collections::HashMap;

#[cachekit::cache(batch, ttl = "1m", refresh_ahead = "80%")]
fn users(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
