use cachekit::cache;

#[cache(key = (id, name, id))]
fn user(id: u64, name: &str) -> String {
    format!("{id}{name}")
}

fn main() {}
