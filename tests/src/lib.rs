//! Integration and conformance tests of cachekit.
