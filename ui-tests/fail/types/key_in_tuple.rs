use cachekit::cache;

struct Filter;

#[cache]
fn search(filter: (u64, Filter)) -> u64 {
    filter.0
}

fn main() {
    search((1, Filter));
}
