//! A lock for what is read far more often than written: a reader writes nothing that another thread reads often.
//!
//! A reader announces itself in a record of its own thread (one exchange in a cache line that is the thread's alone), looks whether a writer is
//! there, and reads. A writer takes an ordinary lock, whose word is that flag (see `gate`), and waits until no record names this lock any more. It is the "big reader"
//! lock of old Linux kernels, with one record per thread for all locks of the process instead of one lock per processor; BRAVO (Dice and Kogan,
//! USENIX ATC 2019, section 3) announces readers in a table in the same manner.
//!
//! The only module of this crate with `unsafe`. The argument:
//!
//! - *Exclusion.* A fast reader writes its record and then reads the flag; a writer writes the flag and then reads all records; all four accesses
//!   are sequentially consistent. So of a reader and a writer at least one sees the other: the reader turns to the lock instead, or the writer
//!   waits for the record. Slow readers hold the lock shared, the writer holds it exclusively. Records that are used later than the writer's look
//!   at how many there are belong to readers that see the flag, by the same argument: a thread raises the number before it first uses its record.
//! - *Visibility.* A reader leaves by a release store that the waiting writer acquires; a writer leaves by a release of the flag that the
//!   next reader acquires, as does the next writer.
//! - *Records.* A record belongs to one living thread (see `stripe`), and is handed on under a mutex; threads without one share a record whose word is never
//!   `NOTHING`, so that no reader takes it. A record names at most one lock:
//!   a thread that reads already, because user code under the lock came back here, either holds this very lock, and needs no more, or takes the
//!   ordinary lock of the other. Whoever else would write the record of a thread that reads, to send it the slow way, is refused.
//! - *Unwinding.* Both sides leave by guards, so a panic of user code under the lock leaves it usable; what the code under `write` guarantees of the
//!   value at such points is its own business.

#![expect(unsafe_code, reason = "the argument stands above; model-checked below")]

use std::{ops::Deref, ptr};

use self::shim::{AtomicUsize, ConstPtr, Ordering, UnsafeCell, readings};
pub(crate) use self::shim::{Thread, this_thread};
use super::gate::Gate;

/// In a record: its thread reads under no lock.
const NOTHING: usize = 0;

/// In a record: its thread reads the slow way only, because calls of it have to look closer.
#[cfg(not(loom))]
const SLOW: usize = usize::MAX;

/// See the module.
#[repr(C)] // what a fast reader reads stands first
pub(crate) struct BigReader<T> {
    gate: Gate,
    value: UnsafeCell<T>,
}

// SAFETY: as for `RwLock<T>`: readers share `&T` between threads, writers hand `&mut T` from one to another.
unsafe impl<T: Send + Sync> Sync for BigReader<T> {}

/// Takes the announcement back, also when user code panics.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.store(NOTHING, Ordering::Release);
    }
}

/// A fast reader's access. Not for another thread: the record is this one's.
pub(crate) struct Reading<'a, T> {
    value: ConstPtr<T>,
    _leave: Leave<'a>,
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: announced, and no writer was there: each later one waits for the record, which the field beside takes back. See "Exclusion".
        unsafe { self.value.deref() }
    }
}

impl<T> BigReader<T> {
    pub(crate) fn new(value: T) -> Self {
        BigReader { gate: Gate::new(), value: UnsafeCell::new(value) }
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Reads without waiting. `None` where that is not possible: a writer is there, the lock is closed, or the thread has no record or reads
    /// already. `thread` is what [`this_thread`] gives, which a caller may need for other things as well.
    #[inline(always)]
    pub(crate) fn try_read(&self, thread: Thread) -> Option<Reading<'_, T>> {
        let reading = thread.reading()?;
        if reading.load(Ordering::Relaxed) != NOTHING {
            return None;
        }
        reading.swap(self.address(), Ordering::SeqCst);
        shim::as_seq_cst();
        let leave = Leave(reading);
        if !self.gate.is_open() {
            return None;
        }
        Some(Reading { value: self.value.get(), _leave: leave })
    }

