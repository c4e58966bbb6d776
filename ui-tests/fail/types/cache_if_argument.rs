use cachekit::cache;

#[cache(cache_if = |value: &Result<u64, String>| value.is_ok())]
fn user(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {
    let _ = user(1);
}
