use cachekit::cache;

#[cache(load_timeout = (hard = "2s"))]
fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
