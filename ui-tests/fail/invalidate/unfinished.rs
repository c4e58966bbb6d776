use cachekit::invalidate;

#[invalidate(user(id) +)]
fn rename(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

fn main() {}
