use cachekit::cache;

#[cache(max_bytes = "64MiB")]
fn page<T: cachekit::Key>(id: T) -> Vec<T> {
    vec![id]
}

fn main() {
    page(1);
}
