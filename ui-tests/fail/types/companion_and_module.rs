use cachekit::cache;

mod user {
    pub fn name() {}
}

#[cache]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
    user::name();
}
