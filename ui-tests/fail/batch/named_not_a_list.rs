//! Named ids that are a reference to a `Vec`.

use std::collections::HashMap;

#[cachekit::cache(batch = ids)]
fn users(ids: &Vec<u64>) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
