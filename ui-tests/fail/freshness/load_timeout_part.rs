use cachekit::cache;

#[cache(load_timeout = (softt = "2s"))]
async fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
