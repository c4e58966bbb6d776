//! Comparing once for many hits: what was compared holds while nothing has changed.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Of the versions of all tags of the process, and of the incarnations in which other processes tell it of theirs: so a hit costs one comparison, and not one for
/// each of its tags and one for each part of its backend.
#[cfg(not(loom))]
pub(crate) static CHANGES: Changes = Changes(AtomicU64::new(1));

#[cfg(loom)]
loom::lazy_static! {
    pub(crate) static ref CHANGES: Changes = Changes(AtomicU64::new(1));
}

/// How many changes there were, and one. In a cache line that is written by nothing else: every hit of an entry with tags, or of a copy, reads it.
#[repr(align(64))]
pub(crate) struct Changes(AtomicU64);

/// When it was last found that nothing of interest has changed.
#[derive(Debug)]
pub(crate) struct Compared(AtomicU64);

impl Changes {
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
        compared.0.load(Ordering::Relaxed) == self.0.load(Ordering::Acquire)
    }

    /// Whether `compare` finds that all is as it was; not asked again while nothing changes.
    #[inline]
    pub(crate) fn hold(&self, compared: &Compared, compare: impl FnOnce() -> bool) -> bool {
        // First: a change that `compare` does not see yet moves the number afterwards.
        let now = self.0.load(Ordering::Acquire);
        if compared.0.load(Ordering::Relaxed) == now {
            return true;
        }
        let is_same = compare();
        if is_same {
            compared.0.store(now, Ordering::Relaxed);
        }
        is_same
    }
}

impl Compared {
    pub(crate) fn never() -> Self {
        Compared(AtomicU64::new(0))
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::{sync::Arc, thread};

    struct World {
        changes: Changes,
        compared: Compared,
        versions: [AtomicU64; 2],
    }

    impl World {
        fn new() -> Arc<Self> {
            let versions = [AtomicU64::new(0), AtomicU64::new(0)];
            Arc::new(World { changes: Changes(AtomicU64::new(1)), compared: Compared::never(), versions })
        }

        fn invalidate(&self, tag: usize) {
            self.changes.make(|| self.versions[tag].fetch_add(1, Ordering::AcqRel));
        }

        fn is_current(&self) -> bool {
            self.changes
                .hold(&self.compared, || self.versions.iter().all(|version| version.load(Ordering::Acquire) == 0))
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
        loom::model(|| {
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
