use cachekit::cache;

#[cache(key = "{id:width$}")]
fn user(id: u64, width: usize) -> u64 {
    id + width as u64
}

fn main() {}
