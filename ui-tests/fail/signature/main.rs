use cachekit::cache;

#[cache]
fn main() {}
