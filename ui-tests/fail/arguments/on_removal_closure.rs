use cachekit::cache;

#[cache(on_removal = |_, _, _| ())]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
