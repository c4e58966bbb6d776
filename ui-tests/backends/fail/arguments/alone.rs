use cachekit::cache;

#[cache(codec = "json", compress = "lz4", near_ttl = "5s", timeout = "100ms", lock = "10s", on_backend_error = "fail")]
fn user(id: u64) -> Result<u64, cachekit::Error> {
    Ok(id)
}

fn main() {}
