//! What tools ask of backends and entries beside what caches do: the command `cachekit` is made of this.
//!
//! It reads the same layout with the same code as the caches, so that there is one description of it. Nothing here is needed to cache.

mod described;
mod judge;
mod reseal;
mod tags;
#[cfg(test)]
mod tests;

#[cfg(feature = "file")]
pub use crate::backend::file::inspect::store_in;
#[cfg(feature = "redis")]
pub use crate::backend::redis::inspect::{Listed, Listing, Server, Shapes, Tracking, redacted_url};
pub use crate::envelope::{Outline, outline};
pub use described::{Described, described};
pub use judge::{Judgement, freshness_of, judge};
pub use reseal::{Setting, reseal};
pub use tags::{invalidate_tags, is_bookkeeping, make_versions, soften_tags, versions};

use crate::{
    backend::{Address, Fingerprint},
    far,
    identity::text,
};
use std::time::Duration;

/// The marker of a fill lives so long.
pub const MARKER: Duration = far::MARKER;

/// The address of the entry whose arguments are written as `arguments`, in whole or as addresses have them; `cache` as it stands in addresses.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{backend::Fingerprint, inspect::address};
///
/// assert_eq!(address("app/user", "42,\"Ann\"", Fingerprint(7)).id(), "app/user:42,\"Ann\"");
/// assert!(address("app/user", &"9".repeat(999), Fingerprint(7)).id().len() < 120);
/// ```
#[must_use]
pub fn address(cache: &str, arguments: &str, fingerprint: Fingerprint) -> Address {
    match text::short(arguments) {
        Some(short) => Address::shortened(cache, &short, arguments, fingerprint),
        None => Address::new(cache, arguments, fingerprint),
    }
}
