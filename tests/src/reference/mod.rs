//! Plain reference implementations of eviction algorithms: small and slow, to be compared with the policies of cachekit.
//!
//! The ones in this folder follow their papers. Where a policy of ours deviates (because hits are only seen later, in a counter), the
//! plain form of our own algorithm is in [`ours`]; everything there is written from the documentation of the policy, without its
//! code.

mod arc;
mod fifo;
mod lfu;
mod lirs;
mod lru;
mod optimum;
pub mod ours;
mod queue;
mod s3_fifo;
mod sieve;
mod sketch;
pub mod streams;
mod w_tinylfu;

pub use self::{
    arc::Arc, fifo::Fifo, lfu::Lfu, lirs::Lirs, lru::Lru, optimum::optimum, queue::Queue, s3_fifo::S3Fifo,
    sieve::Sieve, w_tinylfu::WTinyLfu,
};

/// A cache of keys of which only hits and misses are wanted.
pub trait Reference {
    /// Looks the key up and, where it is not there, brings it in. Whether it was there.
    fn access(&mut self, key: u64) -> bool;

    /// Whether the key is there.
    fn holds(&self, key: u64) -> bool;
}

/// How many of the accesses hit.
pub fn hits(cache: &mut dyn Reference, keys: &[u64]) -> usize {
    keys.iter().filter(|key| cache.access(**key)).count()
}
