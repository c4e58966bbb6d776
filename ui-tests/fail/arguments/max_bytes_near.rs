use cachekit::cache;

#[cache(maxbyte = "64MiB")]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
