use cachekit::cache;

#[cache(ttl = "30s", stale_if_error = "1h", load_timeout = (soft = "3s", hard = "2s"))]
async fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
