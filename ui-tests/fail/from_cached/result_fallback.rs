use cachekit::cache;

#[cache(result_fallback = true)]
fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
