use cachekit::cache;

#[cache]
fn shown<T: ToString>(value: T) -> String {
    value.to_string()
}

fn main() {
    shown(1);
}
