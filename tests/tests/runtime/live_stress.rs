//! Changes of a cache while four threads use it, and against a plain map.

use super::live::strategies;
use cachekit_runtime::{Cache, Compute, testing};
use cachekit_tests::{never_hangs, reference::streams::Random, until};
use proptest::prelude::*;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);
const KEYS: u64 = 3_000;
/// The largest capacity that is set.
const MOST: u64 = 2_600;

/// A value that says whose it is, and whose copies are counted.
#[derive(Clone)]
struct Counted {
    key: u64,
    _alive: Arc<()>,
}

#[derive(Default)]
struct Done {
    looks: AtomicU64,
    gets: AtomicU64,
    found: AtomicU64,
    loads: AtomicU64,
    inserts: AtomicU64,
}

fn use_it(cache: &Cache<u64, Counted>, alive: &Arc<()>, seed: u64, calls: u64, done: &Done) {
    let mut random = Random::new(seed);
    let fresh = |key| Counted { key, _alive: Arc::clone(alive) };
    for _ in 0..calls {
        let key = random.below(KEYS).min(random.below(KEYS));
        match random.below(16) {
            0..9 => {
                done.looks.fetch_add(1, SeqCst);
                let value = cache.get_or_compute(&key, || {
                    done.loads.fetch_add(1, SeqCst);
                    fresh(key)
                });
                assert_eq!(value.key, key);
            }
            9..12 => {
                done.gets.fetch_add(1, SeqCst);
                if let Some(value) = cache.get(&key) {
                    done.found.fetch_add(1, SeqCst);
                    assert_eq!(value.key, key);
                }
            }
            12..15 => {
                done.inserts.fetch_add(1, SeqCst);
                cache.insert(key, fresh(key));
            }
            _ => _ = cache.invalidate(&key),
        }
    }
}

fn change_it(cache: &Cache<u64, Counted>, changes: u64, is_over: &AtomicBool, advance: impl Fn(Duration)) {
    let mut random = Random::new(9);
    let strategies = strategies();
    let ttls = [None, Some(SECOND * 3_600), Some(Duration::ZERO), Some(SECOND), Some(SECOND / 50)];
    for _ in 0..changes {
        if is_over.load(SeqCst) {
            return;
        }
        match random.below(10) {
            0..3 => cache.set_strategy(strategies[random.below(strategies.len() as u64) as usize].clone()),
            3..6 => {
                let most = [0, 5, 100, 1_000, 2_000, 2_500, MOST][random.below(7) as usize];
                cache.set_capacity(most);
                assert!(cache.len() as u64 <= most, "{} of {most}", cache.len());
            }
            6 => cache.set_ttl(ttls[random.below(5) as usize]),
            7 => cache.set_enabled(random.below(3) > 0),
            8 => advance(SECOND / 2),
            _ => assert!(cache.len() as u64 <= MOST),
        }
        thread::yield_now();
    }
}

/// `capacity`: that it is built with. In a scope time moves by the changes and expired entries are freed there; else on the real clock.
fn stress(capacity: usize, in_a_scope: bool) {
    let alive = Arc::new(());
    let removed = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&removed);
    let cache: Cache<u64, Counted> = Cache::builder()
        .capacity(capacity)
        .on_removal(move |key, value: &Counted, _| {
            assert_eq!(value.key, *key);
            counting.fetch_add(1, SeqCst);
        })
        .build();
    let (done, is_over) = (Done::default(), AtomicBool::new(false));
    let scope = in_a_scope.then(testing::scope);
    let handle = scope.as_ref().map(|scope| scope.handle());
    let enter = |work: &(dyn Fn() + Sync)| match &handle {
        Some(handle) => handle.enter(work),
        None => work(),
    };
    let clock = scope.as_ref().map(|scope| scope.clock().clone());
    let advance = |time| {
        if let Some(clock) = &clock {
            clock.advance(time);
        }
    };
    thread::scope(|threads| {
        let users: Vec<_> = (0..4)
            .map(|seed| {
                let (enter, cache, alive, done) = (&enter, &cache, &alive, &done);
                threads.spawn(move || enter(&|| use_it(cache, alive, seed, 8_000, done)))
            })
            .collect();
        let changer = threads.spawn(|| enter(&|| change_it(&cache, 300, &is_over, advance)));
        let users: Vec<_> = users.into_iter().map(|user| user.join()).collect();
        is_over.store(true, SeqCst);
        changer.join().expect("a bound holds");
        users.into_iter().for_each(|user| user.expect("all values are right"));
    });
    cache.set_enabled(true);
    cache.set_capacity(500);
    assert!(cache.len() <= 500);
    let count = |counter: &AtomicU64| counter.load(SeqCst);
    // On the real clock what expires is still being freed.
    let is_consistent = || {
        let stats = cache.stats();
        let stored = count(&done.loads) + count(&done.inserts)
            - stats.bypasses.before_look()
            - stats.bypasses.after_miss()
            - stats.refusals.total();
        let gone = stats.removals.total();
        stored == gone + stats.entries && gone == count(&removed) && cache.iter().count() as u64 <= stats.entries
    };
    if in_a_scope {
        assert!(is_consistent(), "{:?}", cache.stats());
    } else {
        until(is_consistent);
    }
    let stats = cache.stats();
    let looks = count(&done.looks);
    let sure = looks + count(&done.found);
    assert_eq!(
        stats.hits + stats.stale_hits + stats.misses.total() + stats.bypasses.before_look(),
        stats.calls(),
        "what calls are"
    );
    // A get that finds a cache switched off is not counted.
    assert!((sure..=looks + count(&done.gets)).contains(&stats.calls()), "{looks} looks: {stats:?}");
    assert!(stats.hits > 0 && stats.misses.total() > 0 && stats.removals.evicted > 0, "{stats:?}");
    assert_eq!(cache.loads_in_flight(), 0);
    cache.clear();
    assert_eq!(cache.len(), 0);
    until(|| count(&removed) == cache.stats().removals.total());
    drop((cache, handle, scope));
    // The thread that frees what has expired may still hold the cache.
    until(|| Arc::strong_count(&alive) == 1);
}

