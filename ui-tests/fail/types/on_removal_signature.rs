use cachekit::{RemovalCause, cache};

fn gone(key: u64, value: u64, cause: RemovalCause) {
    let _ = (key, value, cause);
}

#[cache(on_removal = gone)]
fn user(id: u64) -> u64 {
    id
}

fn main() {
    user(1);
}
