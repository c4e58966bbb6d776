use cachekit::cache;

#[cache(key = "{user_id}:{nane}")]
fn user(user_id: u64, name: &str) -> u64 {
    user_id + name.len() as u64
}

fn main() {}
