use cachekit::cache;

#[cache(ttl = "30s", load_timeout = (soft = "200ms"))]
async fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
