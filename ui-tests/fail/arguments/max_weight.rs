use cachekit::cache;

#[cache(max_weight = 1_000)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
