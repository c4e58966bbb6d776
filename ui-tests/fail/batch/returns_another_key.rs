//! Returned a map by something else.

use std::collections::HashMap;

#[cachekit::cache(batch)]
async fn users(ids: &[u64]) -> Result<HashMap<String, String>, String> {
    Ok(ids.iter().map(|id| (id.to_string(), String::new())).collect())
}

fn main() {}
