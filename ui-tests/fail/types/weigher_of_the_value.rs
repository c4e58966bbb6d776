use cachekit::cache;

fn weigh(page: &String) -> u64 {
    page.len() as u64
}

#[cache(max_bytes = "64MiB", weigher = weigh)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {
    page(1);
}
