use cachekit::cache;

#[cache(weigher = weigh)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
