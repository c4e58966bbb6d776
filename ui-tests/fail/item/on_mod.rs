use cachekit::cache;

#[cache]
mod users {}

fn main() {}
