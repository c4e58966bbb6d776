//! The ordinary lock of a [`BigReader`](super::big_reader::BigReader), in the word that its fast readers look at: one exchange takes the lock and sends them the
//! other way, one gives it back.
//!
//! Writers and those who share exclude each other; fast readers look whether they may come in, and are waited for elsewhere.

#[cfg(loom)]
use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicU32, Ordering},
};
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicU32, Ordering},
};

/// A writer is at work, or waits for fast readers to leave.
const WRITING: u32 = 1;
/// Nobody reads the fast way.
const CLOSED: u32 = 2;
/// Somebody sleeps; nobody comes in to share then, so that a writer gets its turn.
const PARKED: u32 = 4;
/// One of those who share; the bits from here on count them.
const SHARER: u32 = 8;

/// How often a state is looked at again before its thread sleeps.
#[cfg(not(loom))]
const SPINS: u32 = 100;
#[cfg(loom)]
const SPINS: u32 = 0;

pub(super) struct Gate {
    state: AtomicU32,
    parking: Mutex<()>,
    left: Condvar,
}

/// Leaves, also when user code panics.
pub(super) struct Writing<'a>(&'a Gate);

/// Leaves, also when user code panics.
pub(super) struct Sharing<'a>(&'a Gate);

impl Drop for Writing<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.0.state.compare_exchange(WRITING, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.0.leave();
        }
    }
}

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        let before = self.0.state.fetch_sub(SHARER, Ordering::Release);
        // It is a writer that sleeps, and its word stays, so that nobody comes in to share before it.
        if before & PARKED != 0 && before / SHARER == 1 {
            self.0.wake();
        }
    }
}

impl Gate {
    pub(super) fn new() -> Self {
        Gate { state: AtomicU32::new(0), parking: Mutex::new(()), left: Condvar::new() }
    }

    /// For fast readers, once announced: is it open? If so, they see what the last writer did; and a writer that comes later sees the announcement.
    #[inline(always)]
    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::SeqCst) & (WRITING | CLOSED) == 0
    }

    /// Waits for other writers and for those who share. From then on fast readers find it closed.
    #[inline]
    pub(super) fn write(&self) -> Writing<'_> {
        if self.state.compare_exchange(0, WRITING, Ordering::SeqCst, Ordering::Relaxed).is_err() {
            self.enter(|state| state & WRITING != 0 || state >= SHARER, |state| state | WRITING);
        }
        Writing(self)
    }

    /// Waits for writers.
    pub(super) fn share(&self) -> Sharing<'_> {
        self.enter(|state| state & (WRITING | PARKED) != 0, |state| state + SHARER);
        Sharing(self)
    }

    /// Closes it to fast readers, or opens it to them.
    pub(super) fn set_closed(&self, closed: bool) {
        if closed {
            self.state.fetch_or(CLOSED, Ordering::SeqCst);
        } else {
            self.state.fetch_and(!CLOSED, Ordering::SeqCst);
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn is_locked(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        state & WRITING != 0 || state >= SHARER
    }

    #[cold]
    fn enter(&self, is_blocked: impl Fn(u32) -> bool, entered: impl Fn(u32) -> u32) {
        let mut parking: Option<MutexGuard<'_, ()>> = None;
        let mut turns = 0;
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if !is_blocked(state) {
                if self.state.compare_exchange(state, entered(state), Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                    return;
                }
            } else if turns < SPINS {
                turns += 1;
                std::hint::spin_loop();
            } else if let Some(guard) = parking.take() {
                // Who leaves takes the word of sleepers away and then this mutex, which is held from here to the sleep.
                let said = state | PARKED;
                let is_said = state == said
                    || self.state.compare_exchange(state, said, Ordering::Relaxed, Ordering::Relaxed).is_ok();
                parking =
                    Some(if is_said { self.left.wait(guard).unwrap_or_else(PoisonError::into_inner) } else { guard });
            } else {
                parking = Some(self.parking.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Of a writer, where somebody sleeps or the gate is closed.
    #[cold]
    fn leave(&self) {
        if self.state.fetch_and(!(WRITING | PARKED), Ordering::Release) & PARKED != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        drop(self.parking.lock().unwrap_or_else(PoisonError::into_inner));
        self.left.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    #[test]
    fn writers_are_alone_and_sharers_are_not() {
        let (gate, inside, shared) = (Gate::new(), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for turn in 0..3_000 {
                        let writing = gate.write();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        if turn % 50 == 0 {
                            // Long enough for others to fall asleep.
                            thread::yield_now();
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(writing);
                    }
                });
                scope.spawn(|| {
                    for _ in 0..3_000 {
                        let sharing = gate.share();
                        assert_eq!(inside.load(Ordering::SeqCst), 0);
                        shared.fetch_add(1, Ordering::SeqCst);
                        drop(sharing);
                    }
                });
            }
        });
        assert_eq!((gate.state.load(Ordering::SeqCst), shared.load(Ordering::SeqCst)), (0, 9_000));
    }

    #[test]
    fn several_share_at_a_time_and_a_writer_gets_its_turn_before_those_who_come_later() {
        let gate = Gate::new();
        let (first, second) = (gate.share(), gate.share());
        assert!(gate.is_open() && gate.is_locked());
        let order = Mutex::new(Vec::new());
        let (gate, order) = (&gate, &order);
        thread::scope(|scope| {
            let come = |who: &'static str| order.lock().expect("nobody panics").push(who);
            let writer = scope.spawn(move || {
                let _writing = gate.write();
                come("the writer");
            });
            while gate.state.load(Ordering::SeqCst) & PARKED == 0 {
                thread::yield_now();
            }
            let late = scope.spawn(move || {
                let _sharing = gate.share();
                come("who came later");
            });
            drop(first);
            assert!(!writer.is_finished());
            drop(second);
            assert!(writer.join().is_ok() && late.join().is_ok());
            assert_eq!(*order.lock().expect("nobody panics"), ["the writer", "who came later"]);
        });
        assert!(!gate.is_locked());
    }

    #[test]
    fn closing_is_for_fast_readers_alone_and_lasts() {
        let gate = Gate::new();
        gate.set_closed(true);
        drop(gate.write());
        drop(gate.share());
        assert!(!gate.is_open());
        gate.set_closed(false);
        assert!(gate.is_open());
        let writing = gate.write();
        assert!(!gate.is_open());
        gate.set_closed(true);
        gate.set_closed(false);
        assert!(!gate.is_open(), "a writer is at work");
        drop(writing);
        assert!(gate.is_open());
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::{cell::UnsafeCell, model::Builder, sync::Arc, thread};

    #[test]
    fn loom_a_writer_is_alone_and_who_sleeps_at_the_gate_is_woken() {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            // loom reports who writes beside somebody; the pointers themselves are not followed.
            let counted = Arc::new((Gate::new(), UnsafeCell::new(())));
            let add = |counted: &(Gate, UnsafeCell<()>)| {
                let _writing = counted.0.write();
                counted.1.with_mut(|_| ());
            };
            let writer = {
                let counted = counted.clone();
                thread::spawn(move || add(&counted))
            };
            let sharer = {
                let counted = counted.clone();
                thread::spawn(move || {
                    let _sharing = counted.0.share();
                    counted.1.with(|_| ());
                })
            };
            add(&counted);
            writer.join().unwrap();
            sharer.join().unwrap();
        });
    }
}
