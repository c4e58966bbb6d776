//! Asked for errors to be kept.

use std::collections::HashMap;

#[cachekit::cache(batch, errors = "5s")]
fn users(ids: &[u64]) -> Result<HashMap<u64, String>, String> {
    Ok(ids.iter().map(|id| (*id, String::new())).collect())
}

fn main() {}
