use cachekit::cache;

#[cache(refresh_ahead = "80%")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
