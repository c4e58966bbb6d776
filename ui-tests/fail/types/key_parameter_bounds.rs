use cachekit::cache;
use std::hash::Hash;

#[cache]
fn count<T: Hash + Eq + Clone>(value: T) -> usize {
    std::mem::size_of_val(&value)
}

fn main() {
    count(1);
}
