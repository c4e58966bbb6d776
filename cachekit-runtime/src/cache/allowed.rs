//! How long past its end the entries of a cache are good for something.

use super::settings::Settings;
use crate::time::{NEVER, nanos};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache says of all of its entries, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowances {
    pub(crate) idle: u64,
    /// How long past its ttl a hit may give an entry.
    pub(crate) revalidate: u64,
    /// How long past its ttl an entry is kept.
    pub(crate) window: u64,
    /// Whether what was made stale by a tag is given to the end of its ttl.
    pub(crate) softened: bool,
    /// Whether times are exact, as a test clock's are; else a ttl may end a millisecond early.
    pub(crate) exact: bool,
}

/// The same, as it may change while calls ask.
pub(crate) struct Allowed {
    pub(super) idle: AtomicU64,
    pub(super) revalidate: AtomicU64,
    /// How long past its ttl a value is given in place of an error.
    pub(super) if_error: AtomicU64,
    softened: bool,
    exact: bool,
}

impl Allowed {
    pub(crate) fn new<K, V>(settings: &Settings<K, V>, exact: bool) -> Self {
        Allowed {
            idle: AtomicU64::new(settings.idle.map_or(NEVER, nanos)),
            revalidate: AtomicU64::new(nanos(settings.stale_while_revalidate)),
            if_error: AtomicU64::new(nanos(settings.stale_if_error)),
            softened: settings.gives_softened,
            exact,
        }
    }

    /// Those of now.
    pub(crate) fn now(&self) -> Allowances {
        let (revalidate, if_error) = (self.revalidate(), self.if_error());
        Allowances {
            idle: self.idle(),
            revalidate,
            window: revalidate.max(if_error),
            softened: self.softened,
            exact: self.exact,
        }
    }

    #[inline]
    pub(crate) fn idle(&self) -> u64 {
        self.idle.load(Ordering::Relaxed)
    }

    pub(crate) fn revalidate(&self) -> u64 {
        self.revalidate.load(Ordering::Relaxed)
    }

    pub(crate) fn if_error(&self) -> u64 {
        self.if_error.load(Ordering::Relaxed)
    }
}
