//! Panicking `Hash`, `Eq`, `Clone`, `Drop` and closures leave the cache usable, and every entry is dropped exactly once.

use cachekit_runtime::{Cache, Compute};
use cachekit_tests::{Hand, never_hangs};
use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Where {
    Nowhere,
    Hash,
    Eq,
    Clone,
    Drop,
}

thread_local! {
    static PANIC: Cell<(Where, usize)> = const { Cell::new((Where::Nowhere, 0)) };
}

/// Panics at the place and the turn that were asked for, once.
fn maybe(place: Where) {
    let (at, turn) = PANIC.get();
    if at != place {
        return;
    }
    if turn > 0 {
        PANIC.set((at, turn - 1));
    } else if !std::thread::panicking() {
        PANIC.set((Where::Nowhere, 0));
        panic!("expected by a test: {place:?}");
    }
}

/// Counts how many there are; below zero if one is dropped twice.
struct Spy {
    id: u64,
    alive: Arc<AtomicI64>,
}

impl Spy {
    fn new(id: u64, alive: &Arc<AtomicI64>) -> Self {
        alive.fetch_add(1, SeqCst);
        Spy { id, alive: alive.clone() }
    }
}
impl Hash for Spy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        maybe(Where::Hash);
        self.id.hash(state);
    }
}
impl PartialEq for Spy {
    fn eq(&self, other: &Self) -> bool {
        maybe(Where::Eq);
        self.id == other.id
    }
}
impl Eq for Spy {}
impl Clone for Spy {
    fn clone(&self) -> Self {
        maybe(Where::Clone);
        Spy::new(self.id, &self.alive)
    }
}
impl Drop for Spy {
    fn drop(&mut self) {
        assert!(self.alive.fetch_sub(1, SeqCst) > 0, "dropped twice");
        maybe(Where::Drop);
    }
}

fn operation(number: usize, cache: &Cache<Spy, Spy>, alive: &Arc<AtomicI64>) {
    let (key, value) = (Spy::new(1, alive), || Spy::new(7, alive));
    match number {
        0 => drop(cache.get_or_compute(&key, value)),
        1 => drop(cache.get(&key)),
        2 => drop(cache.insert(key, value())),
        3 => drop(cache.remove(&key)),
        4 => drop(cache.invalidate(&key)),
        5 => {
            let set = |old| {
                // Not at the end of the closure: a destructor that panics there leaks the return value, in any Rust program.
                drop(old);
                Compute::Set(value())
            };
            drop(cache.compute(key, set));
        }
        6 => drop(cache.compute(key, |_| Compute::Remove)),
        7 => drop(cache.retain(|_, _| false)),
        8 => drop(cache.clear()),
        9 => drop(cache.iter().collect::<Vec<_>>()),
        10 => drop(cache.try_get_or_compute(&key, || Err::<Spy, ()>(()))),
        11 => drop(cache.insert_tagged(key, value(), ["panics"])),
        12 => drop(Hand::new(cache.get_or_compute_async(&key, async || value())).finish()),
        _ => drop(cache.contains(&key)),
    }
}

#[test]
fn a_panic_anywhere_leaves_the_cache_usable_and_drops_everything_once() {
    never_hangs(|| {
        let mut panics = 0;
        for place in [Where::Hash, Where::Eq, Where::Clone, Where::Drop] {
            for turn in 0..8 {
                for number in 0..14 {
                    for full in [false, true] {
                        let alive = Arc::new(AtomicI64::new(0));
                        {
                            let cache: Cache<Spy, Spy> = Cache::builder().capacity(2).build();
                            if full {
                                cache.insert(Spy::new(1, &alive), Spy::new(2, &alive));
                                cache.insert(Spy::new(2, &alive), Spy::new(3, &alive));
                            }
                            PANIC.set((place, turn));
                            panics += u32::from(
                                catch_unwind(AssertUnwindSafe(|| operation(number, &cache, &alive))).is_err(),
                            );
                            PANIC.set((Where::Nowhere, 0));
                            assert_eq!(cache.loads_in_flight(), 0, "{place:?} {turn} {number}");
                            let key = Spy::new(1, &alive);
                            cache.insert(key.clone(), Spy::new(5, &alive));
                            assert_eq!(cache.get(&key).map(|value| value.id), Some(5), "{place:?} {turn} {number}");
                            let stats = cache.stats();
                            assert!(stats.entries <= 2);
                        }
                        // A destructor that panics at the end of a scope leaks the value which the scope returns (rust-lang/rust#47949).
                        let most = i64::from(place == Where::Drop);
                        assert!((0..=most).contains(&alive.load(SeqCst)), "{place:?} {turn} {number}: leaked");
                    }
                }
            }
        }
        assert!(panics > 50, "{panics}");
    });
}

