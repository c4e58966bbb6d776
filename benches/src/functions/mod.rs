//! The contestants: the same three functions, sync and async, memoized by each library.

mod bodies;
mod by_hand;
mod cached_macros;
mod list;
mod memoize_macros;
pub(crate) mod mix;
pub mod ours;

pub use list::contestants;

use std::time::Duration;

/// More than there are keys, so that nothing is evicted.
const CAPACITY: usize = 200_000;

/// Longer than any run.
const TTL: Duration = Duration::from_secs(3_600);
