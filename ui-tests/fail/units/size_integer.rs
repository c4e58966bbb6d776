use cachekit::cache;

#[cache(max_bytes = 65_536)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
