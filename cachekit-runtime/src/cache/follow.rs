//! Following a flight.

use super::Core;
use crate::{
    flight::{
        graph::Waiting,
        group::Group,
        map::{Follower, Joined, Lead},
        state::{Payload, Seen, Vacancy},
    },
    key::Key,
    memory::{Glance, this_thread},
    outcome::{Outcome, OutcomeKind},
    output::{Output, OutputKind, Share, Value},
    runtime_thread::is_runtime_thread,
    stats::{Bypass, Takeover},
    tags::TagSet,
};
use event_listener::Listener;
use std::sync::Arc;

/// How following ended.
pub(super) enum Followed<K, V, R> {
    Output(R),
    /// The leader is gone and this call leads.
    Lead(Lead<K, V>),
    /// This call runs its own loader.
    Alone(Alone),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// The leader's result cannot be shared.
    Released,
    /// Waiting would close a cycle.
    Cycle,
    /// A sync call on a runtime's thread, beside an async leader that may need this thread.
    SyncBesideAsync,
}

/// What a follower does after one look at the flight.
pub(super) enum Next<K, V, R> {
    Ended(Followed<K, V, R>),
    Wait(Follower<K, V>),
}

impl<K: Key, V: Value> Core<K, V> {
    /// Leads the flight of a key, or follows it.
    pub(super) fn join(&self, hash: u64, key: &K, tags: Option<&TagSet>, is_async: bool) -> Joined<K, V> {
        self.leave_old_flight(hash, key);
        self.flights.join(hash, key, tags, is_async)
    }

    /// As [`join`](Self::join), for a call that leads several flights at once.
    pub(super) fn join_in(
        &self,
        group: &Arc<Group>,
        hash: u64,
        key: &K,
        tags: Option<&TagSet>,
        is_async: bool,
    ) -> Joined<K, V> {
        self.leave_old_flight(hash, key);
        self.flights.join_in(group, hash, key, tags, is_async)
    }

    pub(super) fn follow<R, M>(
        &self,
        mut follower: Follower<K, V>,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
    ) -> Followed<K, V, R>
    where
        M: OutputKind<R, Stored = V>,
    {
        self.counters.join();
        loop {
            let listener = follower.flight.listen();
            follower = match self.next(follower, false, output, share, trace) {
                Next::Ended(followed) => return followed,
                Next::Wait(follower) => follower,
            };
            let Ok(_waiting) = Waiting::begin(&follower.flight.node, None) else { return self.alone(Alone::Cycle) };
            listener.wait();
        }
    }

    /// Cancel-safe: a follower that is dropped leaves its place, and passes on a wake that was meant for it.
    pub(super) async fn follow_async<R, M>(
        &self,
        mut follower: Follower<K, V>,
        output: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
    ) -> Followed<K, V, R>
    where
        M: OutputKind<R, Stored = V>,
    {
        self.counters.join();
        loop {
            let listener = follower.flight.listen();
            follower = match self.next(follower, true, output, share, trace) {
                Next::Ended(followed) => return followed,
                Next::Wait(follower) => follower,
            };
            let Ok(_waiting) = Waiting::begin(&follower.flight.node, None) else { return self.alone(Alone::Cycle) };
            listener.await;
        }
    }

    pub(super) fn next<R, M>(
        &self,
        follower: Follower<K, V>,
        is_async: bool,
        _: Output<R, M>,
        share: Share<R>,
        trace: &mut Outcome,
    ) -> Next<K, V, R>
    where
        M: OutputKind<R, Stored = V>,
    {
        Next::Ended(match follower.flight.look(is_async) {
            Seen::Done(payload) => {
                trace.computed(OutcomeKind::Joined);
                match &*payload {
                    Payload::Value(value) => Followed::Output(M::wrap(value.clone())),
                    Payload::Output(packed) => match share.unpack(&**packed) {
                        Some(output) => Followed::Output(output),
                        None => self.alone(Alone::Released),
                    },
                }
            }
            Seen::Released => self.alone(Alone::Released),
            Seen::TakenOver(leader, why) => {
                self.counters.takeover(match why {
                    Vacancy::Dropped => Takeover::Dropped,
                    Vacancy::Panicked => Takeover::Panicked,
                    Vacancy::Stalled => Takeover::Stalled,
                });
                Followed::Lead(follower.into_lead(leader))
            }
            Seen::Led { is_async: true } if !is_async && is_runtime_thread() => self.alone(Alone::SyncBesideAsync),
            Seen::Led { is_async: led_by_async } => {
                // A task among the followers may be woken to take over and not be polled.
                if led_by_async || is_async {
                    follower.watch(&self.clock);
                }
                return Next::Wait(follower);
            }
        })
    }

    fn alone<R>(&self, why: Alone) -> Followed<K, V, R> {
        self.counters.bypass(match why {
            Alone::Released => Bypass::Released,
            Alone::Cycle => {
                tracing::warn!(cache = %self.settings.name, "a cached call would wait for itself; it runs uncached");
                Bypass::Cycle
            }
            Alone::SyncBesideAsync => Bypass::SyncBesideAsync,
        });
        Followed::Alone(why)
    }

    /// Waits until a flight is over, for one that wants to lead after it. `Err`: it leads this one now, or must not wait.
    pub(super) fn wait_out(&self, follower: Follower<K, V>) -> Result<(), Result<Lead<K, V>, Alone>> {
        loop {
            let listener = follower.flight.listen();
            match follower.flight.look(false) {
                Seen::Done(_) | Seen::Released => return Ok(()),
                Seen::TakenOver(leader, _) => return Err(Ok(follower.into_lead(leader))),
                Seen::Led { is_async: true } if is_runtime_thread() => {
                    let waiting = Waiting::begin(&follower.flight.node, None);
                    return Err(Err(if waiting.is_ok() { Alone::SyncBesideAsync } else { Alone::Cycle }));
                }
                Seen::Led { is_async } => {
                    if is_async {
                        follower.watch(&self.clock);
                    }
                }
            }
            let Ok(_waiting) = Waiting::begin(&follower.flight.node, None) else { return Err(Err(Alone::Cycle)) };
            listener.wait();
        }
    }

    /// A second look of a call that has just become the leader.
    pub(super) fn fresh_again(&self, hash: u64, key: &K, trace: &mut Outcome) -> Option<V> {
        if let Glance::Absent = self.table.try_hit(this_thread(), hash, |other| other == key, false, |_| ()) {
            return None;
        }
        let found = self.find(hash, |other| other == key, true)?;
        if !matches!(found.worth, super::entry::Worth::Fresh | super::entry::Worth::Ahead) {
            return None;
        }
        trace.found_in_memory(OutcomeKind::Joined, found.age);
        self.counters.join();
        found.value
    }
}
