//! Functions over several ids.

use cachekit::cache;
use std::collections::{BTreeMap, HashMap};

/// Slices.
#[cache(batch, ttl = "30s", tags = ["length:{ids}"])]
#[must_use]
pub fn lengths(ids: &[u64]) -> HashMap<u64, usize> {
    ids.iter().map(|id| (*id, id.to_string().len())).collect()
}

/// One of them.
///
/// # Errors
/// Never.
#[cache]
pub async fn length(tenant: u32, id: &str) -> Result<usize, String> {
    std::future::ready(()).await;
    Ok(id.len() + tenant as usize)
}

/// Text, shared with a single function.
///
/// # Errors
/// Never.
#[cache(batch, of = length)]
pub async fn all_lengths(tenant: u32, ids: &[&str]) -> Result<BTreeMap<String, usize>, String> {
    std::future::ready(()).await;
    Ok(ids.iter().map(|id| ((*id).to_owned(), id.len() + tenant as usize)).collect())
}

/// Generic, by value.
#[cache(batch = ids, skip(limit), none = "10s", bypass_if = *limit == 0)]
#[must_use]
pub fn first<T>(limit: &usize, ids: Vec<T>, flags: &[bool]) -> Vec<Option<T>>
where
    T: cachekit::Key,
{
    ids.into_iter().enumerate().map(|(at, id)| (at < *limit || flags.is_empty()).then_some(id)).collect()
}

/// Has a method.
#[derive(Debug, Clone, Copy)]
pub struct Factor(pub u64);

impl Factor {
    /// Products.
    #[cache(batch, skip(self))]
    #[must_use]
    pub fn times(self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, id * self.0)).collect()
    }
}
