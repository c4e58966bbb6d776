//! Locks for what is read far more often than written: a reader writes nothing that another thread reads often.
//!
//! A reader announces itself in a record of its own thread (one exchange in a cache line that is the thread's alone), looks whether a writer is
//! there, and reads. A writer takes an ordinary lock, raises a flag, and waits until no record announces a read any more that may have missed the
//! flag. It is the "big reader" lock of old Linux kernels, with one record per thread for all locks of the process instead of one lock per
//! processor; BRAVO (Dice and Kogan, USENIX ATC 2019, section 3) announces readers in a table in the same manner.
//!
//! What is announced first is the whole group of locks, and only when it is known which of them, that one: so the exchange, the expensive part,
//! need not wait until a hash is computed.
//!
//! The only module of this crate with `unsafe`. The argument:
//!
//! - *Exclusion.* A fast reader writes its record and then reads the flag of its lock; a writer writes the flag and then reads all records; all four
//!   accesses are sequentially consistent. So of a reader and a writer at least one sees the other: the reader turns to the lock instead, or the
//!   writer waits for the record. Slow readers hold the lock shared, the writer holds it exclusively. Records that are used later than the
//!   writer's look at how many there are belong to readers that see the flag, by the same argument: a thread raises the number before it first uses
//!   its record.
//! - *Waiting.* The writer waits while a record names its lock or its group, under the number of the read that it saw first. Each read has the next
//!   number, and one that begins later sees the flag. (Numbers begin anew after 128; then the writer waits longer than it has to.) A record that
//!   comes to name another lock is that of a reader that will not touch this one.
//! - *Visibility.* A reader leaves by a release store that the waiting writer acquires; a writer leaves by a release store of the flag that the
//!   next reader acquires, or by unlocking.
//! - *Records.* The index of a record belongs to one living thread (see `stripe`), and is handed on under a mutex. A record announces one read at
//!   most: a thread that reads already, because user code under a lock came back here, either reads under this very lock, and needs no more, or
//!   takes the ordinary lock.
//! - *Unwinding.* Both sides leave by guards, so a panic of user code under a lock leaves it usable; what the code under `write` guarantees of the
//!   value at such points is its own business.

#![expect(unsafe_code, reason = "the argument stands above; model-checked below")]

use std::{ops::Deref, ptr};

pub(crate) use self::shim::this_thread;
use self::shim::{AtomicU8, AtomicUsize, ConstPtr, Ordering, Records, RwLock, UnsafeCell, record, records, with_lock};

/// The part of a record that numbers the thread's reads. Alone, in an idle record, it is the number of the next.
const NUMBER: usize = 127;

/// In a lock's state: a writer is at work, or waits for readers to leave.
const WRITING: u8 = 1;
/// In a lock's state: nobody reads the fast way.
const CLOSED: u8 = 2;

/// One thread's announcement, in a pair of cache lines of its own.
#[repr(align(128))]
pub(super) struct Record {
    /// The number of the read, and the address of the lock or the name of the group; nothing but a number between reads.
    reading: AtomicUsize,
}

/// One of a group. In cache lines of its own (two, because neighbours are prefetched in pairs).
#[repr(C, align(128))] // what a fast reader reads stands first
struct Lock<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
    lock: RwLock<()>,
}

// SAFETY: as for `RwLock<T>`: readers share `&T` between threads, writers hand `&mut T` from one to another.
unsafe impl<T: Send + Sync> Sync for Lock<T> {}

/// A group of locks. See the module.
pub(crate) struct Locks<T> {
    locks: Box<[Lock<T>]>,
    /// What a record says of a read of any of them: a number that no other group has, in the bits beyond those of reads.
    name: usize,
}

/// A read of a group, of which lock is not known yet.
pub(crate) struct Announced<'a, T> {
    locks: &'a [Lock<T>],
    leave: Leave<'a>,
}

/// A fast reader's access. Not for another thread: the record is this one's.
pub(crate) struct Reading<'a, T> {
    value: ConstPtr<T>,
    _leave: Leave<'a>,
}

