use cachekit::cache;

#[cache(ttl = "30s", refresh_ahead = "80%")]
fn search(words: &[&str]) -> usize {
    words.len()
}

fn main() {}
