use cachekit::cache;

#[cache(in_impl = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
