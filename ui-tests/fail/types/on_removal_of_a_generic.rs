use cachekit::{Key, RemovalCause, cache};

fn gone(_: &u64, _: &String, _: RemovalCause) {}

#[cache(on_removal = gone)]
fn page<T: Key>(id: u64, of: T) -> String {
    let _ = of;
    id.to_string()
}

fn main() {
    page(1, "a");
}
