//! A user who has renamed the dependency.

#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::time::Duration;

/// Adds.
#[memo::cache(crate = ::memo, ttl = "1m", refresh_ahead = "50%", tags = ["sum"])]
#[must_use]
pub fn add(a: u64, b: &str) -> u64 {
    a + b.len() as u64
}

/// Adds, for who comes after a restart.
#[memo::cache(crate = ::memo, backend = ["memory", memo::backend::MemoryBytes::new()], codec = "json", near_ttl = "1m")]
#[must_use]
pub fn add_for_good(a: u64, b: &str) -> u64 {
    a + b.len() as u64
}

/// Adds later.
///
/// # Errors
///
/// Never.
#[memo::cache(crate = memo, errors = "1s", key = "{a}")]
pub async fn add_later<T: std::hash::Hash + Eq + Clone + Send + Sync + ToString + 'static>(
    a: T,
) -> Result<usize, String> {
    std::future::ready(()).await;
    Ok(a.to_string().len())
}

/// Changes.
#[memo::invalidate(add(a, "x"), crate = ::memo)]
pub fn change(a: u64) {
    let _ = a;
}

/// Has methods.
#[derive(Debug, Clone)]
pub struct Repo {
    users: memo::Cache<u64, u64>,
}

#[memo::cache(crate = ::memo)]
impl Repo {
    /// One.
    #[must_use]
    pub fn new() -> Self {
        Repo { users: memo::Cache::builder().ttl(Duration::from_secs(1)).build() }
    }

    /// By the field.
    #[memo::cache(cache = self.users)]
    #[must_use]
    pub fn user(&self, id: u64) -> u64 {
        id + 1
    }

    /// By the key.
    #[memo::cache(crate = ::memo)]
    #[must_use]
    pub fn twice(n: u64) -> u64 {
        n * 2
    }
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_works_under_another_name() {
        let _scope = memo::testing::scope();
        assert_eq!(super::add(1, "x"), 2);
        assert_eq!(super::add::get(1, "x"), Some(2));
        super::change(1);
        assert_eq!(super::add::get(1, "x"), None);
        assert_eq!((super::Repo::new().user(1), super::Repo::twice(2)), (2, 4));
    }
}