    /// Reads, if need be after waiting for a writer.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        if this_thread().reading().is_some_and(|reading| reading.load(Ordering::Relaxed) == self.address()) {
            // SAFETY: this thread is among the readers of this lock already, further up on its stack.
            return self.value.with(|value| read(unsafe { &*value }));
        }
        let _sharing = self.gate.share();
        // SAFETY: no writer has the lock while this thread shares it.
        self.value.with(|value| read(unsafe { &*value }))
    }

    /// Changes the value, with no reader and no other writer beside.
    ///
    /// # Panics
    /// Where this thread reads under the same lock, so that it would wait for itself: user code under the lock (`Clone`, `Eq`) called the cache.
    pub(crate) fn write<R>(&self, write: impl FnOnce(&mut T) -> R) -> R {
        let address = self.address();
        assert!(
            this_thread().reading().is_none_or(|reading| reading.load(Ordering::Relaxed) != address),
            "a cache was changed by the `Clone`, `Eq` or `Hash` of its own keys or values, which run under its lock"
        );
        let _writing = self.gate.write();
        shim::as_seq_cst();
        wait_for_readers(address);
        // SAFETY: the lock excludes writers and slow readers, the flag and the wait exclude fast ones.
        self.value.with_mut(|value| write(unsafe { &mut *value }))
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn is_locked(&self) -> bool {
        self.gate.is_locked() || readings().any(|reading| reading.load(Ordering::SeqCst) == self.address())
    }

    /// Sends all readers the slow way from now on, or lets them go the fast way again.
    pub(crate) fn set_closed(&self, closed: bool) {
        self.gate.set_closed(closed);
    }
}

/// Sends the reads of this thread the slow way, or lets them go the fast way again.
///
/// # Panics
/// Where this thread reads the fast way, which its record must go on to say: user code under the lock (`Clone`, `Eq`) entered a scope.
#[cfg(not(loom))]
pub(crate) fn set_slow_here(slow: bool) {
    // A thread without a record reads the slow way in any case.
    if crate::stripe::thread_index() < crate::stripe::EXCLUSIVE
        && let Some(reading) = this_thread().reading()
    {
        assert!(
            matches!(reading.load(Ordering::Relaxed), NOTHING | SLOW),
            "a scope of `testing` was entered by the `Clone`, `Eq` or `Hash` of a cache's keys or values, which run under its lock"
        );
        reading.store(if slow { SLOW } else { NOTHING }, Ordering::Relaxed);
    }
}

#[cfg(loom)]
pub(crate) fn set_slow_here(_: bool) {}

#[inline]
fn wait_for_readers(address: usize) {
    for reading in readings() {
        if reading.load(Ordering::SeqCst) == address {
            wait_for(reading, address);
        }
    }
}

#[cold]
fn wait_for(reading: &AtomicUsize, address: usize) {
    let mut turns = 0_u32;
    while reading.load(Ordering::SeqCst) == address {
        shim::pause(turns);
        turns = turns.saturating_add(1);
    }
}

#[cfg(not(loom))]
mod shim {
    pub(super) use std::sync::atomic::{AtomicUsize, Ordering};
    use std::{thread, time::Duration};

    use crate::stripe::{self, Record};

    /// A thread, by its record: the word in it is the address of the lock under which it reads. Threads beyond those with records, of which a writer
    /// would have to look at too many, read by the ordinary lock; their word is none that may be written.
    #[derive(Clone, Copy)]
    pub(crate) struct Thread(&'static Record);

    impl Thread {
        /// Below [`stripe::EXCLUSIVE`], if it has a record.
        #[inline(always)]
        pub(crate) fn index(self) -> usize {
            self.0.index()
        }

        #[inline(always)]
        pub(super) fn reading(self) -> Option<&'static AtomicUsize> {
            Some(&self.0.word)
        }
    }

    #[inline(always)]
    pub(crate) fn this_thread() -> Thread {
        Thread(stripe::this_record())
    }

    pub(super) fn readings() -> impl Iterator<Item = &'static AtomicUsize> {
        stripe::records().iter().map(|record| &record.word)
    }

    /// For loom's sake.
    #[inline(always)]
    pub(super) fn as_seq_cst() {}

    /// Readers stay for nanoseconds, unless they were paused or clone something large.
    pub(super) fn pause(turns: u32) {
        match turns {
            0..128 => std::hint::spin_loop(),
            128..256 => thread::yield_now(),
            _ => thread::sleep(Duration::from_micros(50)),
        }
    }

    /// As loom's, which sees to it that nothing writes meanwhile.
    pub(super) struct ConstPtr<T>(*const T);

    impl<T> ConstPtr<T> {
        #[inline(always)]
        pub(super) unsafe fn deref(&self) -> &T {
            // SAFETY: the caller's business.
            unsafe { &*self.0 }
        }
    }

    /// As loom's.
    pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(super) fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }
        #[inline(always)]
        pub(super) fn with<R>(&self, run: impl FnOnce(*const T) -> R) -> R {
            run(self.0.get().cast_const())
        }
        #[inline(always)]
        pub(super) fn get(&self) -> ConstPtr<T> {
            ConstPtr(self.0.get())
        }
        pub(super) fn with_mut<R>(&self, run: impl FnOnce(*mut T) -> R) -> R {
            run(self.0.get())
        }
    }
}

