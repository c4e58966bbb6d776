//! Changes of a cache in use: strategy, capacity, ttl, on and off.

use cachekit_runtime::{
    Cache, Compute, RemovalCause,
    adaptive::Stepping,
    policy::{Known, Policy, Slot, Strategy, Touch, Words},
    testing,
};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, DefaultHasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);

/// A user's policy: the newest first.
pub(crate) struct Lifo(Vec<Slot>);

impl Policy for Lifo {
    fn with_capacity(_: usize) -> Self {
        Lifo(Vec::new())
    }
    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }
    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.0.push(slot);
    }
    fn on_remove(&mut self, slot: Slot) {
        self.0.retain(|other| *other != slot);
    }
    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        self.0.pop()
    }
}

pub(crate) fn strategies() -> Vec<Strategy> {
    let names = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];
    names.iter().map(|name| name.parse().unwrap()).chain([Strategy::of::<Lifo>()]).collect()
}

fn pairs() -> impl Iterator<Item = (Strategy, Strategy)> {
    strategies().into_iter().flat_map(|from| strategies().into_iter().map(move |to| (from.clone(), to)))
}

fn held(cache: &Cache<u64, u64>, keys: impl IntoIterator<Item = u64>) -> usize {
    keys.into_iter().filter(|key| cache.contains(key)).count()
}

#[test]
fn a_switch_keeps_entries_bound_and_counts() {
    for ((from, to), capacity) in pairs().flat_map(|pair| [(pair.clone(), 100), (pair, 2_048)]) {
        let place = format!("{from} to {to}, {capacity}");
        let cache: Cache<u64, u64> =
            Cache::builder().capacity(capacity).strategy(from).stepping(Stepping::Inline).build();
        let (room, all) = (capacity as u64, capacity as u64 + capacity as u64 / 2);
        (0..room).for_each(|key| _ = cache.insert(key, key));
        let mut before: Vec<_> = cache.iter().collect();
        cache.set_strategy(to.clone());
        let mut after: Vec<_> = cache.iter().collect();
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(before, after, "{place}");
        assert_eq!(cache.strategy().name(), to.name());
        for key in room..all {
            cache.insert(key, key);
            assert!(cache.len() as u64 <= room, "{place}");
        }
        (0..all).step_by(3).for_each(|key| _ = cache.invalidate(&key));
        let stats = cache.stats();
        assert_eq!(all - stats.removals.total(), stats.entries, "{place}");
        assert_eq!(stats.entries as usize, cache.iter().count(), "{place}");
        assert!((0..all).all(|key| cache.get(&key).is_none_or(|value| value == key)), "{place}");
        // It fills up again: no slot was lost on the way.
        (all..all + 4 * room).for_each(|key| _ = cache.insert(key, key));
        assert_eq!(cache.len() as u64, room, "{place}");
    }
}

#[test]
fn a_switch_hands_over_what_the_old_strategy_knew() {
    for ((from, to), capacity) in pairs().flat_map(|pair| [(pair.clone(), 400), (pair, 4_000)]) {
        if ["fifo", "Lifo"].contains(&from.name()) {
            // These know nothing of hits.
            continue;
        }
        let cache: Cache<u64, u64> = Cache::builder()
            .capacity(capacity)
            .strategy(from.clone())
            .stepping(Stepping::Inline)
            // With a seed of its own a cache now and then has shards that much more falls to than to others.
            .hasher(BuildHasherDefault::<DefaultHasher>::default())
            .build();
        let room = capacity as u64;
        (0..room).for_each(|key| _ = cache.insert(key, key));
        let is_hot = |key: &u64| key.is_multiple_of(2);
        let hot: Vec<u64> = (0..room).filter(is_hot).filter(|key| cache.contains(key)).collect();
        (0..3).for_each(|_| hot.iter().for_each(|key| _ = cache.get(key)));
        cache.set_strategy(to.clone());
        (room..room + room / 2).for_each(|key| _ = cache.insert(key, key));
        let kept = held(&cache, hot.iter().copied());
        assert!(kept * 100 >= hot.len() * 90, "{from} to {to}, {capacity}: {kept} of {} hot ones stay", hot.len());
    }
}

