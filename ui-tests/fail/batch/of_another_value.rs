//! Shared entries with a function of another value.

use std::collections::HashMap;

#[cachekit::cache]
fn user(id: u64) -> Result<String, u8> {
    Ok(id.to_string())
}

#[cachekit::cache(batch, of = user)]
async fn users(ids: &[u64]) -> HashMap<u64, Vec<u8>> {
    ids.iter().map(|id| (*id, Vec::new())).collect()
}

fn main() {}
