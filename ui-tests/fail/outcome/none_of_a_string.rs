use cachekit::cache;

#[cache(none = false)]
fn name(id: u64) -> String {
    id.to_string()
}

fn main() {}
