use cachekit::cache;

#[cache(strategy = "s3fifo")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
