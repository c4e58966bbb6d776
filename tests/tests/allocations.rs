//! A hit allocates nothing and clones no argument. In a binary of its own, because the counting allocator is global.

use allocation_counter::measure;
use cachekit_runtime::{
    Cache,
    private::{Key, Look, Part, Parts, Value, form, look, part},
};
use std::{
    hash::{Hash, Hasher},
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn caches<K: Key, V: Value>() -> [Cache<K, V>; 4] {
    [
        Cache::builder().build(),
        Cache::builder().unbounded().build(),
        Cache::builder().ttl(Duration::from_secs(3_600)).build(),
        Cache::builder().ttl(Duration::from_secs(3_600)).idle(Duration::from_secs(3_600)).build(),
    ]
}

/// Allocations of a thousand runs, after one that may set up what a thread needs.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    measure(|| (0..1_000).for_each(|_| run())).count_total
}

fn hit<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) {
    match look(cache, parts) {
        Look::Hit(value) => drop(black_box(value)),
        Look::Stale(_) | Look::Miss(_) => panic!("a hit was expected"),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1_000);
}

#[test]
fn a_hit_of_a_number_allocates_nothing() {
    for cache in caches::<u64, u64>() {
        cache.insert(7, 49);
        assert_eq!(allocations(|| assert_eq!(cache.get(black_box(&7)), Some(49))), 0);
        assert_eq!(allocations(|| hit(&cache, &part::<u64, form::Val, true>(&7))), 0);
        assert_eq!(allocations(|| assert_eq!(cache.get_or_compute(&7, || 0), 49)), 0);
    }
}

#[test]
fn a_hit_of_a_borrowed_str_allocates_nothing() {
    for cache in caches::<String, Arc<str>>() {
        cache.insert("key".to_owned(), "value".into());
        let key = "key";
        assert_eq!(allocations(|| drop(cache.get(black_box(key)))), 0);
        assert_eq!(allocations(|| hit(&cache, &part::<&str, form::Ref, true>(&key))), 0);
        assert_eq!(allocations(|| drop(cache.get_or_compute(key, || "".into()))), 0);
    }
}

#[test]
fn a_hit_of_a_number_and_a_borrowed_str_allocates_nothing() {
    for cache in caches::<(u64, String), Arc<String>>() {
        cache.insert((7, "key".to_owned()), Arc::new("value".to_owned()));
        let (number, text) = (7, "key");
        let parts = (part::<u64, form::Val, true>(&number), part::<&str, form::Ref, true>(&text));
        assert_eq!(allocations(|| hit(&cache, &parts)), 0);
    }
}

#[test]
fn a_hit_of_what_is_borrowed_within_allocates_nothing() {
    type Words<'a> = Part<'a, Vec<&'static str>, form::Slice<form::Ref>, true>;
    type Pair<'a> = Part<'a, &'static (u8, &'static str), form::RefTo<(form::Val, form::Ref)>, true>;
    type Numbers<'a> = Part<'a, &'static [&'static u64], form::Slice<form::Ref>, true>;
    for cache in caches::<(Vec<String>, (u8, String), Vec<u64>), u64>() {
        let (words, pair, numbers): (_, _, &'static [&'static u64]) = (vec!["a", "b"], &(7, "c"), &[&1, &2, &3]);
        cache.insert((vec!["a".into(), "b".into()], (7, "c".into()), vec![1, 2, 3]), 49);
        let parts: (Words<'_>, Pair<'_>, Numbers<'_>) = (part(&words), part(&pair), part(&numbers));
        assert_eq!(allocations(|| hit(&cache, &parts)), 0);
    }
}

#[test]
fn an_async_hit_allocates_nothing() {
    for cache in caches::<String, Arc<String>>() {
        cache.insert("key".to_owned(), Arc::new("value".to_owned()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let run = || {
            let call = std::pin::pin!(cache.get_or_compute_async("key", async || Arc::default()));
            assert!(call.poll(&mut context).is_ready());
        };
        assert_eq!(allocations(run), 0);
    }
}

#[derive(Debug)]
struct Counted(u64, Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.1.fetch_add(1, Ordering::Relaxed);
        Counted(self.0, self.1.clone())
    }
}
impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Counted {}

#[test]
fn a_hit_clones_no_argument() {
    let clones = Arc::new(AtomicUsize::new(0));
    let cache: Cache<Counted, u64> = Cache::builder().build();
    cache.insert(Counted(1, clones.clone()), 1);
    let before = clones.load(Ordering::Relaxed);
    let key = Counted(1, clones.clone());
    assert_eq!(cache.get(&key), Some(1));
    assert_eq!(cache.get_or_compute(&key, || 2), 1);
    hit(&cache, &part::<Counted, form::Val, true>(&key));
    assert_eq!(clones.load(Ordering::Relaxed), before);
}

#[test]
fn a_capacity_takes_no_memory_before_it_is_used() {
    let strategies = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "w-tinylfu", "lirs", "s3-tinylfu", "adaptive"];
    for name in strategies {
        let taken = measure(|| {
            let build = |capacity: usize| -> Cache<u64, u64> {
                Cache::builder().capacity(capacity).strategy(name.parse().unwrap()).build()
            };
            let fill = |cache: &Cache<u64, u64>, keys: std::ops::Range<u64>| {
                keys.for_each(|key| _ = cache.get_or_compute(&key, || key));
            };
            let cache = build(5_000);
            // What it remembers of evicted keys is there.
            fill(&cache, 0..8_000);
            cache.set_capacity(1 << 40);
            fill(&cache, 0..8_000);
            for other in strategies {
                cache.set_strategy(other.parse().unwrap());
                fill(&cache, 8_000..8_100);
            }
            cache.set_capacity(1_000);
            fill(&cache, 0..3_000);
            cache.set_capacity(1 << 40);
            cache.clear();
            fill(&cache, 0..3_000);
            cache.set_capacity(usize::MAX as u64);
            fill(&build(usize::MAX), 0..3_000);
        });
        assert!(taken.bytes_max < 8 << 20, "{name}: {} bytes", taken.bytes_max);
    }
}
