use cachekit::cache;

#[cache(key = "String", convert = r#"{ id.to_string() }"#)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
