use cachekit::invalidate;

#[invalidate(user(1))]
struct User;

fn main() {}
