use cachekit::{cache, invalidate};

#[cache]
fn user(id: u64) -> u64 {
    id
}

#[invalidate(user(name))]
fn rename(name: String) {
    drop(name);
}

fn main() {
    rename(String::new());
    user(1);
}
