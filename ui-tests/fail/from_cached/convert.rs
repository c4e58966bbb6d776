use cachekit::cache;

#[cache(convert = r#"{ id }"#)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