#[test]
fn panicking_closures_leave_the_cache_usable() {
    let cache: Cache<u64, u64> = Cache::builder()
        .cache_if(|value| *value != 1 || panic!("expected by a test"))
        .ttl_with(|value| if *value == 2 { panic!("expected by a test") } else { Duration::from_secs(9) })
        .on_removal(|_, value, _| assert!(*value != 3, "expected by a test"))
        .build();
    for value in [1, 2] {
        assert!(catch_unwind(AssertUnwindSafe(|| cache.get_or_compute(&value, || value))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| cache.insert(value, value))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| cache.compute(value, |_| Compute::Set(value)))).is_err());
        assert_eq!((cache.loads_in_flight(), cache.len()), (0, 0));
    }
    cache.insert(3, 3);
    cache.invalidate(&3);
    assert_eq!(cache.stats().removals.invalidated, 1, "a listener that panics stops nothing");
    cache.insert_many([(4, 4), (5, 5)]);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.compute(4, |_| panic!("expected by a test")))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| cache.retain(|_, _| panic!("expected by a test")))).is_err());
    assert_eq!((cache.get(&4), cache.loads_in_flight()), (Some(4), 0));
}

#[test]
fn a_predicate_that_panics_half_way_loses_no_count() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    (0..10).for_each(|key| _ = cache.insert(key, key));
    let seen = Cell::new(0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        cache.retain(|_, _| {
            seen.set(seen.get() + 1);
            assert!(seen.get() < 6, "expected by a test");
            false
        })
    }));
    assert!(panicked.is_err());
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.removals.invalidated), (5, 5));
}

#[test]
fn a_follower_whose_clone_panics_panics_alone() {
    let cache: Cache<u64, Spy> = Cache::builder().build();
    let alive = Arc::new(AtomicI64::new(0));
    let (go, wait) = tokio::sync::oneshot::channel();
    let leader = Hand::pending(cache.get_or_compute_async(&1, async || {
        wait.await.ok();
        Spy::new(1, &alive)
    }));
    let mut unlucky = Hand::pending(cache.get_or_compute_async(&1, async || Spy::new(2, &alive)));
    let lucky = Hand::pending(cache.get_or_compute_async(&1, async || Spy::new(3, &alive)));
    go.send(()).expect("it is waited for");
    drop(leader.finish());
    PANIC.set((Where::Clone, 0));
    assert!(catch_unwind(AssertUnwindSafe(|| unlucky.poll())).is_err());
    assert_eq!(lucky.finish().id, 1);
    drop(unlucky);
    cache.clear();
    assert_eq!((alive.load(SeqCst), cache.loads_in_flight()), (0, 0));
}

#[test]
fn a_panic_while_the_followers_copy_is_made_does_not_detach_them_from_invalidations() {
    let cache: Cache<u64, Spy> = Cache::builder().cache_if(|_| false).build();
    let alive = Arc::new(AtomicI64::new(0));
    let (go, wait) = tokio::sync::oneshot::channel();
    let mut leader = Hand::pending(cache.get_or_compute_async(&1, async || {
        wait.await.ok();
        Spy::new(1, &alive)
    }));
    let follower = Hand::pending(cache.get_or_compute_async(&1, async || Spy::new(2, &alive)));
    go.send(()).expect("it is waited for");
    PANIC.set((Where::Clone, 0));
    assert!(catch_unwind(AssertUnwindSafe(|| leader.poll())).is_err());
    assert_eq!(follower.finish().id, 2, "it takes over");
    assert_eq!(cache.loads_in_flight(), 0);
}
