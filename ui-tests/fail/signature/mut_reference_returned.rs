use cachekit::cache;

#[cache(skip(list))]
fn first(list: &mut Vec<u64>) -> &mut u64 {
    &mut list[0]
}

fn main() {}
