use cachekit::invalidate;

#[invalidate(|value| { let id = *value; user(id) })]
fn rename(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

fn main() {}
