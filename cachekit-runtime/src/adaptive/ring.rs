//! A bounded queue from many producers to one consumer that would rather lose a sample than make a producer wait.

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::stripe::thread_index;

/// Samples that one stripe holds between two drains.
pub(crate) const STRIPE_CAPACITY: usize = 1024;

/// What the producers of a stripe write, on cache lines of its own.
#[repr(align(128))]
struct Producer {
    head: AtomicUsize,
    dropped: AtomicU64,
}

/// What the consumer writes.
#[repr(align(128))]
struct Consumer {
    tail: AtomicUsize,
}

struct Stripe<const ROOM: usize> {
    producer: Producer,
    consumer: Consumer,
    cells: [AtomicU64; ROOM],
}

impl<const ROOM: usize> Stripe<ROOM> {
    const MASK: usize = {
        assert!(ROOM.is_power_of_two());
        ROOM - 1
    };

    fn new() -> Box<Self> {
        Box::new(Stripe {
            producer: Producer { head: AtomicUsize::new(0), dropped: AtomicU64::new(0) },
            consumer: Consumer { tail: AtomicUsize::new(0) },
            cells: [const { AtomicU64::new(0) }; ROOM],
        })
    }

    /// How many samples wait now; `None` if this one was dropped.
    #[inline]
    fn push(&self, hash: u64) -> Option<usize> {
        let mut head = self.producer.head.load(Relaxed);
        // Pairs with the drain's `Release`: the cells up to the tail have been read.
        let tail = self.consumer.tail.load(Acquire);
        let mut used = head.wrapping_sub(tail);
        if used >= ROOM {
            if (used as isize) > 0 {
                // A load and a store: a count lost to another thread of the stripe is not worth a locked instruction.
                self.producer.dropped.store(self.producer.dropped.load(Relaxed).wrapping_add(1), Relaxed);
                return None;
            }
            // Threads that share a stripe do not synchronise: one that was paused before its store below may have set the head
            // back, behind what was drained since. The queue then goes on from there.
            (head, used) = (tail, 0);
        }
        self.cells[head & Self::MASK].store(hash, Relaxed);
        self.producer.head.store(head.wrapping_add(1), Release);
        Some(used + 1)
    }

    fn drain(&self, out: &mut Vec<u64>) {
        let tail = self.consumer.tail.load(Relaxed);
        let head = self.producer.head.load(Acquire);
        let used = head.wrapping_sub(tail);
        // A head that was set back: see `push`.
        if used == 0 || used > ROOM {
            return;
        }
        out.extend((0..used).map(|offset| self.cells[tail.wrapping_add(offset) & Self::MASK].load(Relaxed)));
        self.consumer.tail.store(head, Release);
    }
}

/// A lossy queue of hashes.
///
/// Each thread writes to a stripe of its own (as long as there are not more threads than stripes), so that a producer writes no
/// cache line that another one writes. The order of samples is kept within a stripe. Producers never wait: when a stripe is full
/// the sample is dropped and counted; threads that share a stripe may overwrite each other's samples, which is not counted. A
/// sample is never made up: what is drained was recorded.
///
/// A stripe takes its memory, 8 bytes for each sample that it has room for, when a thread first writes to it.
pub(crate) struct Ring<const ROOM: usize = STRIPE_CAPACITY> {
    stripes: Box<[OnceLock<Box<Stripe<ROOM>>>]>,
}

impl<const ROOM: usize> Ring<ROOM> {
    /// The number of stripes is rounded up to a power of two.
    pub(crate) fn new(stripes: usize) -> Self {
        Ring { stripes: (0..stripes.max(1).next_power_of_two()).map(|_| OnceLock::new()).collect() }
    }

    /// Appends a hash to the stripe of this thread: how many samples wait there now, `None` if it was full.
    #[inline]
    pub(crate) fn push(&self, hash: u64) -> Option<usize> {
        self.stripes[thread_index() & (self.stripes.len() - 1)].get_or_init(Stripe::new).push(hash)
    }

    /// Moves what waits to the end of `out`, stripe by stripe. Only one thread at a time may do so.
    pub(crate) fn drain(&self, out: &mut Vec<u64>) {
        self.in_use().for_each(|stripe| stripe.drain(out));
    }