#[test]
fn recency_and_frequency_survive_exactly_in_one_shard() {
    for (name, to) in [("lru", "fifo"), ("lru", "lru"), ("lru", "lfu"), ("lfu", "lfu"), ("lfu", "lru"), ("lfu", "fifo")]
    {
        let cache: Cache<u64, u64> = Cache::builder().capacity(10).strategy(name.parse().unwrap()).build();
        (0..10).for_each(|key| _ = cache.insert(key, key));
        // The hotter the later and the more often.
        for key in [3, 1, 4, 9, 5, 2, 6, 8, 7, 0] {
            let order = [3, 1, 4, 9, 5, 2, 6, 8, 7, 0];
            let place = order.iter().position(|other| *other == key).unwrap();
            (0..=place).for_each(|_| assert_eq!(cache.get(&key), Some(key)));
        }
        cache.set_strategy(to.parse().unwrap());
        let mut order = Vec::new();
        for most in (0..10).rev() {
            cache.set_capacity(most);
            order.extend((0..10).filter(|key| !cache.contains(key) && !order.contains(key)).collect::<Vec<_>>());
        }
        assert_eq!(order, [3, 1, 4, 9, 5, 2, 6, 8, 7, 0], "{name} to {to}");
    }
}

#[test]
fn a_smaller_capacity_evicts_at_once_and_announces_each() {
    for (strategy, capacity) in
        strategies().into_iter().flat_map(|strategy| [(strategy.clone(), 300), (strategy, 3_000)])
    {
        let heard: Arc<Mutex<HashMap<u64, RemovalCause>>> = Arc::default();
        let listening = Arc::clone(&heard);
        let cache: Cache<u64, u64> = Cache::builder()
            .capacity(capacity)
            .strategy(strategy.clone())
            .on_removal(move |key, _, cause| assert_eq!(listening.lock().unwrap().insert(*key, cause), None))
            .build();
        let room = capacity as u64;
        (0..room).for_each(|key| _ = cache.insert(key, key));
        let before = cache.len();
        let already = heard.lock().unwrap().len();
        assert_eq!(before + already, capacity);
        for most in [room / 2, room / 2, room / 10, 7, 0] {
            cache.set_capacity(most);
            assert!(cache.len() as u64 <= most, "{strategy}: {} of {most}", cache.len());
            assert_eq!(cache.capacity(), Some(most));
            let heard = heard.lock().unwrap();
            assert_eq!(heard.len() + cache.len(), capacity, "{strategy}: each was announced");
            assert!(heard.values().all(|cause| *cause == RemovalCause::Evicted));
            assert!(heard.keys().all(|key| !cache.contains(key)));
            assert_eq!(cache.stats().removals.evicted as usize, heard.len());
        }
        cache.insert(1_000_000, 1);
        assert_eq!((cache.len(), cache.get_or_compute(&5, || 6)), (0, 6), "no room at all");
        cache.set_capacity(room * 2);
        (2_000_000..2_000_000 + room * 12).for_each(|key| _ = cache.insert(key, key));
        assert_eq!(cache.len() as u64, room * 2, "{strategy} grows again");
    }
}

#[test]
fn a_half_goes_and_no_more() {
    for capacity in [1_000, 10_000] {
        let cache: Cache<u64, u64> = Cache::builder().capacity(capacity).build();
        (0..20 * capacity as u64).for_each(|key| _ = cache.insert(key, key));
        assert_eq!(cache.len(), capacity);
        cache.set_capacity(capacity as u64 / 2);
        assert_eq!(cache.len(), capacity / 2);
    }
}

/// Counts what is told it; evicts what came first.
struct Told(Vec<Slot>);

