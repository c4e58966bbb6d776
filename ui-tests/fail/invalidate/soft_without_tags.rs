use cachekit::{cache, invalidate};

#[cache]
fn user(id: u64) -> u64 {
    id
}

#[invalidate(soft)]
fn rename(id: u64) -> u64 {
    id
}

fn main() {
    rename(user(1));
}
