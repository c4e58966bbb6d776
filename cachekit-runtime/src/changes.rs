//! Comparing once for many hits: what was compared holds while nothing has changed.

use crate::time::{PAST_TICK, Tick};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Of the versions of all tags of the process, and of the incarnations in which other processes tell it of theirs: so a hit costs one comparison, and not one for
/// each of its tags and one for each part of its backend.
#[cfg(not(loom))]
pub(crate) static CHANGES: Changes = Changes::new();

#[cfg(loom)]
loom::lazy_static! {
    pub(crate) static ref CHANGES: Changes = Changes::new();
}

/// How many changes there were, and one. In a cache line that is written by nothing else: every hit of an entry with tags, or of a copy, reads it.
#[repr(align(64))]
pub(crate) struct Changes(AtomicU64);

/// When it was last found that nothing of interest has changed, and until when that is all there is to ask.
///
/// The table keeps it beside its entries, so that a hit which needs it does not follow a pointer to an entry's own memory.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The number of changes then.
    number: AtomicU64,
    /// Only ever before the end of what was compared, so that it need not be of the same moment as the number.
    until: AtomicU32,
}

impl Changes {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Changes(AtomicU64::new(1))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Changes(AtomicU64::new(1))
    }

    /// Makes a change. Who calls [`hold`](Self::hold) after this has returned sees it.
    pub(crate) fn make<R>(&self, change: impl FnOnce() -> R) -> R {
        let result = change();
        // Last: who has compared before the change, with the number of then, compares again.
        self.0.fetch_add(1, Ordering::AcqRel);
        result
    }

    /// Was there none since it was compared?
    #[inline(always)]
    pub(crate) fn are_those_of(&self, compared: &Compared) -> bool {
        compared.number.load(Ordering::Relaxed) == self.0.load(Ordering::Acquire)
    }

    /// Whether `compare` finds that all is as it was; not asked again while nothing changes, and while it is before the end that it gives.
    pub(crate) fn hold(&self, compared: &Compared, compare: impl FnOnce() -> Option<Tick>) -> bool {
        // First: a change that `compare` does not see yet moves the number afterwards.
        let now = self.0.load(Ordering::Acquire);
        let Some(until) = compare() else {
            compared.forget();
            return false;
        };
        compared.until.store(until, Ordering::Relaxed);
        compared.number.store(now, Ordering::Relaxed);
        true
    }
}

impl Compared {
    /// Until when nothing else is to be asked, unless something [has changed](Changes::are_those_of).
    #[inline(always)]
    pub(crate) fn until(&self) -> Tick {
        self.until.load(Ordering::Relaxed)
    }

    /// As if it had never been compared.
    pub(crate) fn forget(&self) {
        self.number.store(0, Ordering::Relaxed);
    }
}

impl Default for Compared {
    /// Never compared: there is always one change at least.
    fn default() -> Self {
        Compared { number: AtomicU64::new(0), until: AtomicU32::new(PAST_TICK) }
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use crate::time::NEVER_TICK;
    use loom::{model::Builder, sync::Arc, thread};

    struct World {
        changes: Changes,
        compared: Compared,
        versions: [AtomicU64; 2],
    }

    impl World {
        fn new() -> Arc<Self> {
            let versions = [AtomicU64::new(0), AtomicU64::new(0)];
            Arc::new(World { changes: Changes::new(), compared: Compared::default(), versions })
        }

        fn invalidate(&self, tag: usize) {
            self.changes.make(|| self.versions[tag].fetch_add(1, Ordering::AcqRel));
        }

        fn is_current(&self) -> bool {
            self.changes.are_those_of(&self.compared)
                || self.changes.hold(&self.compared, || {
                    let are_first = self.versions.iter().all(|version| version.load(Ordering::Acquire) == 0);
                    are_first.then_some(NEVER_TICK)
                })
        }
    }

    #[test]
    fn loom_who_compares_during_a_change_sees_it_when_it_is_made() {
        loom::model(|| {
            let world = World::new();
            let looking = world.clone();
            let looks = thread::spawn(move || (looking.is_current(), looking.is_current()));
            world.invalidate(0);
            assert!(!world.is_current(), "who made the change");
            let (first, second) = looks.join().unwrap();
            assert!(first || !second, "once seen, it stays seen");
            assert!(!world.is_current(), "after both");
        });
    }

    #[test]
    fn loom_of_two_changes_at_once_each_is_seen() {
        // Three threads have more interleavings than anyone waits for.
        let mut model = Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let world = World::new();
            assert!(world.is_current());
            let (other, looking) = (world.clone(), world.clone());
            let changes = thread::spawn(move || {
                other.invalidate(1);
                assert!(!other.is_current());
            });
            let looks = thread::spawn(move || looking.is_current());
            world.invalidate(0);
            assert!(!world.is_current());
            changes.join().unwrap();
            looks.join().unwrap();
            assert!(!world.is_current());
        });
    }
}
