use cachekit::{cache, invalidate};

#[cache]
fn post(author: u64, number: u64) -> u64 {
    author + number
}

#[invalidate(post(author))]
fn edit(author: u64) {
    let _ = author;
}

fn main() {
    edit(1);
    post(1, 2);
}
