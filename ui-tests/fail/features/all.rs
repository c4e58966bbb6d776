use cachekit::cache;

#[cache(backend = ["memory", "file", "redis"], codec = "postcard", compress = "lz4")]
fn user(id: u64) -> u64 {
    id
}

#[cache(backend = my::backend(), codec = "msgpack")]
fn post(id: u64) -> u64 {
    id
}

#[cache(backend = "redis", codec = "bincode")]
fn comment(id: u64) -> u64 {
    id
}

fn main() {}
