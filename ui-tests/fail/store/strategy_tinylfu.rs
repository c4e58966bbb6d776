use cachekit::cache;

#[cache(strategy = "tinylfu")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