static ADOPTED: AtomicU64 = AtomicU64::new(0);

impl Policy for Told {
    fn with_capacity(_: usize) -> Self {
        Told(Vec::new())
    }
    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }
    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.0.push(slot);
    }
    fn on_remove(&mut self, slot: Slot) {
        self.0.retain(|other| *other != slot);
    }
    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
    fn on_adopt(&mut self, slot: Slot, _: Known, words: &Words<'_>) {
        ADOPTED.fetch_add(1, Ordering::Relaxed);
        self.on_insert(slot, words);
    }
}

#[test]
fn another_capacity_leaves_the_policy_in_place() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(100).policy::<Told>().build();
    (0..100).for_each(|key| _ = cache.insert(key, key));
    [200, 50, 80].into_iter().for_each(|most| cache.set_capacity(most));
    assert_eq!((cache.len(), ADOPTED.load(Ordering::Relaxed)), (50, 0), "with what it has learnt");
    cache.set_strategy(Strategy::of::<Told>());
    assert_eq!(ADOPTED.load(Ordering::Relaxed), 50);
}

#[test]
fn an_unbounded_cache_gets_a_bound() {
    for strategy in strategies() {
        let cache: Cache<u64, u64> = Cache::builder().unbounded().strategy(Strategy::Lru).build();
        (0..5_000).for_each(|key| _ = cache.insert(key, key));
        cache.set_strategy(strategy.clone());
        assert_eq!((cache.len(), cache.capacity()), (5_000, None));
        cache.set_capacity(1_000);
        assert_eq!((cache.len(), cache.capacity()), (1_000, Some(1_000)), "{strategy}");
        assert_eq!(cache.strategy().name(), strategy.name());
        (5_000..9_000).for_each(|key| _ = cache.insert(key, key));
        assert!(cache.len() <= 1_000);
        assert_eq!(cache.stats().removals.evicted as usize + cache.len(), 9_000);
    }
}

#[test]
fn a_bound_in_bytes_is_one_of_bytes() {
    for strategy in strategies() {
        let evicted = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&evicted);
        let cache: Cache<u64, u64> = Cache::builder()
            .max_bytes_with(100_000, |_, value| *value)
            .strategy(strategy.clone())
            .on_removal(move |_, value, cause| {
                assert_eq!(cause, RemovalCause::Evicted);
                counting.fetch_add(*value, Ordering::Relaxed);
            })
            .build();
        (0..2_000).for_each(|key| _ = cache.insert(key, 100));
        let full = cache.stats();
        assert!(full.weight > 90_000 && full.weight <= 100_000);
        cache.set_capacity(30_050);
        let stats = cache.stats();
        assert_eq!((stats.weight, stats.capacity), (30_000, Some(30_050)), "{strategy}");
        assert_eq!((stats.entries, evicted.load(Ordering::Relaxed)), (300, 200_000 - 30_000));
        cache.set_capacity(200_000);
        (2_000..6_000).for_each(|key| _ = cache.insert(key, 100));
        assert!(cache.stats().weight > 180_000 && cache.stats().weight <= 200_000);
        cache.set_capacity(0);
        assert_eq!((cache.len(), cache.stats().weight), (0, 0), "{strategy}");
    }
}

#[test]
fn another_ttl_is_for_what_is_stored_from_then_on() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND * 10).build();
    cache.insert(1, 1);
    cache.set_ttl(Some(SECOND * 3));
    cache.insert(2, 2);
    cache.set_ttl(None);
    cache.insert(3, 3);
    cache.set_ttl(Some(SECOND * 3600));
    assert_eq!(cache.get_or_compute(&4, || 4), 4);
    let there = || [1, 2, 3, 4].map(|key| cache.contains(&key));
    for (advance, expected) in [
        (SECOND * 3 - TICK, [true; 4]),
        (TICK, [true, false, true, true]),
        (SECOND * 7 - TICK, [true, false, true, true]),
        (TICK, [false, false, true, true]),
        (SECOND * 3590 - TICK, [false, false, true, true]),
        (TICK, [false, false, true, false]),
        (SECOND * 86_400 * 1_000, [false, false, true, false]),
    ] {
        scope.advance(advance);
        assert_eq!(there(), expected, "{:?}", scope.clock().now());
    }
    assert_eq!(cache.len(), 1, "swept");
}

