use cachekit::cache;

#[cache(backend = ["memory", "redis"], near_ttl = |key, value| LONG)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
