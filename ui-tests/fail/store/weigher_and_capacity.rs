use cachekit::cache;

#[cache(weigher = weigh, capacity = 100)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
