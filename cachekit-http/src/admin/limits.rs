//! How often one may ask.

use super::refusal::Refusal;
use cachekit_runtime::time::Clock;
use http::StatusCode;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Where requests come from; `None`: the service does not say, and then all of them come from one place.
pub(super) type Peer = Option<IpAddr>;

/// Places that are told apart; more share what `None` has.
const PEERS: usize = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Any.
    Request,
    /// Of somebody who was not authorised.
    Refused,
    /// A change.
    Change,
}

impl Kind {
    /// So many at once, and so many each second.
    fn allowance(self) -> (f64, f64) {
        match self {
            Kind::Request => (200.0, 50.0),
            Kind::Refused => (10.0, 1.0),
            Kind::Change => (30.0, 5.0),
        }
    }
}

struct Bucket {
    left: f64,
    at: u64,
}

impl Bucket {
    fn fill(&mut self, kind: Kind, now: u64) {
        let (most, each_second) = kind.allowance();
        self.left = (self.left + now.saturating_sub(self.at) as f64 / 1e9 * each_second).min(most);
        self.at = now;
    }
}

pub(super) struct Limits {
    clock: Clock,
    buckets: Mutex<HashMap<(Peer, Kind), Bucket>>,
}

impl Limits {
    pub(super) fn new(clock: Clock) -> Self {
        Limits { clock, buckets: Mutex::default() }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Counts one.
    pub(super) fn take(&self, peer: Peer, kind: Kind) -> Result<(), Refusal> {
        self.look(peer, kind, 1.0)
    }

    /// Whether one more would be let through.
    pub(super) fn check(&self, peer: Peer, kind: Kind) -> Result<(), Refusal> {
        self.look(peer, kind, 0.0)
    }

    fn look(&self, peer: Peer, kind: Kind, cost: f64) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PEERS && !buckets.contains_key(&(peer, kind)) {
            // Full buckets say nothing.
            buckets.retain(|(_, kind), bucket| {
                bucket.fill(*kind, now);
                bucket.left < kind.allowance().0
            });
        }
        let peer = if buckets.len() >= PEERS && !buckets.contains_key(&(peer, kind)) { None } else { peer };
        let bucket = buckets.entry((peer, kind)).or_insert(Bucket { left: kind.allowance().0, at: now });
        bucket.fill(kind, now);
        if bucket.left < 1.0 {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many",
                "that is too often",
                "wait some seconds, and ask less often",
            ));
        }
        bucket.left -= cost;
        Ok(())
    }
}
