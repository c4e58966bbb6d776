use cachekit::cache;

#[cache(bypass_if = id)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
