//! `memoize` 0.6: sync only; keys are owned, so that a caller with a `&str` allocates.

use super::bodies;
use memoize::memoize;
use std::{sync::Arc, time::Duration};

#[memoize]
pub(super) fn number(x: u64) -> u64 {
    bodies::number(x)
}

#[memoize(SharedCache, Capacity: 200_000, TimeToLive: Duration::from_secs(3_600))]
pub(super) fn number_shared(x: u64) -> u64 {
    bodies::number(x)
}

#[memoize]
pub(super) fn text(s: String) -> String {
    bodies::text(&s)
}

#[memoize(SharedCache, Capacity: 200_000, TimeToLive: Duration::from_secs(3_600))]
pub(super) fn text_shared(s: String) -> String {
    bodies::text(&s)
}

#[memoize]
pub(super) fn mixed(x: u64, s: String) -> Arc<String> {
    bodies::mixed(x, &s)
}

#[memoize(SharedCache, Capacity: 200_000, TimeToLive: Duration::from_secs(3_600))]
pub(super) fn mixed_shared(x: u64, s: String) -> Arc<String> {
    bodies::mixed(x, &s)
}
