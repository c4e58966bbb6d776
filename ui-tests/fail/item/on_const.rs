use cachekit::cache;

#[cache]
const LIMIT: u64 = 10;

fn main() {}
