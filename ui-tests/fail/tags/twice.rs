use cachekit::cache;

#[cache(tags = ["user:{id}", "user:{id}"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