#[test]
fn changes_under_load_on_the_real_clock() {
    never_hangs(|| [100, 2_500].into_iter().for_each(|capacity| stress(capacity, false)));
}

#[test]
fn changes_under_load_on_a_test_clock() {
    never_hangs(|| [100, 2_500].into_iter().for_each(|capacity| stress(capacity, true)));
}

#[derive(Debug, Clone)]
enum Operation {
    Get(u64),
    Load(u64),
    Insert(u64),
    Invalidate(u64),
    Compute(u64),
    Strategy(usize),
    Capacity(u64),
    Ttl(Option<u64>),
    Enable(bool),
    Advance(u64),
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let key = || 0_u64..24;
    prop_oneof![
        4 => key().prop_map(Get),
        6 => key().prop_map(Load),
        6 => key().prop_map(Insert),
        2 => key().prop_map(Invalidate),
        2 => key().prop_map(Compute),
        2 => (0_usize..10).prop_map(Strategy),
        1 => prop_oneof![3 => Just(2_000_u64), 2 => Just(4_000), 1 => 0_u64..20].prop_map(Capacity),
        1 => prop::option::of(0_u64..60).prop_map(Ttl),
        1 => prop::bool::weighted(0.7).prop_map(Enable),
        2 => (1_u64..25).prop_map(Advance),
        1 => Just(Clear),
    ]
}

struct Stored {
    value: u64,
    expires: u64,
    /// There is room for it, and was ever since it came.
    is_sure: bool,
}

struct Model {
    map: HashMap<u64, Stored>,
    now: u64,
    ttl: Option<u64>,
    is_on: bool,
    has_room: bool,
}

impl Model {
    fn get(&self, key: u64) -> Option<&Stored> {
        self.map.get(&key).filter(|stored| self.is_on && self.now < stored.expires)
    }

    fn store(&mut self, key: u64, value: u64) {
        if !self.is_on || self.ttl == Some(0) {
            self.map.remove(&key);
            return;
        }
        let expires = self.ttl.map_or(u64::MAX, |ttl| self.now + ttl);
        self.map.insert(key, Stored { value, expires, is_sure: self.has_room });
    }

    fn check(&self, key: u64, found: Option<u64>) -> Result<(), TestCaseError> {
        match (self.get(key), found) {
            (None, None) => {}
            (Some(stored), None) => prop_assert!(!stored.is_sure, "{key} is lost"),
            (stored, found) => prop_assert_eq!(stored.map(|stored| stored.value), found, "of {}", key),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_cache_that_changes_is_a_map(
        operations in prop::collection::vec(operation(), 1..120),
        is_large in any::<bool>(),
        starts_with in 0_usize..10,
    ) {
        let scope = testing::scope();
        let strategies = strategies();
        let capacity = if is_large { 4_000 } else { 2_000 };
        let cache: Cache<u64, u64> =
            Cache::builder().capacity(capacity).strategy(strategies[starts_with].clone()).build();
        let mut model = Model { map: HashMap::new(), now: 0, ttl: None, is_on: true, has_room: true };
        for (value, operation) in (0..).zip(operations) {
            match operation {
                Operation::Get(key) => {
                    model.check(key, cache.get(&key))?;
                    prop_assert_eq!(cache.contains(&key), cache.get(&key).is_some());
                }
                Operation::Load(key) => {
                    let mut is_loaded = false;
                    let got = cache.get_or_compute(&key, || {
                        is_loaded = true;
                        value
                    });
                    model.check(key, (!is_loaded).then_some(got))?;
                    if is_loaded {
                        prop_assert_eq!(got, value);
                        if model.is_on {
                            model.store(key, value);
                        }
                    }
                }
                Operation::Insert(key) => {
                    cache.insert(key, value);
                    model.store(key, value);
                }
                Operation::Invalidate(key) => {
                    cache.invalidate(&key);
                    model.map.remove(&key);
                }
                Operation::Compute(key) => {
                    let mut seen = None;
                    cache.compute(key, |old| {
                        seen = old;
                        Compute::Set(value)
                    });
                    model.check(key, seen)?;
                    model.store(key, value);
                }
                Operation::Strategy(index) => cache.set_strategy(strategies[index].clone()),
                Operation::Capacity(most) => {
                    cache.set_capacity(most);
                    model.has_room = most >= 2_000;
                    if !model.has_room {
                        model.map.values_mut().for_each(|stored| stored.is_sure = false);
                    }
                    prop_assert!(cache.len() as u64 <= most);
                }
                Operation::Ttl(ttl) => {
                    cache.set_ttl(ttl.map(|ttl| SECOND * ttl as u32));
                    model.ttl = ttl;
                }
                Operation::Enable(is_on) => {
                    cache.set_enabled(is_on);
                    model.is_on = is_on;
                }
                Operation::Advance(seconds) => {
                    scope.advance(SECOND * seconds as u32);
                    model.now += seconds;
                }
                Operation::Clear => {
                    cache.clear();
                    model.map.clear();
                }
            }
            prop_assert!(cache.len() as u64 <= cache.capacity().unwrap());
        }
        cache.set_enabled(true);
        model.is_on = true;
        (0..24).try_for_each(|key| model.check(key, cache.get(&key)))?;
    }
}
