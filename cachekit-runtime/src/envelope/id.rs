//! Random ids.
//!
//! Two heads with one id would let a fill take another's marker for its own, so ids have to differ between all processes and hosts. The operating
//! system's randomness comes through the keys of std's `RandomState`, 128 bits of it, which no public function gives out: hashes made with them
//! are as good. Time, process and an address are added for systems where those keys should be weak. All of it goes into one blake3 key per process, and
//! an id is the keyed hash of a counter and of the process's id, which a fork changes.

use std::{
    hash::{BuildHasher, RandomState},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) const ID: usize = 16;

static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let random = RandomState::new();
    let mut hasher = blake3::Hasher::new_derive_key("cachekit: ids of heads");
    for part in 0_u64..4 {
        hasher.update(&random.hash_one(part).to_le_bytes());
        hasher.update(&RandomState::new().hash_one(part).to_le_bytes());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    hasher.update(&now.as_nanos().to_le_bytes());
    hasher.update(&process::id().to_le_bytes());
    hasher.update(&(&raw const random).addr().to_le_bytes());
    *hasher.finalize().as_bytes()
});

static NEXT: AtomicU64 = AtomicU64::new(0);

pub(super) fn random() -> [u8; ID] {
    let mut counted = [0; 12];
    let (count, process) = counted.split_at_mut(8);
    count.copy_from_slice(&NEXT.fetch_add(1, Relaxed).to_le_bytes());
    process.copy_from_slice(&process::id().to_le_bytes());
    let mut id = [0; ID];
    let hash = blake3::keyed_hash(&KEY, &counted);
    for (to, from) in id.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    id
}
