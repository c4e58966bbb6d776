use cachekit::cache;

#[cache(backend = "redis", on_backend_error = "fail")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
