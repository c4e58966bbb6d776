use cachekit::cache;

#[cache(stale_while_revalidate = "1m")]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
