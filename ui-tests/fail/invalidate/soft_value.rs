use cachekit::{cache, invalidate};

#[cache(tags = ["user:{id}"])]
fn user(id: u64) -> u64 {
    id
}

#[invalidate(tags = ["user:{id}"], soft = true)]
fn rename(id: u64) -> u64 {
    id
}

fn main() {
    rename(user(1));
}
