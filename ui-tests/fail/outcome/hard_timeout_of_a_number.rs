use cachekit::cache;

#[cache(load_timeout = (hard = "2s"))]
async fn user(id: u64) -> u64 {
    id
}

fn main() {}
