use cachekit::cache;

#[cache]
static LIMIT: u64 = 10;

fn main() {}
