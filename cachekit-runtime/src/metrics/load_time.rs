//! The times that are told when they end.

use super::table::{BACKEND_SECONDS, LOAD_SECONDS};
use crate::outcome::Tier;
use metrics::SharedString;
use std::{sync::Arc, time::Duration};

/// A load of the cache has ended.
pub(crate) fn load_time(cache: &Arc<str>, nanos: u64) {
    let cache = SharedString::from(Arc::clone(cache));
    metrics::histogram!(LOAD_SECONDS.name, "cache" => cache).record(Duration::from_nanos(nanos));
}

/// An operation of a backend has ended.
pub(crate) fn backend_time(tier: Tier, nanos: u64) {
    metrics::histogram!(BACKEND_SECONDS.name, "tier" => tier.word()).record(Duration::from_nanos(nanos));
}
