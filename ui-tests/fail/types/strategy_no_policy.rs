use cachekit::cache;

struct Newest;

#[cache(strategy = Newest)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
