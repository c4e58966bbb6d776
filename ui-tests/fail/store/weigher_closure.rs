use cachekit::cache;

#[cache(max_bytes = "1MiB", weigher = |_, page| page.len() as u64)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
