//! Eviction policies: which entry goes when a cache is full.
//!
//! A [`Policy`] is told which entries come and go and names a victim when asked. It is not told of hits: what a hit does is
//! declared once, as a [`Touch`] of the entry's 64-bit policy word, so that a hit neither dispatches dynamically nor takes an
//! exclusive lock. Everything else goes through `Box<dyn Policy>`, which lets strategies be switched at run time and lets users
//! write their own; [`policy_suite!`](crate::testing::policy_suite) checks those. The guide `docs/guides/own-policy.md` goes through the example
//! `cachekit/examples/own_policy.rs`.
//!
//! | strategy | a hit | the victim |
//! |---|---|---|
//! | [`Lru`] | stamps the entry with the time of the hit | the entry with the oldest stamp |
//! | [`Lfu`] | counts | the entry with the fewest hits |
//! | [`Fifo`] | does nothing | the entry that was inserted first |
//! | [`Sieve`] | marks the entry | the next one that a hand finds unmarked |
//! | [`S3Fifo`] | counts up to three | see there |
//! | [`WTinyLfu`] | counts up to 15 | see there |
//! | [`Lirs`] | stamps the entry with the time of the hit | see there |
//! | [`S3TinyLfu`] | counts up to three | see there |

mod cells;
mod climber;
mod fifo;
mod ghost;
mod known;
mod lfu;
mod lirs;
mod lru;
mod s3_fifo;
mod s3_tinylfu;
mod sieve;
mod sketch;
mod slot;
mod slot_heap;
mod slot_queues;
mod standing;
mod strategy;
mod touch;
mod w_tinylfu;

pub use fifo::Fifo;
pub use known::Known;
pub use lfu::Lfu;
pub use lirs::Lirs;
pub use lru::Lru;
pub use s3_fifo::S3Fifo;
pub use s3_tinylfu::S3TinyLfu;
pub use sieve::Sieve;
pub use slot::{Slot, Words};
pub use standing::Standing;
pub use strategy::{PolicyFactory, Strategy, UnknownStrategy};
pub use touch::Touch;
pub use w_tinylfu::WTinyLfu;

pub(crate) use cells::{Cell, Cells};
pub(crate) use slot::WordSource;
#[cfg(feature = "advice")]
pub(crate) use slot_heap::SlotHeap;

/// An eviction strategy for one shard of a cache.
///
/// The table that owns the policy promises:
///
/// - calls are serialised, under the exclusive lock of the shard: they should be quick and must not call the cache;
/// - a [`Slot`] is dense, starts at 0 and is used again after its entry has gone. Between [`on_insert`](Self::on_insert) and the
///   matching [`on_remove`](Self::on_remove) or [`victim`](Self::victim) it stands for the same entry, and it is never inserted
///   twice;
/// - an entry that is overwritten keeps its slot, and the overwriting counts as a hit;
/// - [`victim`](Self::victim) is called only while the shard is full, before the new entry is inserted.
///
/// A policy that breaks its side (names a dead slot, names none while entries live, panics) costs hit ratio, never the capacity
/// bound: the table then evicts an arbitrary entry.
///
/// # Example
///
/// Most recently used first, good for cyclic scans:
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::policy::{Policy, Slot, Touch, Words};
///
/// struct Mru {
///     live: Vec<Slot>,
/// }
///
/// impl Policy for Mru {
///     fn with_capacity(capacity: usize) -> Self {
///         Mru { live: Vec::with_capacity(capacity.min(1024)) }
///     }
///     fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
///         self.live.push(slot);
///     }
///     fn on_hit(&self) -> Touch {
///         Touch::Stamp
///     }
///     fn on_remove(&mut self, slot: Slot) {
///         self.live.retain(|other| *other != slot);
///     }
///     fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
///         let newest = (0..self.live.len()).max_by_key(|&i| words.get(self.live[i]))?;
///         Some(self.live.swap_remove(newest))
///     }
/// }
///
/// cachekit::testing::policy_suite!(Mru);
/// # fn main() {} // keeps the items above at the root, where the suite finds them
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no eviction policy",
    label = "does not implement `cachekit::Policy`",
    note = "name a type that implements `cachekit::Policy` (`cachekit::testing::policy_suite!` checks it), or one of ours as a string, `strategy = \"lru\"`"
)]
pub trait Policy: std::any::Any + Send {
    /// A policy for a shard that holds at most `capacity` entries. At least 1.
    ///
    /// Memory should grow with use: a large capacity is often never reached.
    fn with_capacity(capacity: usize) -> Self
    where
        Self: Sized;

    /// An entry came into being at `slot`, which is told once before it is gone again. Its word is 0, or the time of its insertion if hits [`Stamp`](Touch::Stamp).
    fn on_insert(&mut self, slot: Slot, words: &Words<'_>);

    /// What a hit does to an entry's word. Asked once, when the policy is put in place; later answers are not seen.
    fn on_hit(&self) -> Touch;

    /// The entry at `slot` goes for another reason than this policy: it was invalidated, it expired, or the table chose it
    /// itself. Not called for what [`victim`](Self::victim) returned, nor when all entries go at once (the policy is then built anew).
    fn on_remove(&mut self, slot: Slot);

    /// Chooses the entry to evict and forgets it. `None` only if no entry lives.
    ///
    /// At a live switch to another policy it is called until it gives `None`: the order is what the next policy learns of recency.
    fn victim(&mut self, words: &Words<'_>) -> Option<Slot>;

    /// The shard now holds at most `capacity` entries, at least 1. Where it holds more, [`victim`](Self::victim) is called next,
    /// until it fits. A cache that is bounded by bytes estimates how many entries that is, and tells when the estimate has changed.
    fn set_capacity(&mut self, capacity: usize) {
        let _ = capacity;
    }

    /// Where the entry at `slot` stands, for people: what [`Cache::explain`](crate::Cache::explain) shows. `None`: there is nothing to say of it. Counts as nothing, and
    /// runs beside hits, so that the word may be a moment old.
    fn standing(&self, slot: Slot, words: &Words<'_>) -> Option<Standing> {
        let _ = (slot, words);
        None
    }

    /// An entry that was in the cache before this policy was: called instead of [`on_insert`](Self::on_insert) at a live switch,
    /// for one entry after another from the coldest to the hottest.
    ///
    /// The word is set already: a counter holds the smaller of [`Known::hits`] and its maximum, and stamps ascend with the rank.
    fn on_adopt(&mut self, slot: Slot, known: Known, words: &Words<'_>) {
        let _ = known;
        self.on_insert(slot, words);
    }
}
