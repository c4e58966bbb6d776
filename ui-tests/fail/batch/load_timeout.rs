//! Gave a batch a load timeout.

use std::collections::HashMap;

#[cachekit::cache(batch, load_timeout = (hard = "2s"))]
async fn users(ids: &[u64]) -> Result<HashMap<u64, String>, cachekit::Error> {
    Ok(ids.iter().map(|id| (*id, String::new())).collect())
}

fn main() {}
