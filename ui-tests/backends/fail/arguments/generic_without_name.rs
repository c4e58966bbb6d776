use cachekit::cache;

#[cache(backend = "redis")]
fn shown<T: cachekit::Key + std::fmt::Debug>(value: T) -> String {
    format!("{value:?}")
}

fn main() {}
