use cachekit::cache;

#[cache(ttl = "30s")]
pub enum Kind {
    A,
}

fn main() {}
