use cachekit::invalidate;

#[invalidate(user(1))]
impl User {}

struct User;

fn main() {}
