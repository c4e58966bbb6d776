//! Requests for one missing response: one asks the handler, the others wait for what it gets.

use super::{spool::Spool, sync::lock};
use crate::{
    fields::CacheStatus,
    policy::Head,
    store::{Entry, EntryKey},
};
use cachekit_runtime::Captured;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// A response whose body is under way.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) head: Head,
    /// How long the body is, where that is known before its end.
    pub(super) length: Option<u64>,
    pub(super) spool: Arc<Spool>,
    /// What it is purged by.
    pub(super) tags: Vec<String>,
    /// The same from before it was asked for: what was purged meanwhile is for nobody who comes afterwards.
    pub(super) captured: Captured,
}

/// What answers everybody who has waited for it: validated, or in place of an error.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) entry: Arc<Entry>,
    /// As in [`Filling`].
    pub(super) captured: Captured,
    pub(super) status: CacheStatus,
}

/// How far the one is that asks.
#[derive(Debug, Clone)]
pub(super) enum Progress {
    /// No response yet.
    Waiting,
    /// A response that may be shared.
    Filling(Arc<Filling>),
    /// A response that is stored already.
    Answered(Arc<Answered>),
    /// What is stored answers now.
    Stored,
    /// Nothing that may be shared: everybody asks on their own.
    Alone,
}

#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<EntryKey, watch::Sender<Progress>>>);

/// What a request is to a flight.
pub(super) enum Joined {
    Lead(Lead),
    Follow(watch::Receiver<Progress>),
}

impl Flights {
    pub(super) fn join(self: &Arc<Self>, key: &EntryKey) -> Joined {
        let mut flights = lock(&self.0);
        match flights.get(key) {
            Some(sender) => Joined::Follow(sender.subscribe()),
            None => Joined::Lead(self.lead(&mut flights, key)),
        }
    }

    /// Leads in place of one that has been waited for in vain, so that nobody else has to; `None`: somebody does already.
    pub(super) fn take_over(self: &Arc<Self>, key: &EntryKey, waited: &watch::Receiver<Progress>) -> Option<Lead> {
        let mut flights = lock(&self.0);
        let is_the_same = flights.get(key).is_some_and(|sender| sender.subscribe().same_channel(waited));
        is_the_same.then(|| self.lead(&mut flights, key))
    }

    fn lead(self: &Arc<Self>, flights: &mut HashMap<EntryKey, watch::Sender<Progress>>, key: &EntryKey) -> Lead {
        let (sender, _) = watch::channel(Progress::Waiting);
        flights.insert(key.clone(), sender.clone());
        Lead(Flight { flights: self.clone(), key: key.clone(), sender })
    }
}

/// A flight, seen from the one that asks.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    flights: Arc<Flights>,
    key: EntryKey,
    sender: watch::Sender<Progress>,
}

impl Flight {
    pub(super) fn has_followers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Nobody joins it any more; who waits still does.
    pub(super) fn end(&self) {
        let mut flights = lock(&self.flights.0);
        // Somebody may have taken it over.
        if flights.get(&self.key).is_some_and(|sender| sender.same_channel(&self.sender)) {
            flights.remove(&self.key);
        }
    }
}

/// The one that asks. When it is dropped the flight is over, and who still waits asks alone.
#[derive(Debug)]
pub(super) struct Lead(Flight);

impl Lead {
    pub(super) fn flight(&self) -> &Flight {
        &self.0
    }

    /// Tells those who wait.
    pub(super) fn tell(&self, progress: Progress) {
        self.0.sender.send_replace(progress);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.end();
        self.0.sender.send_if_modified(|progress| {
            let waits = matches!(progress, Progress::Waiting);
            if waits {
                *progress = Progress::Alone;
            }
            waits
        });
    }
}