#[cfg(loom)]
mod shim {
    use std::cell::Cell;

    use loom::lazy_static;
    pub(super) use loom::{
        cell::{ConstPtr, UnsafeCell},
        sync::atomic::{AtomicUsize, Ordering},
    };

    /// As many as a model has threads, one less for the slow way where `THREADS` is not enough.
    const MOST: usize = 2;

    lazy_static! {
        static ref RECORDS: [AtomicUsize; MOST] = [AtomicUsize::new(super::NOTHING), AtomicUsize::new(super::NOTHING)];
        static ref USED: AtomicUsize = AtomicUsize::new(0);
    }

    loom::thread_local! {
        static INDEX: Cell<usize> = Cell::new(usize::MAX);
    }

    /// A thread, by its index.
    #[derive(Clone, Copy)]
    pub(crate) struct Thread(usize);

    impl Thread {
        pub(crate) fn index(self) -> usize {
            self.0
        }

        pub(super) fn reading(self) -> Option<&'static AtomicUsize> {
            RECORDS.get(self.0)
        }
    }

    pub(crate) fn this_thread() -> Thread {
        Thread(INDEX.with(Cell::get))
    }

    /// What `stripe` does for a thread that has no index yet.
    pub(super) fn enlist() {
        let index = USED.fetch_add(1, Ordering::SeqCst);
        INDEX.with(|own| own.set(index));
    }

    pub(super) fn readings() -> impl Iterator<Item = &'static AtomicUsize> {
        RECORDS[..USED.load(Ordering::SeqCst).min(MOST)].iter()
    }

    /// loom takes sequentially consistent accesses for acquiring and releasing ones, and only such a fence for what it is. Here it stands for the order
    /// of the accesses around it.
    pub(super) fn as_seq_cst() {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }

    pub(super) fn pause(_: u32) {
        loom::thread::yield_now();
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::{BigReader, shim::enlist, this_thread};
    use loom::{model::Builder, sync::Arc, thread};

    /// Two halves that a writer changes one after the other.
    type Pair = BigReader<(u32, u32)>;

    fn model(run: impl Fn() + Sync + Send + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(run);
    }

    fn bump(pair: &Pair) {
        pair.write(|(one, other)| {
            *one += 1;
            *other += 1;
        });
    }

    fn look(pair: &Pair) -> u32 {
        let check = |&(one, other): &(u32, u32)| {
            assert_eq!(one, other);
            one
        };
        match pair.try_read(this_thread()) {
            Some(pair) => check(&pair),
            None => pair.read(check),
        }
    }

    #[test]
    fn loom_a_reader_sees_all_of_a_write_or_nothing() {
        model(|| {
            let pair = Arc::new(BigReader::new((0, 0)));
            let reader = {
                let pair = pair.clone();
                thread::spawn(move || {
                    enlist();
                    let first = look(&pair);
                    assert!(look(&pair) >= first);
                })
            };
            bump(&pair);
            reader.join().unwrap();
            assert_eq!(look(&pair), 1);
        });
    }

    #[test]
    fn loom_two_writers_and_a_reader() {
        model(|| {
            let pair = Arc::new(BigReader::new((0, 0)));
            let writer = {
                let pair = pair.clone();
                thread::spawn(move || bump(&pair))
            };
            let reader = {
                let pair = pair.clone();
                thread::spawn(move || {
                    enlist();
                    look(&pair)
                })
            };
            bump(&pair);
            writer.join().unwrap();
            assert!(reader.join().unwrap() <= 2);
            assert_eq!(look(&pair), 2);
        });
    }

    #[test]
    fn loom_fast_readers_of_two_threads_and_a_writer() {
        model(|| {
            let pair = Arc::new(BigReader::new((0, 0)));
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let pair = pair.clone();
                    thread::spawn(move || {
                        enlist();
                        look(&pair)
                    })
                })
                .collect();
            bump(&pair);
            for reader in readers {
                assert!(reader.join().unwrap() <= 1);
            }
        });
    }

    #[test]
    fn loom_closing_sends_readers_the_slow_way() {
        model(|| {
            let pair = Arc::new(BigReader::new((0, 0)));
            let reader = {
                let pair = pair.clone();
                thread::spawn(move || {
                    enlist();
                    look(&pair)
                })
            };
            pair.set_closed(true);
            bump(&pair);
            pair.set_closed(false);
            assert!(reader.join().unwrap() <= 1);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{BigReader, this_thread};
    use crate::stripe::thread_index;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn threads_that_read_and_write_never_see_a_torn_value() {
        let lock = BigReader::new([0_u64; 8]);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    thread_index();
                    let (mut fast, mut last) = (0_u32, 0);
                    while !stop.load(Ordering::Relaxed) || fast == 0 {
                        let whole = |value: &[u64; 8]| {
                            assert!(value.iter().all(|part| *part == value[0]), "{value:?}");
                            value[0]
                        };
                        let now = match lock.try_read(this_thread()) {
                            Some(value) => {
                                fast += 1;
                                whole(&value)
                            }
                            None => lock.read(whole),
                        };
                        assert!(now >= last);
                        last = now;
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        lock.write(|value| value.iter_mut().for_each(|part| *part += 1));
                    }
                    stop.store(true, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(lock.read(|value| *value), [40_000; 8]);
    }

    #[test]
    fn a_panic_under_the_lock_leaves_it_usable() {
        thread_index();
        let lock = BigReader::new(1);
        let reader = || {
            let _reading = lock.try_read(this_thread());
            panic!("a reader");
        };
        assert!(catch_unwind(AssertUnwindSafe(reader)).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| lock.read(|_| panic!("a slow reader")))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| lock.write(|_| panic!("a writer")))).is_err());
        lock.write(|value| *value += 1);
        assert_eq!(lock.try_read(this_thread()).as_deref(), Some(&2));
    }

    #[test]
    fn reading_within_reading_goes_on_and_writing_within_it_is_refused() {
        thread_index();
        let (lock, other) = (BigReader::new(1), BigReader::new(10));
        {
            let outer = lock.try_read(this_thread()).expect("nobody writes");
            assert!(lock.try_read(this_thread()).is_none() && other.try_read(this_thread()).is_none());
            other.write(|value| *value += 1);
            assert_eq!((*outer, lock.read(|value| *value), other.read(|value| *value)), (1, 1, 11));
            assert!(catch_unwind(AssertUnwindSafe(|| lock.write(|value| *value += 1))).is_err());
        }
        assert_eq!(lock.try_read(this_thread()).as_deref(), Some(&1));
    }

    #[test]
    fn a_closed_lock_is_read_the_slow_way_only() {
        thread_index();
        let lock = BigReader::new(1);
        lock.set_closed(true);
        assert_eq!((lock.try_read(this_thread()).as_deref(), lock.read(|value| *value)), (None, 1));
        lock.write(|value| *value = 2);
        assert!(lock.try_read(this_thread()).is_none());
        lock.set_closed(false);
        assert_eq!(lock.try_read(this_thread()).as_deref(), Some(&2));
    }

    #[test]
    fn a_thread_may_be_sent_the_slow_way() {
        thread_index();
        let lock = BigReader::new(1);
        super::set_slow_here(true);
        assert_eq!((lock.try_read(this_thread()).as_deref(), lock.read(|value| *value)), (None, 1));
        lock.write(|value| *value = 2);
        super::set_slow_here(false);
        assert_eq!(lock.try_read(this_thread()).as_deref(), Some(&2));
    }

    #[test]
    fn a_thread_that_reads_is_not_sent_the_slow_way() {
        thread_index();
        let lock = BigReader::new(1);
        let reading = lock.try_read(this_thread()).expect("nobody writes");
        assert!(catch_unwind(|| super::set_slow_here(true)).is_err());
        assert!(catch_unwind(|| super::set_slow_here(false)).is_err());
        assert!(lock.is_locked(), "it is announced still");
        drop(reading);
        assert!(!lock.is_locked());
    }

    #[test]
    fn more_threads_than_records_read_and_write() {
        let lock = BigReader::new(0_u64);
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| {
                    thread_index();
                    for _ in 0..50 {
                        let fast = lock.try_read(this_thread()).map(|value| *value);
                        let seen = fast.unwrap_or_else(|| lock.read(|value| *value));
                        lock.write(|value| *value += 1);
                        assert!(lock.read(|value| *value) > seen);
                    }
                });
            }
        });
        assert_eq!(lock.read(|value| *value), 5_000);
    }
}
