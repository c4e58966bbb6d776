use cachekit::{cache, register};

#[cache]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    register!(user).unwrap();
}
