use cachekit::cache;
use std::collections::HashMap;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id<'a>(&'a str);

#[cache(batch)]
fn users<'a>(ids: &[Id<'a>]) -> HashMap<String, u64> {
    ids.iter().map(|id| (id.0.to_owned(), 1)).collect()
}

fn main() {}
