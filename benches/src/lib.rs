//! Benchmarks of cachekit beside its peers: contestants, and a harness that interleaves them.
//!
//! See `README.md` of this folder for how to read what it prints.

pub mod args;
pub mod contestant;
pub mod engine;
pub mod functions;
pub mod instructions;
pub mod json;
pub mod keys;
pub mod machine;
pub mod proxies;
pub mod random;
pub mod replay;
pub mod report;
pub mod rounds;
pub mod stats;
pub mod stores;
pub mod strategies;
pub mod traces;
pub mod workers;
