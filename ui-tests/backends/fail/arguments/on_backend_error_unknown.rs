use cachekit::cache;

#[cache(backend = "redis", on_backend_error = "ignore")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
