//! Benchmarks of cachekit beside its peers: contestants, and a harness that interleaves them.
//!
//! See `README.md` of this folder for how to read what it prints.

pub mod args;
pub mod contestant;
pub mod functions;
pub mod instructions;
pub mod keys;
pub mod report;
pub mod rounds;
pub mod stats;
pub mod workers;
