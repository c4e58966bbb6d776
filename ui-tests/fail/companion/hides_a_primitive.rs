use cachekit::cache;

#[cache]
fn str(id: u64) -> String {
    id.to_string()
}

fn main() {}
