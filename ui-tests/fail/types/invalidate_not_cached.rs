use cachekit::invalidate;

fn user(id: u64) -> u64 {
    id
}

#[invalidate(user(id))]
fn rename(id: u64) {
    let _ = user(id);
}

fn main() {
    rename(1);
}
