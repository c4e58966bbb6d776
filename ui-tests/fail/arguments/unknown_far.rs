use cachekit::cache;

#[cache(colour = "red")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