#[test]
fn a_cache_without_times_gets_a_ttl() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().build();
    (0..100).for_each(|key| _ = cache.insert(key, key));
    cache.set_ttl(Some(SECOND));
    (50..200).for_each(|key| _ = cache.insert(key, key));
    scope.advance(SECOND - TICK);
    assert_eq!(held(&cache, 0..200), 200);
    scope.advance(TICK);
    assert_eq!((held(&cache, 0..50), held(&cache, 50..200)), (50, 0));
    scope.advance(SECOND);
    assert_eq!(cache.len(), 50, "freed without a touch");
    scope.advance(SECOND * 86_400 * 3_000);
    assert_eq!(held(&cache, 0..50), 50, "they are stored for ever");
}

#[test]
fn a_ttl_of_zero_or_of_ages_can_be_set() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl(SECOND).build();
    cache.insert(1, 1);
    cache.set_ttl(Some(Duration::ZERO));
    assert_eq!((cache.get_or_compute(&2, || 2), cache.get_or_compute(&2, || 3)), (2, 3));
    assert_eq!((cache.len(), cache.get(&1)), (1, Some(1)), "entries keep their times");
    cache.insert(1, 2);
    assert_eq!(cache.len(), 0, "what is there is older than what was not stored");
    cache.set_ttl(Some(Duration::MAX));
    cache.insert(3, 3);
    scope.advance(SECOND * 86_400 * 365 * 400);
    assert_eq!(cache.get(&3), Some(3));
}

#[test]
fn an_idle_time_counts_also_for_what_was_compared_before() {
    // Not in a scope, where no hit takes the fast path.
    let time = testing::TestClock::new();
    let builder = Cache::<u64, u64>::builder().clock(time.clock()).ttl(SECOND * 600);
    let cache = builder.tags_with(|key| vec![format!("team:{key}")]).build();
    cache.insert(1, 10);
    // More often than the fast path of hits stays closed after a store.
    let hit_often = || (0..5_000).all(|_| cache.get(&1) == Some(10));
    assert!(hit_often());
    cache.set_idle(Some(SECOND));
    for _ in 0..8 {
        time.advance(SECOND - TICK);
        assert!(hit_often(), "each of them is a use");
    }
    time.advance(SECOND);
    assert_eq!(cache.get(&1), None);
    cache.insert(1, 11);
    cache.set_idle(None);
    assert!((0..5_000).all(|_| cache.get(&1) == Some(11)));
    time.advance(SECOND * 600 - TICK);
    assert!((0..5_000).all(|_| cache.get(&1) == Some(11)), "to the end of its ttl");
    time.advance(TICK);
    assert_eq!(cache.get(&1), None, "and not beyond");
}

#[test]
fn what_is_long_past_its_end_is_never_fresh_again() {
    const DAY: Duration = Duration::from_secs(86_400);
    for (kept, has_tags) in
        [60 * DAY, 400 * DAY, Duration::MAX].into_iter().flat_map(|kept| [(kept, false), (kept, true)])
    {
        let time = testing::TestClock::new();
        let builder = Cache::<u64, u64>::builder().clock(time.clock()).ttl(SECOND * 3_600).stale_if_error(kept);
        let cache = if has_tags { builder.tags_with(|_| vec!["all".to_owned()]) } else { builder }.build();
        for key in 0..200 {
            cache.insert(key, 1);
        }
        assert!((0..5_000).all(|_| cache.get(&0) == Some(1)));
        // Each is looked at once, so that no look makes the next one right.
        for day in 1..200 {
            time.advance(DAY);
            assert_eq!(cache.get(&day), None, "day {day}, kept for {kept:?}, tags: {has_tags}");
        }
        assert_eq!(cache.get(&0), None);
    }
}

