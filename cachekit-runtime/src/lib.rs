//! The runtime of cachekit: caches, single flight, the memory engine and its policies.
//!
//! Users depend on the facade `cachekit`, which re-exports what is public here.
#![allow(dead_code)] // until the first slice stands end to end

mod background;
#[doc(hidden)]
pub mod key;
#[doc(hidden)]
pub mod output;
pub mod stats;
mod stripe;
mod sync;
mod tags;
pub mod time;

pub use background::{Flush, flush, is_shut_down, shutdown};
