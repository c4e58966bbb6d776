use cachekit::cache;

#[cache(max_bytes = 64 << 20)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
