//! The versions of tags, wherever a backend keeps them.

use crate::{
    Error,
    backend::{Address, Backend, Version},
    far::tag_entries,
};
use std::{iter, time::Duration};

/// Looking at versions that may be fewer than the tags.
pub(super) trait Versions {
    fn padded(&self) -> impl Iterator<Item = Option<&Version>>;
}

impl Versions for [Option<Version>] {
    fn padded(&self) -> impl Iterator<Item = Option<&Version>> {
        self.iter().map(Option::as_ref).chain(iter::repeat(None))
    }
}

/// The versions of these tags, in their order; `None`: there is none now. The tags as [envelopes](crate::envelope::TagVersion) name them.
///
/// # Errors
/// Those of the backend.
pub async fn versions(backend: &dyn Backend, tags: &[&str]) -> Result<Vec<Option<Version>>, Error> {
    match backend.shared() {
        Some(shared) => shared.tags(tags).await,
        None => tag_entries::versions(backend, tags).await,
    }
}

/// As [`versions`], and makes those that are not there; in a shared backend each lives at least `ttl` longer.
///
/// # Errors
/// Those of the backend.
pub async fn make_versions(backend: &dyn Backend, tags: &[&str], ttl: Duration) -> Result<Vec<Version>, Error> {
    match backend.shared() {
        Some(shared) => shared.make_tags(tags, ttl).await,
        None => tag_entries::make(backend, tags).await,
    }
}

/// Takes the versions of these tags away: no entry that has one of them is given any more.
///
/// # Errors
/// Those of the backend.
pub async fn invalidate_tags(backend: &dyn Backend, tags: &[&str]) -> Result<(), Error> {
    match backend.shared() {
        Some(shared) => shared.invalidate_tags(tags).await,
        None => tag_entries::remove(backend, tags).await,
    }
}

/// Makes the entries of these tags stale.
///
/// # Errors
/// Those of the backend.
pub async fn soften_tags(backend: &dyn Backend, tags: &[&str], now: u64) -> Result<(), Error> {
    match backend.shared() {
        Some(shared) => shared.soften_tags(tags).await,
        None => tag_entries::soften(backend, tags, now).await,
    }
}

/// Is it no entry of a cache but something that caches keep beside them, such as the version of a tag?
#[must_use]
pub fn is_bookkeeping(address: &Address) -> bool {
    address.cache().is_empty()
}