    /// Samples that were dropped because their stripe was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.in_use().map(|stripe| stripe.producer.dropped.load(Relaxed)).sum()
    }

    /// The memory of the stripes in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.stripes) + self.in_use().count() * size_of::<Stripe<ROOM>>()
    }

    fn in_use(&self) -> impl Iterator<Item = &Stripe<ROOM>> {
        self.stripes.iter().filter_map(|stripe| stripe.get().map(|stripe| &**stripe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn drained(ring: &Ring) -> Vec<u64> {
        let mut out = Vec::new();
        ring.drain(&mut out);
        out
    }

    #[test]
    fn one_thread_gets_back_what_it_put_in_in_order() {
        let ring = <Ring>::new(1);
        for round in 0..10 {
            let put: Vec<u64> = (0..700).map(|i| round * 700 + i).collect();
            assert_eq!(
                put.iter().map(|hash| ring.push(*hash)).collect::<Vec<_>>(),
                (1..=700).map(Some).collect::<Vec<_>>()
            );
            assert_eq!(drained(&ring), put);
        }
        assert_eq!((drained(&ring), ring.dropped()), (Vec::new(), 0));
    }

    #[test]
    fn a_full_stripe_drops_and_counts_the_newest() {
        let ring = <Ring>::new(1);
        let stored = (0..3_000).filter(|hash| ring.push(*hash).is_some()).count();
        assert_eq!((stored, ring.dropped()), (STRIPE_CAPACITY, 3_000 - STRIPE_CAPACITY as u64));
        assert_eq!(drained(&ring), (0..STRIPE_CAPACITY as u64).collect::<Vec<_>>());
        assert_eq!(ring.push(7), Some(1));
    }

    #[test]
    fn a_head_that_was_set_back_does_not_stop_the_queue() {
        let stripe = Stripe::<STRIPE_CAPACITY>::new();
        let mut out = Vec::new();
        (0..10).for_each(|hash| assert!(stripe.push(hash).is_some()));
        stripe.drain(&mut out);
        stripe.producer.head.store(3, Relaxed);
        stripe.drain(&mut out);
        assert_eq!(out.len(), 10, "nothing is drained twice");
        assert_eq!(stripe.push(77), Some(1));
        stripe.drain(&mut out);
        assert_eq!(out.last(), Some(&77));
        assert_eq!(stripe.producer.dropped.load(Relaxed), 0);
    }

    #[test]
    fn the_counter_may_wrap_around() {
        let stripe = Stripe::<STRIPE_CAPACITY>::new();
        stripe.producer.head.store(usize::MAX - 2, Relaxed);
        stripe.consumer.tail.store(usize::MAX - 2, Relaxed);
        let mut out = Vec::new();
        (0..8).for_each(|hash| assert!(stripe.push(hash).is_some()));
        stripe.drain(&mut out);
        assert_eq!(out, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn memory_is_taken_when_a_stripe_is_first_used() {
        let ring = <Ring>::new(6);
        assert!(ring.bytes() < 1024);
        ring.push(1);
        assert!((8 * STRIPE_CAPACITY..8 * STRIPE_CAPACITY + 2048).contains(&ring.bytes()), "{}", ring.bytes());
    }

    /// More threads than stripes, while one drains: producers get through without anybody freeing room for them, and nothing comes
    /// out that was not put in.
    #[test]
    fn many_threads_never_wait_and_make_nothing_up() {
        const THREADS: u64 = 8;
        const EACH: u64 = 20_000;
        let (ring, done) = (<Ring>::new(2), AtomicBool::new(false));
        let mut out = Vec::new();
        thread::scope(|scope| {
            let producers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let ring = &ring;
                    scope.spawn(move || (0..EACH).filter(|i| ring.push((thread << 32) | i).is_some()).count())
                })
                .collect();
            let consumer = scope.spawn(|| {
                let mut out = Vec::new();
                while !done.load(Acquire) {
                    ring.drain(&mut out);
                }
                ring.drain(&mut out);
                out
            });
            let stored: usize = producers.into_iter().filter_map(|producer| producer.join().ok()).sum();
            done.store(true, Release);
            out = consumer.join().unwrap_or_default();
            assert!(stored > 0 && !out.is_empty());
        });
        assert!(out.iter().all(|hash| hash >> 32 < THREADS && hash & 0xffff_ffff < EACH));
        assert!(out.iter().collect::<HashSet<_>>().len() > STRIPE_CAPACITY / 2);
        assert!(ring.dropped() <= THREADS * EACH);
    }

    #[test]
    fn producers_get_through_when_nobody_drains() {
        let ring = <Ring>::new(1);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50_000).for_each(|hash| _ = ring.push(hash)));
            }
        });
        assert!(ring.dropped() > 0);
        assert_eq!(drained(&ring).len(), STRIPE_CAPACITY);
    }
}
