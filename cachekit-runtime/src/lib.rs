//! The runtime of cachekit: caches, single flight, the memory engine and its policies.
//!
//! Users depend on the facade `cachekit`, which re-exports what is public here.
#![allow(dead_code)] // until the first slice stands end to end

mod memory;
pub mod policy;
mod sync;
pub mod testing;
