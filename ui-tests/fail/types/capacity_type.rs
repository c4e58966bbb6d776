use cachekit::cache;

const ROOM: u32 = 10;

#[cache(capacity = ROOM)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
