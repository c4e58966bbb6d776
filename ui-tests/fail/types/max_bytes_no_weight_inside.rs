use cachekit::cache;

#[derive(Clone)]
struct Page(String);

#[cache(max_bytes = "64MiB")]
fn pages(id: u64) -> Result<Vec<Page>, String> {
    Ok(vec![Page(id.to_string())])
}

fn main() {
    let _ = pages(1);
}
