use cachekit::cache;

#[cache(max_bytes = "plenty")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
