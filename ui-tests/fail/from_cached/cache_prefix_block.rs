use cachekit::cache;

#[cache(redis = true, cache_prefix_block = r##"{ "users" }"##)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
