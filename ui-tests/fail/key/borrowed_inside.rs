use cachekit::cache;

#[cache(key = (id, found))]
fn title<'a>(id: u64, found: &[Result<&'a str, u8>]) -> String {
    format!("{id} {}", found.len())
}

fn main() {}
