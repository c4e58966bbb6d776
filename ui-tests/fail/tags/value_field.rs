use cachekit::cache;

#[cache(tags = ["team:{value.team}"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
