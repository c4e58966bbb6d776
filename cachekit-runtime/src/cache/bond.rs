//! What ties a copy in memory to the tier that other processes change too: whether it may be used without asking there.

#[cfg(feature = "backend")]
pub(crate) use tied::{Bond, Tie};
#[cfg(not(feature = "backend"))]
pub(crate) use untied::{Bond, Tie};

#[cfg(feature = "backend")]
mod tied {
    pub(crate) use crate::far::Tie;
    use crate::{
        backend::{Parts, Witness},
        far::{Covered, Watch},
    };
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        time::Duration,
    };

    /// Of a copy that is kept.
    pub(crate) struct Bond {
        watch: Arc<Watch>,
        /// The incarnations in which the copy was last seen to be true, of its own part and of the generation's; 0: it never was.
        incarnations: [AtomicU64; 2],
        parts: [u16; 2],
        /// The head of what the tier has, and the generation of the cache then.
        seen: Option<(Witness, u64)>,
    }

    impl Bond {
        pub(crate) fn new(tie: &Tie) -> Self {
            let covered = tie.sight.covered();
            Bond {
                watch: tie.watch.clone(),
                incarnations: covered.map(|covered| AtomicU64::new(covered.incarnation())),
                parts: covered.map(Covered::part),
                seen: tie.seen,
            }
        }

        /// Of a copy of which the tier has nothing.
        pub(crate) fn loose(watch: &Arc<Watch>) -> Self {
            let incarnations = [const { AtomicU64::new(0) }; 2];
            Bond { watch: watch.clone(), incarnations, parts: [0; 2], seen: None }
        }

        /// May the copy be used as it is, as long as the lease lasts?
        #[inline]
        pub(crate) fn is_tight(&self) -> bool {
            let mut all = self.parts.iter().zip(&self.incarnations);
            all.all(|(part, incarnation)| {
                self.watch.is_covered(Covered::new(*part, incarnation.load(Ordering::Acquire)))
            })
        }

        /// May the copy be used as it is?
        #[inline]
        pub(crate) fn holds(&self) -> bool {
            self.watch.is_leased() && self.is_tight()
        }

        /// Was it so, not longer ago than that?
        pub(crate) fn held(&self, outage: Duration) -> bool {
            self.parts.iter().all(|part| self.watch.was_leased(*part, outage))
        }

        pub(crate) fn is_of(&self, parts: Parts<'_>) -> bool {
            let [entry, _] = self.parts;
            parts.contains(entry)
        }

        pub(crate) fn seen(&self) -> Option<(Witness, u64)> {
            self.seen
        }

        /// The tier was asked under this sight, and has what it had.
        pub(crate) fn tighten(&self, tie: &Tie) {
            if self.seen == tie.seen && self.watch.is_unchanged(&tie.sight) {
                for (to, covered) in self.incarnations.iter().zip(tie.sight.covered()) {
                    to.store(covered.incarnation(), Ordering::Release);
                }
            }
        }
    }

    impl Tie {
        /// Is nothing known that speaks against keeping the copy? To be asked under the lock of its place.
        pub(crate) fn holds(&self) -> bool {
            let is_told = |covered: Covered| !covered.is_any() || self.watch.is_covered(covered);
            self.watch.is_unchanged(&self.sight) && self.sight.covered().into_iter().all(is_told)
        }
    }
}

#[cfg(not(feature = "backend"))]
mod untied {
    /// There is no such tier.
    #[derive(Debug, Clone)]
    pub(crate) enum Tie {}

    /// There is no such tier.
    pub(crate) enum Bond {}

    impl Bond {
        #[inline]
        pub(crate) fn is_tight(&self) -> bool {
            match *self {}
        }

        #[inline]
        pub(crate) fn holds(&self) -> bool {
            match *self {}
        }
    }
}
