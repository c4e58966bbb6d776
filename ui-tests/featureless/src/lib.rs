//! Compile-time fixtures for who uses cachekit without its features.
