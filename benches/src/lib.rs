//! Benchmarks of cachekit beside its peers.
