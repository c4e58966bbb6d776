//! Left open which of two slices is the ids.

use std::collections::HashMap;

#[cachekit::cache(batch)]
fn users(ids: &[u64], fields: Vec<String>) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, fields.concat())).collect()
}

fn main() {}
