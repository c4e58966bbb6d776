use cachekit::cache;

#[derive(Clone)]
struct Failure;

#[cache(load_timeout = (hard = "2s"))]
async fn find(id: u64) -> Result<u64, Failure> {
    if id == 0 { Err(Failure) } else { Ok(id) }
}

fn main() {
    drop(find(1));
}
