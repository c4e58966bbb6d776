//! Compile-time fixtures of cachekit.
