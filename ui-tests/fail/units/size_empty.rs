use cachekit::cache;

#[cache(max_bytes = "")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
