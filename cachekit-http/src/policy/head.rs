//! A stored response without its body.

use super::{Terms, vary::Selection};
use http::{HeaderMap, HeaderName, StatusCode};
use std::time::{Duration, SystemTime};

/// What is stored of a response beside its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without those of one hop; `Date` is always there.
    pub fields: HeaderMap,
    /// Fields that may be given only after a validation (`no-cache="field"`, RFC 9111 §5.2.2.4).
    pub unvalidated: Vec<HeaderName>,
    /// The terms on which it is stored.
    pub terms: Terms,
    /// When it was asked for.
    pub requested: SystemTime,
    /// When it was received.
    pub received: SystemTime,
    /// Its age then.
    pub initial_age: Duration,
    /// The request fields that it depends on, with what they were; nothing else of the request is kept.
    pub selection: Selection,
}

/// Stored times are as exact as backends have them.
fn milliseconds(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()
}

impl Head {
    /// Whether it is of the same response, or of the same freshening of it.
    #[must_use]
    pub fn is_same(&self, other: &Head) -> bool {
        let times = |head: &Head| (milliseconds(head.requested), milliseconds(head.received));
        times(self) == times(other)
    }

    /// Whether it was asked for later. A time that is still to come is of another clock, and says nothing.
    #[must_use]
    pub fn is_later_than(&self, other: &Head, now: SystemTime) -> bool {
        self.requested <= now && milliseconds(self.requested) > milliseconds(other.requested)
    }

    /// Its age (RFC 9111 §4.2.3, `current_age`).
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        self.initial_age.saturating_add(now.duration_since(self.received).unwrap_or_default())
    }

    /// How long it stays fresh.
    #[must_use]
    pub fn fresh_for(&self, now: SystemTime) -> Duration {
        self.terms.lifetime.saturating_sub(self.age(now))
    }

    /// For how long it has been stale.
    #[must_use]
    pub fn stale_for(&self, now: SystemTime) -> Duration {
        self.age(now).saturating_sub(self.terms.lifetime)
    }

    /// Seconds of freshness that are left, as `Cache-Status` writes them: negative where it is stale.
    #[must_use]
    pub fn ttl(&self, now: SystemTime) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        // Both are not negative, so this cannot overflow; in whole seconds, as `Age` is.
        seconds(self.terms.lifetime) - seconds(self.age(now))
    }

    /// How long it is worth keeping, from now on.
    #[must_use]
    pub fn keep_for(&self, now: SystemTime, for_validation: Duration) -> Duration {
        let useful = self.terms.lifetime.saturating_add(self.terms.allowance()).saturating_sub(self.age(now));
        match super::validation::has_validator(&self.fields) {
            // However old it is: a validator does not age.
            true => useful.max(self.fresh_for(now).saturating_add(for_validation)),
            false => useful,
        }
    }
}
