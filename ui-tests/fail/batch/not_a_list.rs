//! Wrote `batch` on a function of one id.

use std::collections::HashMap;

#[cachekit::cache(batch)]
fn users(id: u64) -> HashMap<u64, String> {
    HashMap::from([(id, String::new())])
}

fn main() {}
