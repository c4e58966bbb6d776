//! Took the ids as an `impl Trait`.

use std::collections::HashMap;

#[cachekit::cache(batch)]
fn users(ids: impl AsRef<[u64]>) -> HashMap<u64, String> {
    ids.as_ref().iter().map(|id| (*id, String::new())).collect()
}

fn main() {}
