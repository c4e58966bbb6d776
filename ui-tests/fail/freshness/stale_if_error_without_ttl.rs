use cachekit::cache;

#[cache(stale_if_error = "1h")]
fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
