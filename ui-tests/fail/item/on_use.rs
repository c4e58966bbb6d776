use cachekit::cache;

#[cache]
pub use std::mem::swap;

fn main() {}
