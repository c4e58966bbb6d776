//! Methods.

use cachekit::{Cache, cache};
use std::fmt::Debug;
use std::hash::Hash;

/// Has a cache of its own.
#[derive(Debug, Clone)]
pub struct Repo<T> {
    /// Whose.
    pub tenant: T,
    users: Cache<u64, String>,
}

impl<T: Debug + Hash + Eq + Clone + Send + Sync + 'static> Repo<T> {
    /// A new one.
    pub fn new(tenant: T) -> Self {
        Repo { tenant, users: Cache::builder().name("users").capacity(10).build() }
    }

    /// By the field.
    ///
    /// # Errors
    ///
    /// When there is none.
    #[cache(cache = self.users)]
    pub fn user(&self, id: u64) -> Result<String, String> {
        if id == 0 { Err("none".to_owned()) } else { Ok(format!("{:?} {id}", self.tenant)) }
    }

    /// By the tenant.
    #[cache(key = (&self.tenant, id), ttl = "1m", stale_while_revalidate = "1m")]
    #[must_use]
    pub fn find(&self, id: u64) -> Option<u64> {
        id.checked_add(1)
    }

    /// For all.
    #[cache(skip(self))]
    pub async fn shared(&self, id: u64, name: &str) -> usize {
        std::future::ready(()).await;
        name.len() + usize::try_from(id).unwrap_or(0)
    }

    /// Bounded by what it says itself.
    #[cache(key = (&self.tenant, id), max_bytes = "1GiB")]
    #[must_use]
    pub fn text(&self, id: u64) -> String {
        format!("{:?} {id}", self.tenant)
    }

    /// Without a receiver.
    #[cache(method)]
    #[must_use]
    pub fn size(n: usize) -> usize {
        size_of::<T>() + n
    }
}

/// A trait.
pub trait Named {
    /// A name.
    fn name(&self, id: u64) -> String;
    /// A label.
    fn label(id: u64) -> String;
}

/// Implements it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thing<T>(pub T);

impl<T: Debug + Hash + Eq + Clone + Send + Sync + 'static> Named for Thing<T> {
    #[cache(key = (&self.0, id), companion = false)]
    fn name(&self, id: u64) -> String {
        format!("{:?} {id}", self.0)
    }

    #[rustfmt::skip]
    #[cache(companion = false, method)]
    fn label(id: u64) -> String { id.to_string() }
}

/// Implements it as a whole block.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Block<T>(pub T);

#[cache]
impl<T: Debug + Hash + Eq + Clone + Send + Sync + 'static> Block<T> {
    /// Doubles.
    #[cache(key = (&self.0, n))]
    #[must_use]
    pub fn doubled(&self, n: u32) -> u32 {
        n * 2
    }

    /// Sized.
    #[cache]
    #[must_use]
    pub fn sized(n: usize) -> usize {
        n + size_of::<T>()
    }
}

#[cache]
impl<T: Debug + Hash + Eq + Clone + Send + Sync + 'static> Named for Block<T> {
    #[cache(key = (&self.0, id))]
    fn name(&self, id: u64) -> String {
        format!("{:?} {id}", self.0)
    }

    #[cache]
    fn label(id: u64) -> String {
        id.to_string()
    }
}

/// What may be stale, and may go past the cache.
pub trait Counted {
    /// Counts.
    fn count(&self, text: String) -> usize;
    /// Counts later.
    ///
    /// # Errors
    ///
    /// For nothing.
    fn count_later(&self, text: String) -> impl Future<Output = Result<usize, String>> + Send;
}

impl<T: Debug + Hash + Eq + Clone + Send + Sync + 'static> Counted for Block<T> {
    #[cache(companion = false, skip(self), ttl = "1s", stale_while_revalidate = "1m", refresh = "inline", tags = ["{text}"])]
    fn count(&self, text: String) -> usize {
        text.len()
    }

    #[cache(companion = false, skip(self), ttl = "1s", stale_while_revalidate = "1m", refresh = "inline", bypass_if = text.len() > 9, tags = ["{text}"])]
    async fn count_later(&self, text: String) -> Result<usize, String> {
        std::future::ready(()).await;
        if text.is_empty() { Err(text) } else { Ok(text.len()) }
    }
}
