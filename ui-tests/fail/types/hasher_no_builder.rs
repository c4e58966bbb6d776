use cachekit::cache;

use std::hash::DefaultHasher;

#[cache(hasher = DefaultHasher)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {
    page(1);
}
