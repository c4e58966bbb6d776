use cachekit::cache;

#[cache(skip(counter), ttl = "30s", refresh_ahead = "80%")]
fn find(id: u64, counter: Option<&mut u64>) -> u64 {
    let _ = counter;
    id
}

fn main() {}
