use cachekit::cache;

#[derive(Clone)]
struct Page(String);

#[cache(max_bytes = "64MiB")]
fn page(id: u64) -> Page {
    Page(id.to_string())
}

fn main() {
    page(1);
}
