use cachekit::cache;

struct User {
    id: u64,
}

#[cache(key = "{user.id}")]
fn name(user: &User) -> String {
    user.id.to_string()
}

fn main() {}
