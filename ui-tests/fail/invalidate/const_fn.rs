use cachekit::invalidate;

#[invalidate(user(id))]
const fn rename(id: u64) -> u64 {
    id
}

fn main() {}
