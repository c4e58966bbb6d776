use cachekit::cache;

#[cache(backend = ["memory", "file"], lock = "10s")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
