//! Freeing expired entries of a cache that nobody touches: a timer for the first that is due, and the sweep that it starts.

use super::{
    Core,
    entry::{self, Life, More},
};
use crate::{
    housekeeping,
    key::Key,
    memory::{Removed, Seen, Swept},
    output::Value,
    time::{Clock, NEVER_TICK, Tick, is_after, nanos, tick_of, time_of},
};
use std::{
    sync::{
        Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How long after the first due entry a sweep comes, so that one sweep serves many.
const GATHER: u64 = nanos(Duration::from_millis(250));

/// When a cache is swept next.
pub(crate) struct Upkeep {
    /// The due tick for which a timer runs.
    next: AtomicU32,
    /// Starts a timer that sweeps at that time for that tick.
    start: Box<Start>,
}

type Start = dyn Fn(&Clock, u64, Tick) + Send + Sync;

impl Upkeep {
    pub(crate) fn of<K: Key, V: Value>(core: Weak<Core<K, V>>) -> Self {
        let start = move |clock: &Clock, time: u64, tick: Tick| {
            let core = core.clone();
            let is_test = clock.is_test();
            let job = move || {
                if is_test {
                    sweep(&core, tick);
                } else {
                    // The timer thread drives the clock, and must not wait for destructors.
                    housekeeping::run_soon(move || sweep(&core, tick));
                }
            };
            clock.at(time, job).detach();
        };
        Upkeep { next: AtomicU32::new(NEVER_TICK), start: Box::new(start) }
    }

    /// An entry is due at that tick.
    #[inline]
    pub(super) fn expect(&self, clock: &Clock, due: Tick) {
        if due == NEVER_TICK {
            return;
        }
        let next = self.next.load(Ordering::Relaxed);
        if next == NEVER_TICK || is_after(next, due) {
            self.expect_earlier(clock, next, due);
        }
    }

    #[cold]
    fn expect_earlier(&self, clock: &Clock, next: Tick, due: Tick) {
        // Who fails leaves it to the other, whose entry is due earlier, or to the sweep that is just reading what is due next.
        if self.next.compare_exchange(next, due, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            (self.start)(clock, time_of(due, clock.now()).saturating_add(GATHER), due);
        } else {
            self.expect(clock, due);
        }
    }
}

fn sweep<K: Key, V: Value>(core: &Weak<Core<K, V>>, tick: Tick) {
    let Some(core) = core.upgrade() else { return };
    // Otherwise an earlier timer has taken over.
    if core.upkeep.next.compare_exchange(tick, NEVER_TICK, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return;
    }
    loop {
        let now = core.clock.now();
        let mut out = Removed::new();
        let ask = |seen: Seen<'_, V, More>| {
            let again = Life::of(&seen).sweep(now, core.allowed.now())?;
            entry::renew_mark(&seen, now);
            Some(again)
        };
        let swept = core.table.sweep(tick_of(now), ask, &mut out);
        core.all_gone(out);
        if let Swept::Until(due) = swept {
            return core.upkeep.expect(&core.clock, due);
        }
    }
}
