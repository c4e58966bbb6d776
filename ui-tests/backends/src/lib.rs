//! Compile-time fixtures of caches over backends.
