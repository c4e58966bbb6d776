//! Returned from a generic function what is no batch's.

#[cachekit::cache(batch)]
fn users<T: cachekit::Key>(ids: &[T]) -> Vec<T> {
    ids.to_vec()
}

fn main() {}
