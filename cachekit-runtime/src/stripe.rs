//! A small number for every thread, so that counters can give each thread a cell of its own; and a record, in which it says what others may ask.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::lock;

/// How many threads have cells of their own wherever there is a cell per thread; the others share one.
pub(crate) const EXCLUSIVE: usize = 64;

/// The index of a thread that is being torn down and has none of its own any more.
pub(crate) const OVERFLOW: usize = usize::MAX;

const UNKNOWN: usize = usize::MAX - 1;

/// What a thread says of itself, in a pair of cache lines of its own.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Record {
    pub(crate) word: AtomicUsize,
    index: usize,
}

#[cfg(not(loom))]
impl Record {
    /// That of its thread, which is below [`EXCLUSIVE`], if this is the record of one.
    #[inline(always)]
    pub(crate) fn index(&self) -> usize {
        self.index
    }
}

#[cfg(not(loom))]
static RECORDS: [Record; EXCLUSIVE] = {
    let mut records = [const { Record { word: AtomicUsize::new(0), index: 0 } }; EXCLUSIVE];
    let mut index = 0;
    while index < EXCLUSIVE {
        records[index].index = index;
        index += 1;
    }
    records
};

/// In place of a record of their own, for threads that have none (yet). Nobody writes it.
#[cfg(not(loom))]
static NOBODY: Record = Record { word: AtomicUsize::new(usize::MAX), index: OVERFLOW };

thread_local! {
    // Has no destructor, so reading it works, and costs nothing else, for as long as the thread runs code.
    static INDEX: Cell<usize> = const { Cell::new(UNKNOWN) };
    #[cfg(not(loom))]
    static RECORD: Cell<&'static Record> = const { Cell::new(&NOBODY) };
    static LEASE: Lease = Lease::take();
}

/// One more than the largest index that any thread ever had.
static USED: AtomicUsize = AtomicUsize::new(0);

static FREE: Mutex<Indices> = Mutex::new(Indices { returned: BinaryHeap::new(), next: 0 });

struct Indices {
    returned: BinaryHeap<Reverse<usize>>,
    next: usize,
}

impl Indices {
    fn take(&mut self) -> usize {
        if let Some(Reverse(index)) = self.returned.pop() {
            return index;
        }
        self.next += 1;
        self.next - 1
    }
}

/// Gives the index back at the exit of its thread. The lock orders all that the thread did under its index before what the next owner does.
struct Lease(usize);

impl Lease {
    fn take() -> Self {
        Self(lock(&FREE).take())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A guard that outlives this local has nowhere to say that its time is over.
        #[cfg(not(loom))]
        if let Some(record) = RECORDS.get(self.0) {
            record.word.store(0, Ordering::Release);
        }
        // First, because later destructors of this thread may count, and the index may have a new owner by then.
        set(OVERFLOW);
        lock(&FREE).returned.push(Reverse(self.0));
    }
}

/// The index of this thread: unique among the threads that live, the smallest free one when first asked for, the same until the thread ends.
///
/// While the thread's locals are destroyed it may be [`OVERFLOW`], which several threads can have at a time.
#[inline]
pub(crate) fn thread_index() -> usize {
    let index = INDEX.get();
    if index == UNKNOWN { first_index() } else { index }
}

/// As [`thread_index`], but a number beyond all indices if it has not been asked for on this thread yet: one load and no branch.
#[inline]
pub(crate) fn known_thread_index() -> usize {
    INDEX.get()
}

/// How many indices there are at most: each [`known_thread_index`] that is one was below this before its thread knew it.
#[cfg(not(loom))]
fn used() -> usize {
    USED.load(Ordering::SeqCst)
}

#[cold]
#[inline(never)]
fn first_index() -> usize {
    let index = LEASE.try_with(|lease| lease.0).unwrap_or(OVERFLOW);
    if index != OVERFLOW {
        USED.fetch_max(index + 1, Ordering::SeqCst);
    }
    set(index);
    index
}

fn set(index: usize) {
    INDEX.set(index);
    #[cfg(not(loom))]
    RECORD.set(RECORDS.get(index).unwrap_or(&NOBODY));
}

/// The record of this thread; one that says [`usize::MAX`] if it has none, or has not asked for its index yet. One load.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn this_record() -> &'static Record {
    RECORD.get()
}

/// All records that any thread ever had.
#[cfg(not(loom))]
pub(crate) fn records() -> &'static [Record] {
    &RECORDS[..used().min(EXCLUSIVE)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::sync::{Barrier, mpsc};
    use std::thread;

    #[test]
    fn live_threads_have_distinct_stable_indices() {
        let barrier = Barrier::new(64);
        let indices: Vec<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|_| {
                    scope.spawn(|| {
                        let index = thread_index();
                        barrier.wait();
                        assert_eq!(thread_index(), index);
                        index
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        assert_eq!(indices.iter().collect::<HashSet<_>>().len(), 64);
    }

    #[cfg(not(loom))]
    #[test]
    fn the_record_of_a_thread_is_its_own() {
        thread::spawn(|| {
            assert_eq!((this_record().index(), this_record().word.load(Ordering::SeqCst)), (OVERFLOW, usize::MAX));
            let index = thread_index();
            // Other tests may have more threads than there are records.
            assert_eq!(this_record().index(), if index < EXCLUSIVE { index } else { OVERFLOW });
            assert!(records().iter().map(Record::index).eq(0..records().len()));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_smallest_returned_index_comes_first() {
        let mut indices = Indices { returned: BinaryHeap::new(), next: 0 };
        assert_eq!([indices.take(), indices.take(), indices.take()], [0, 1, 2]);
        indices.returned.extend([Reverse(2), Reverse(0)]);
        assert_eq!([indices.take(), indices.take(), indices.take()], [0, 2, 3]);
    }

    #[test]
    fn indices_of_ended_threads_are_used_again() {
        // Other tests run beside this one, so the bound is generous; without reuse the largest would be at least 2 000.
        let largest = (0..2_000).filter_map(|_| thread::spawn(thread_index).join().ok()).max();
        assert!(largest.is_some_and(|index| index < 1_500), "{largest:?}");
    }

    #[test]
    fn the_index_can_be_asked_for_in_destructors() {
        struct AtExit(mpsc::Sender<usize>);
        impl Drop for AtExit {
            fn drop(&mut self) {
                self.0.send(thread_index()).ok();
            }
        }
        thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

        // Whether the local registered first is also destroyed first is not specified, so both ways are tried.
        let at_exits = [true, false].map(|first| {
            let (send, receive) = mpsc::channel();
            let ended = thread::spawn(move || {
                if !first {
                    thread_index();
                }
                AT_EXIT.set(Some(AtExit(send)));
                thread_index()
            })
            .join();
            let (Ok(before), Ok(at_exit)) = (ended, receive.recv()) else { panic!("the thread must end normally") };
            assert!(at_exit == before || at_exit == OVERFLOW, "{before} became {at_exit}");
            at_exit
        });
        let after_the_lease = at_exits.into_iter().filter(|index| *index == OVERFLOW).count();
        assert_eq!(after_the_lease, 1, "a returned index must not be used any more");
    }
}
