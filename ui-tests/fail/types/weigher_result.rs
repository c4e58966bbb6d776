use cachekit::cache;

fn weigh(_: &u64, page: &String) -> usize {
    page.len()
}

#[cache(max_bytes = "64MiB", weigher = weigh)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {
    page(1);
}
