use cachekit::cache;

#[cache(
    backend = ["memory", "rediss", "file", "file"],
    codec = "jsom",
    compress = "gzip",
    near_ttl = "5",
    timeout = "0s",
    on_backend_error = "retry",
    lock = 10,
    tags = []
)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
