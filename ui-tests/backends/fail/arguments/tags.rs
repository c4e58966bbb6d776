use cachekit::cache;

#[cache(backend = ["memory", "redis"], tags = ["user:{id}"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
