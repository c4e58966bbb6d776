use cachekit::cache;

#[cache(sync_writes = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
