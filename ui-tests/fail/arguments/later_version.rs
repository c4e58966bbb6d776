use cachekit::cache;

#[cache(scope = "tenant")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
