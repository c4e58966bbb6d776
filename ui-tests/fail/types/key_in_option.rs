use cachekit::cache;

struct Filter;

#[cache]
fn search(filter: Option<&Filter>) -> bool {
    filter.is_some()
}

fn main() {
    search(None);
}
