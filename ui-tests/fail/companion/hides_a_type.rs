use cachekit::cache;

#[derive(Clone)]
struct User(u64);

#[cache(companion = User)]
fn user(id: u64) -> User {
    User(id)
}

fn main() {}