/// Ends the announcement, also when user code panics.
struct Leave<'a> {
    reading: &'a AtomicUsize,
    number: usize,
}

impl Drop for Leave<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.reading.store((self.number + 1) & NUMBER, Ordering::Release);
    }
}

/// Lowers the flag, also when user code panics.
struct Lower<'a> {
    state: &'a AtomicU8,
    to: u8,
}

impl Drop for Lower<'_> {
    fn drop(&mut self) {
        self.state.store(self.to, Ordering::Release);
    }
}

impl<T> Lock<T> {
    #[inline(always)]
    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl<'a, T> Announced<'a, T> {
    /// How many locks the group has.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.locks.len()
    }

    /// Reads what the lock with that index guards. `None`: a writer is there, the lock is closed, or there is none.
    #[inline(always)]
    pub(crate) fn read(self, index: usize) -> Option<Reading<'a, T>> {
        let lock = self.locks.get(index)?;
        if lock.state.load(Ordering::SeqCst) != 0 {
            return None;
        }
        // Writers of the other locks need not wait for this.
        self.leave.reading.store(lock.address() | self.leave.number, Ordering::Relaxed);
        Some(Reading { value: lock.value.get(), _leave: self.leave })
    }
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: announced, and no writer was there: each later one waits for the record, which the field beside takes back. See "Exclusion".
        unsafe { self.value.deref() }
    }
}

impl<T> Locks<T> {
    pub(crate) fn new(values: impl IntoIterator<Item = T>) -> Self {
        let lock = |value| Lock { state: AtomicU8::new(0), value: UnsafeCell::new(value), lock: RwLock::new(()) };
        Locks { locks: values.into_iter().map(lock).collect(), name: shim::new_name() }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.locks.len()
    }

