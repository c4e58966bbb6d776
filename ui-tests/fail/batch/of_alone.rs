//! Wrote `of` without `batch`.

#[cachekit::cache]
fn user(id: u64) -> String {
    id.to_string()
}

#[cachekit::cache(of = user)]
fn name(id: u64) -> String {
    user(id)
}

fn main() {}
