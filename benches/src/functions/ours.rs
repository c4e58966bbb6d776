//! Ours, as a user writes it.

/// With a bound and a ttl.
pub mod bound_and_ttl {
    use super::super::bodies;
    use cachekit::cache;
    use std::sync::Arc;

    /// `fn(u64) -> u64`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub fn number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `fn(&str) -> String`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub fn text(s: &str) -> String {
        bodies::text(s)
    }

    /// `fn(u64, &str) -> Arc<String>`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub fn mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }

    /// `async fn(u64) -> u64`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub async fn async_number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `async fn(&str) -> String`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub async fn async_text(s: &str) -> String {
        bodies::text(s)
    }

    /// `async fn(u64, &str) -> Arc<String>`
    #[cache(capacity = 200_000, ttl = "1h")]
    pub async fn async_mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }
}

/// With a bound.
pub mod bound {
    use super::super::bodies;
    use cachekit::cache;
    use std::sync::Arc;

    /// `fn(u64) -> u64`
    #[cache(capacity = 200_000)]
    pub fn number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `fn(&str) -> String`
    #[cache(capacity = 200_000)]
    pub fn text(s: &str) -> String {
        bodies::text(s)
    }

    /// `fn(u64, &str) -> Arc<String>`
    #[cache(capacity = 200_000)]
    pub fn mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }

    /// `async fn(u64) -> u64`
    #[cache(capacity = 200_000)]
    pub async fn async_number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `async fn(&str) -> String`
    #[cache(capacity = 200_000)]
    pub async fn async_text(s: &str) -> String {
        bodies::text(s)
    }

    /// `async fn(u64, &str) -> Arc<String>`
    #[cache(capacity = 200_000)]
    pub async fn async_mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }
}

/// Without either.
pub mod unbounded {
    use super::super::bodies;
    use cachekit::cache;
    use std::sync::Arc;

    /// `fn(u64) -> u64`
    #[cache(capacity = "unbounded")]
    pub fn number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `fn(&str) -> String`
    #[cache(capacity = "unbounded")]
    pub fn text(s: &str) -> String {
        bodies::text(s)
    }

    /// `fn(u64, &str) -> Arc<String>`
    #[cache(capacity = "unbounded")]
    pub fn mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }

    /// `async fn(u64) -> u64`
    #[cache(capacity = "unbounded")]
    pub async fn async_number(x: u64) -> u64 {
        bodies::number(x)
    }

    /// `async fn(&str) -> String`
    #[cache(capacity = "unbounded")]
    pub async fn async_text(s: &str) -> String {
        bodies::text(s)
    }

    /// `async fn(u64, &str) -> Arc<String>`
    #[cache(capacity = "unbounded")]
    pub async fn async_mixed(x: u64, s: &str) -> Arc<String> {
        bodies::mixed(x, s)
    }
}
