use cachekit::cache;

#[cache(tags = ["user:{ids}"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
