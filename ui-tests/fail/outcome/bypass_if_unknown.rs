use cachekit::cache;

#[cache(bypass_if = usr_id == 0)]
fn user(user_id: u64) -> u64 {
    user_id
}

fn main() {}
