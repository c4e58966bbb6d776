use cachekit::cache;

#[cache(max_bytes = "99999999TiB")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
