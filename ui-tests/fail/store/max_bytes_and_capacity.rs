use cachekit::cache;

#[cache(max_bytes = "64MiB", capacity = 100)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
