use cachekit::invalidate;

#[invalidate(tags = ["user:{ids}"])]
fn rename(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

fn main() {}
