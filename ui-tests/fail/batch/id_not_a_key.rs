//! Took ids that cannot be keys.

struct Id;

#[cachekit::cache(batch)]
fn users(ids: &[Id]) -> Vec<Option<String>> {
    ids.iter().map(|_| None).collect()
}

fn main() {}
