//! A user who denies everything.
#![deny(warnings, missing_docs, unsafe_code, unreachable_pub, unused, single_use_lifetimes, unused_qualifications)]
#![forbid(nonstandard_style, dead_code)]
use cachekit::cache;

/// A cached function.
#[cache(strategy = "lru", capacity = 10, ttl = "30s", jitter = "10%", tags = ["user:{id}"])]
#[must_use]
pub fn user(id: u64, name: &str) -> String {
    format!("{id}{name}")
}

/// Generic.
#[cache]
#[must_use]
pub fn generic<T: core::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: &T) -> usize {
    size_of_val(value)
}

/// Async.
///
/// # Errors
///
/// Never.
#[cache(key = (id % 2,), refresh_ahead = "50%", ttl = "1m")]
pub async fn load(id: u64) -> Result<u64, String> {
    core::future::ready(()).await;
    Ok(id)
}

/// A type.
#[derive(Debug, Clone)]
pub struct Repo;

impl Repo {
    /// A method.
    #[cache(skip(self), refresh_ahead = "50%", ttl = "1m")]
    #[must_use]
    pub fn find(&self, id: u64) -> u64 {
        id
    }
}

/// Changes.
#[cachekit::invalidate(user(id, name), Repo::find(id))]
pub fn rename(id: u64, name: &str) {
    assert!(id < 10, "{name}");
}

fn main() {
    assert_eq!(user(1, "a"), "1a");
    assert_eq!(generic(&1_u8), 1);
    assert_eq!(Repo.find(1), 1);
    rename(1, "a");
    assert_eq!(user::get(1, "a"), None);
    drop(load(1));
}