    /// Announces a read, without waiting. `None` where that is not possible: the thread has no record or reads already. `thread` is what
    /// [`this_thread`] gives, which a caller may need for other things as well.
    #[inline(always)]
    pub(crate) fn announce(&self, thread: usize) -> Option<Announced<'_, T>> {
        let reading = &record(thread)?.reading;
        let number = reading.load(Ordering::Relaxed);
        if number > NUMBER {
            return None;
        }
        reading.swap(self.name | number, Ordering::SeqCst);
        Some(Announced { locks: &self.locks, leave: Leave { reading, number } })
    }

    /// Reads, if need be after waiting for a writer.
    pub(crate) fn read<R>(&self, index: usize, read: impl FnOnce(&T) -> R) -> R {
        let lock = &self.locks[index];
        let reads = |record: &Record| record.reading.load(Ordering::Relaxed) & !NUMBER == lock.address();
        if record(this_thread()).is_some_and(reads) {
            // SAFETY: this thread is among the readers of this lock already, further up on its stack.
            return lock.value.with(|value| read(unsafe { &*value }));
        }
        // SAFETY: no writer has the lock while this thread shares it.
        with_lock(lock.lock.read(), || lock.value.with(|value| read(unsafe { &*value })))
    }

    /// Changes the value, with no reader and no other writer beside.
    ///
    /// # Panics
    /// Where this thread reads under the same lock, so that it would wait for itself: user code under the lock (`Clone`, `Eq`, `Hash`) called the
    /// cache.
    pub(crate) fn write<R>(&self, index: usize, write: impl FnOnce(&mut T) -> R) -> R {
        let lock = &self.locks[index];
        let concerns = |reading: usize| [lock.address(), self.name].contains(&(reading & !NUMBER));
        assert!(
            record(this_thread()).is_none_or(|record| !concerns(record.reading.load(Ordering::Relaxed))),
            "a cache was changed by the `Clone`, `Eq` or `Hash` of its own keys or values, which run under its lock"
        );
        with_lock(lock.lock.write(), || {
            let before = lock.state.load(Ordering::Relaxed);
            let _lower = Lower { state: &lock.state, to: before };
            lock.state.swap(before | WRITING, Ordering::SeqCst);
            wait_for_readers(records(), concerns);
            // SAFETY: the lock excludes writers and slow readers, the flag and the wait exclude fast ones.
            lock.value.with_mut(|value| write(unsafe { &mut *value }))
        })
    }

    /// Sends all readers the slow way from now on, or lets them go the fast way again.
    pub(crate) fn set_closed(&self, closed: bool) {
        for lock in &self.locks {
            with_lock(lock.lock.write(), || lock.state.store(if closed { CLOSED } else { 0 }, Ordering::SeqCst));
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn are_locked(&self) -> bool {
        let reads = |lock: &Lock<T>| {
            let names = |reading: usize| [lock.address(), self.name].contains(&(reading & !NUMBER));
            record(this_thread()).is_some_and(|record| names(record.reading.load(Ordering::SeqCst)))
        };
        let is_held = |lock: &Lock<T>| matches!(lock.lock.try_write(), Err(std::sync::TryLockError::WouldBlock));
        self.locks.iter().any(|lock| reads(lock) || is_held(lock))
    }
}

fn wait_for_readers(records: &Records, concerns: impl Fn(usize) -> bool) {
    for record in records {
        let first = record.reading.load(Ordering::SeqCst);
        let (mut now, mut turns) = (first, 0_u32);
        while concerns(now) && now & NUMBER == first & NUMBER {
            shim::pause(turns);
            turns = turns.saturating_add(1);
            now = record.reading.load(Ordering::SeqCst);
        }
    }
}

#[cfg(not(loom))]
mod shim {
    pub(super) use std::sync::{
        RwLock,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    };
    use std::{sync::LockResult, thread, time::Duration};

    use super::Record;
    use crate::stripe;

    pub(super) type Records = [Record];

    /// Threads beyond so many read by the ordinary lock: a writer must not have to look at more records than this.
    const MOST: usize = stripe::EXCLUSIVE;

    static RECORDS: [Record; MOST] = [const { Record { reading: AtomicUsize::new(0) } }; MOST];

    /// The index of this thread's record, if it has one.
    #[inline(always)]
    pub(crate) fn this_thread() -> usize {
        stripe::known_thread_index()
    }

    #[inline(always)]
    pub(super) fn record(thread: usize) -> Option<&'static Record> {
        RECORDS.get(thread)
    }

    pub(super) fn records() -> &'static Records {
        &RECORDS[..stripe::used().min(MOST)]
    }

    /// Addresses of locks may equal it, which lets a writer wait for a reader that does not concern it, and no more.
    pub(super) fn new_name() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed) * (super::NUMBER + 1)
    }

    pub(super) fn with_lock<G, R>(guard: LockResult<G>, run: impl FnOnce() -> R) -> R {
        let _guard = guard.unwrap_or_else(std::sync::PoisonError::into_inner);
        run()
    }

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
        sync::{
            RwLock,
            atomic::{AtomicU8, AtomicUsize, Ordering},
        },
    };
    use std::sync::LockResult;

    use super::Record;

    pub(super) type Records = [Record];

    /// As many as a model has readers.
    const MOST: usize = 2;

    lazy_static! {
        static ref RECORDS: [Record; MOST] =
            [Record { reading: AtomicUsize::new(0) }, Record { reading: AtomicUsize::new(0) }];
        static ref USED: AtomicUsize = AtomicUsize::new(0);
    }

    loom::thread_local! {
        static INDEX: Cell<usize> = Cell::new(usize::MAX);
    }

    pub(crate) fn this_thread() -> usize {
        INDEX.with(Cell::get)
    }

    pub(super) fn record(thread: usize) -> Option<&'static Record> {
        RECORDS.get(thread)
    }

    /// What `stripe` does for a thread that has no index yet.
    pub(super) fn enlist() {
        let index = USED.fetch_add(1, Ordering::SeqCst);
        INDEX.with(|own| own.set(index));
    }

    pub(super) fn records() -> &'static Records {
        &RECORDS[..USED.load(Ordering::SeqCst).min(MOST)]
    }

    pub(super) fn new_name() -> usize {
        super::NUMBER + 1
    }

    pub(super) fn with_lock<G, R>(guard: LockResult<G>, run: impl FnOnce() -> R) -> R {
        let _guard = guard.unwrap_or_else(std::sync::PoisonError::into_inner);
        run()
    }

    pub(super) fn pause(_: u32) {
        loom::thread::yield_now();
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::{Locks, shim::enlist, this_thread};
    use loom::{model::Builder, sync::Arc, thread};

    /// Two halves that a writer changes one after the other; two of them in a group.
    type Pairs = Locks<(u32, u32)>;

    fn model(run: impl Fn() + Sync + Send + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(run);
    }

    fn pairs() -> Arc<Pairs> {
        Arc::new(Locks::new([(0, 0), (0, 0)]))
    }

    fn bump(pairs: &Pairs, index: usize) {
        pairs.write(index, |(one, other)| {
            *one += 1;
            *other += 1;
        });
    }

    fn look(pairs: &Pairs, index: usize) -> u32 {
        let check = |&(one, other): &(u32, u32)| {
            assert_eq!(one, other);
            one
        };
        match pairs.announce(this_thread()).and_then(|announced| announced.read(index)) {
            Some(pair) => check(&pair),
            None => pairs.read(index, check),
        }
    }

    fn reader(pairs: &Arc<Pairs>, indices: &'static [usize]) -> thread::JoinHandle<u32> {
        let pairs = pairs.clone();
        thread::spawn(move || {
            enlist();
            indices.iter().map(|index| look(&pairs, *index)).last().unwrap()
        })
    }

    #[test]
    fn loom_a_reader_sees_all_of_a_write_or_nothing() {
        model(|| {
            let pairs = pairs();
            let reader = reader(&pairs, &[0, 0]);
            bump(&pairs, 0);
            assert!(reader.join().unwrap() <= 1);
            assert_eq!(look(&pairs, 0), 1);
        });
    }

    #[test]
    fn loom_a_reader_of_one_and_then_the_other_lock() {
        model(|| {
            let pairs = pairs();
            let reader = reader(&pairs, &[1, 0]);
            bump(&pairs, 0);
            bump(&pairs, 1);
            assert!(reader.join().unwrap() <= 1);
        });
    }

    #[test]
    fn loom_two_writers_and_a_reader() {
        model(|| {
            let pairs = pairs();
            let writer = {
                let pairs = pairs.clone();
                thread::spawn(move || bump(&pairs, 0))
            };
            let reader = reader(&pairs, &[0]);
            bump(&pairs, 0);
            writer.join().unwrap();
            assert!(reader.join().unwrap() <= 2);
            assert_eq!(look(&pairs, 0), 2);
        });
    }

    #[test]
    fn loom_fast_readers_of_two_threads_and_a_writer() {
        model(|| {
            let pairs = pairs();
            let readers = [reader(&pairs, &[0]), reader(&pairs, &[0])];
            bump(&pairs, 0);
            readers.map(|reader| assert!(reader.join().unwrap() <= 1));
        });
    }

    #[test]
    fn loom_closing_sends_readers_the_slow_way() {
        model(|| {
            let pairs = Arc::new(Locks::new([(0, 0)]));
            let reader = reader(&pairs, &[0]);
            pairs.set_closed(true);
            bump(&pairs, 0);
            pairs.set_closed(false);
            assert!(reader.join().unwrap() <= 1);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Locks, Reading, this_thread};
    use crate::stripe::thread_index;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    fn fast<T>(locks: &Locks<T>, index: usize) -> Option<Reading<'_, T>> {
        locks.announce(this_thread())?.read(index)
    }

    #[test]
    fn threads_that_read_and_write_never_see_a_torn_value() {
        let locks = Locks::new([[0_u64; 8]; 2]);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    thread_index();
                    let (mut reads, mut last) = ([0_u32; 2], [0; 2]);
                    for index in [0, 1].into_iter().cycle() {
                        let whole = |value: &[u64; 8]| {
                            assert!(value.iter().all(|part| *part == value[0]), "{value:?}");
                            value[0]
                        };
                        let now = match fast(&locks, index) {
                            Some(value) => {
                                reads[index] += 1;
                                whole(&value)
                            }
                            None => locks.read(index, whole),
                        };
                        assert!(now >= last[index]);
                        last[index] = now;
                        if stop.load(Ordering::Relaxed) && reads.iter().all(|reads| *reads > 0) {
                            break;
                        }
                    }
                });
            }
            for index in 0..2 {
                let (locks, stop) = (&locks, &stop);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        locks.write(index, |value| value.iter_mut().for_each(|part| *part += 1));
                    }
                    stop.store(true, Ordering::Relaxed);
                });
            }
        });
        assert_eq!([0, 1].map(|index| locks.read(index, |value| *value)), [[20_000; 8]; 2]);
    }

    #[test]
    fn a_panic_under_the_lock_leaves_it_usable() {
        thread_index();
        let locks = Locks::new([1]);
        let announced = || {
            let _announced = locks.announce(this_thread());
            panic!("a reader that hashes");
        };
        assert!(catch_unwind(AssertUnwindSafe(announced)).is_err());
        let reader = || {
            let _reading = fast(&locks, 0);
            panic!("a reader");
        };
        assert!(catch_unwind(AssertUnwindSafe(reader)).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| locks.read(0, |_| panic!("a slow reader")))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| locks.write(0, |_| panic!("a writer")))).is_err());
        locks.write(0, |value| *value += 1);
        assert_eq!(fast(&locks, 0).as_deref(), Some(&2));
    }

    #[test]
    fn reading_within_reading_goes_on_and_writing_within_it_is_refused() {
        thread_index();
        let (locks, others) = (Locks::new([1, 2]), Locks::new([10]));
        {
            let outer = fast(&locks, 0).expect("nobody writes");
            assert!(fast(&locks, 0).is_none() && fast(&others, 0).is_none());
            others.write(0, |value| *value += 1);
            locks.write(1, |value| *value += 1);
            assert_eq!((*outer, locks.read(0, |value| *value), others.read(0, |value| *value)), (1, 1, 11));
            assert!(catch_unwind(AssertUnwindSafe(|| locks.write(0, |value| *value += 1))).is_err());
        }
        {
            let _announced = locks.announce(this_thread()).expect("nobody writes");
            assert!(catch_unwind(AssertUnwindSafe(|| locks.write(1, |value| *value += 1))).is_err());
        }
        assert_eq!((fast(&locks, 0).as_deref().copied(), fast(&locks, 1).as_deref().copied()), (Some(1), Some(3)));
    }

    #[test]
    fn a_closed_lock_is_read_the_slow_way_only() {
        thread_index();
        let locks = Locks::new([1]);
        locks.set_closed(true);
        assert_eq!((fast(&locks, 0).as_deref(), locks.read(0, |value| *value)), (None, 1));
        locks.write(0, |value| *value = 2);
        assert!(fast(&locks, 0).is_none());
        locks.set_closed(false);
        assert_eq!(fast(&locks, 0).as_deref(), Some(&2));
    }

    #[test]
    fn more_threads_than_records_read_and_write() {
        let locks = Locks::new([0_u64]);
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| {
                    thread_index();
                    for _ in 0..50 {
                        let seen = fast(&locks, 0).map(|value| *value).unwrap_or_else(|| locks.read(0, |value| *value));
                        locks.write(0, |value| *value += 1);
                        assert!(locks.read(0, |value| *value) > seen);
                    }
                });
            }
        });
        assert_eq!(locks.read(0, |value| *value), 5_000);
    }

    #[test]
    fn the_parts_that_a_reader_reads_stand_together() {
        assert_eq!(std::mem::offset_of!(super::Lock<u64>, state), 0);
        assert_eq!(std::mem::offset_of!(super::Lock<u64>, value), 8);
    }
}
