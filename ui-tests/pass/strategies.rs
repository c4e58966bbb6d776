//! Every strategy by its name, beside both kinds of bound.
use cachekit::cache;

#[cache(strategy = "lru", capacity = 8)]
fn lru(id: u64) -> u64 {
    id
}

#[cache(strategy = "lfu", capacity = 8)]
fn lfu(id: u64) -> u64 {
    id
}

#[cache(strategy = "fifo", capacity = 8)]
fn fifo(id: u64) -> u64 {
    id
}

#[cache(strategy = "sieve", capacity = 8)]
async fn sieve(id: u64) -> u64 {
    id
}

#[cache(strategy = "s3-fifo", max_bytes = "1kB")]
fn s3_fifo(id: u64) -> u64 {
    id
}

#[cache(strategy = "s3-tinylfu", capacity = 8)]
fn s3_tinylfu(id: u64) -> u64 {
    id
}

#[cache(strategy = "lirs", capacity = 8)]
fn lirs(x: u32) -> u32 {
    x + 10
}

#[cache(strategy = "w-tinylfu", capacity = 8)]
fn w_tinylfu(id: u64) -> u64 {
    id
}

#[cache(strategy = "adaptive", max_bytes = "1MiB")]
fn adaptive<T: cachekit::Key>(id: T) -> u64 {
    let _ = id;
    7
}

fn main() {
    for id in 0..100 {
        assert_eq!((lru(id), lfu(id), fifo(id), s3_fifo(id), w_tinylfu(id)), (id, id, id, id, id));
        assert_eq!((s3_tinylfu(id), adaptive(id)), (id, 7));
    }
    let entries = [lru::stats(), lfu::stats(), fifo::stats(), s3_tinylfu::stats(), w_tinylfu::stats()];
    assert!(entries.iter().all(|stats| stats.entries == 8), "{entries:?}");
    let _future = sieve(1);
}