#[test]
fn another_ttl_takes_the_place_of_a_function_of_the_value() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().ttl_with(|seconds| SECOND * *seconds as u32).build();
    cache.insert(1, 5);
    cache.set_ttl(Some(SECOND));
    cache.insert(2, 5);
    cache.insert_with_ttl(3, 5, SECOND * 2);
    scope.advance(SECOND);
    assert_eq!([1, 2, 3].map(|key| cache.contains(&key)), [true, false, true]);
    scope.advance(SECOND * 4 - TICK);
    assert_eq!([1, 2, 3].map(|key| cache.contains(&key)), [true, false, false]);
}

#[test]
fn switched_off_nothing_is_given_or_stored() {
    for timed in [false, true] {
        let builder = Cache::<u64, u64>::builder();
        let cache = if timed { builder.ttl(SECOND * 1000).build() } else { builder.build() };
        (0..10).for_each(|key| _ = cache.insert(key, key));
        cache.set_enabled(false);
        assert!(!cache.is_enabled());
        let before = cache.stats();
        for value in [100, 101] {
            assert_eq!(cache.get_or_compute(&1, || value), value);
            assert_eq!(cache.get_or_compute(&50, || value), value);
            assert_eq!(cache.try_get_or_compute(&1, || Err::<u64, u64>(value)), Err(value));
        }
        let off = cache.stats();
        assert_eq!((off.bypasses.disabled - before.bypasses.disabled, off.hits, off.misses.total()), (6, 0, 0));
        assert_eq!((cache.get(&1), cache.contains(&1), cache.len()), (None, false, 10));
        cache.insert(2, 200);
        cache.insert_with_ttl(3, 300, SECOND);
        cache.insert(60, 60);
        cache.invalidate(&4);
        assert_eq!(cache.compute(5, |old| if old.is_none() { Compute::Set(500) } else { Compute::Keep }), None);
        assert_eq!(cache.invalidate_if(|key, _| *key == 6), 1);
        cache.set_enabled(true);
        assert_eq!(
            (0..11).map(|key| cache.get(&key)).collect::<Vec<_>>(),
            [Some(0), Some(1), None, None, None, None, None, Some(7), Some(8), Some(9), None]
        );
        assert_eq!((cache.get(&60), cache.get(&50), cache.stats().removals.invalidated), (None, None, 5));
    }
}

#[test]
fn a_load_that_ends_while_it_is_off_is_not_stored() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    let value = cache.get_or_compute(&1, || {
        cache.set_enabled(false);
        1
    });
    cache.set_enabled(true);
    assert_eq!((value, cache.len(), cache.loads_in_flight()), (1, 0, 0));
}

/// Runs both, as far as that can be had at the same time.
fn at_the_same_time(one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
    let both = std::sync::Barrier::new(2);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            both.wait();
            one();
        });
        both.wait();
        other();
    });
}

#[test]
fn a_clear_does_not_undo_a_bound() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(4_000).build();
    for _ in 0..300 {
        cache.set_capacity(4_000);
        at_the_same_time(|| _ = cache.clear(), || cache.set_capacity(20));
        (0..300).for_each(|key| _ = cache.insert(key, key));
        assert!(cache.len() <= 20, "{} entries", cache.len());
    }
}

#[test]
fn of_two_changes_at_the_same_time_both_count() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(4_000).build();
    cache.insert(1, 1);
    for round in 0..500 {
        let change = |enabled: bool| (0..10).for_each(|_| cache.set_enabled(enabled));
        at_the_same_time(|| change(true), || change(false));
        let expected = if cache.is_enabled() { 1 } else { 2 };
        assert_eq!(cache.get_or_compute(&1, || 2), expected, "in round {round}");
    }
}
