//! A day in seconds: everything at once on a test clock, and nothing grows. In a binary of its own, because it shuts the runtime down.

use cachekit_runtime::{
    Cache, RemovalCause, flush, invalidate_tag, is_shut_down,
    private::{Look, Output, Plain, form, look, part},
    shutdown, testing,
};
use cachekit_tests::{never_hangs, reference::streams::Random};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTES: u64 = 24 * 60;
const CALLS_PER_MINUTE: u64 = 60;
const TAGS: u64 = 20;

static ALIVE: AtomicI64 = AtomicI64::new(0);

/// A value that is counted while it lives; copies of a cache's value share it.
struct Inner(u64);

impl Inner {
    fn of(key: u64) -> Arc<Inner> {
        ALIVE.fetch_add(1, SeqCst);
        Arc::new(Inner(key))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

type Heard = Arc<Mutex<HashMap<RemovalCause, u64>>>;

struct Soak {
    caches: Vec<Cache<u64, Arc<Inner>>>,
    heard: Vec<Heard>,
    random: Random,
    /// By cache, as all below.
    looks: Vec<u64>,
    /// Runs of loaders, failing ones included.
    loaded: Vec<Arc<AtomicU64>>,
    inserted: Vec<u64>,
    /// Stale values that stood in for an error, which is then not refused.
    stood_in: Vec<u64>,
}

impl Soak {
    fn new() -> Self {
        let mut heard = Vec::new();
        let mut builder = || {
            let causes = Heard::default();
            heard.push(Arc::clone(&causes));
            Cache::<u64, Arc<Inner>>::builder().on_removal(move |key, value: &Arc<Inner>, cause| {
                assert_eq!(value.0, *key);
                *causes.lock().unwrap().entry(cause).or_default() += 1;
            })
        };
        let minute = SECOND * 60;
        let caches = vec![
            builder().capacity(200).ttl(minute * 5).build(),
            builder().capacity(3_000).ttl(minute * 30).jitter_percent(20.0).idle(minute * 10).build(),
            builder().capacity(500).ttl(minute).stale_while_revalidate(minute * 2).stale_if_error(minute * 3).build(),
            builder().capacity(500).ttl(minute * 10).refresh_ahead(50.0).build(),
            builder().unbounded().ttl(minute * 3).build(),
            builder().max_bytes_with(10_000, |key, _| 10 + key % 7).idle(minute * 7).build(),
            builder().capacity(300).build(),
        ];
        let count = caches.len();
        Soak {
            caches,
            heard,
            random: Random::new(24),
            looks: vec![0; count],
            loaded: (0..count).map(|_| Arc::default()).collect(),
            inserted: vec![0; count],
            stood_in: vec![0; count],
        }
    }

    /// A call as an attribute makes it: stale values are refreshed in the background.
    fn call(&mut self, index: usize, key: u64) {
        let cache = &self.caches[index];
        self.looks[index] += 1;
        let loaded = Arc::clone(&self.loaded[index]);
        let load = move || {
            loaded.fetch_add(1, SeqCst);
            Inner::of(key)
        };
        let value = match look(cache, &part::<u64, form::Val, true>(&key)) {
            Look::Hit(value) => value,
            Look::Stale(stale) => {
                let (value, refresh) = stale.claim();
                if let Some(refresh) = refresh {
                    refresh.spawn(Output::<Arc<Inner>, Plain>::NEW, load);
                }
                value
            }
            Look::Miss(_) => {
                // The miss above is counted; this one is another call.
                self.looks[index] += 1;
                cache.get_or_compute(&key, load)
            }
        };
        assert_eq!(value.0, key);
    }

    fn act(&mut self) {
        let index = self.random.below(self.caches.len() as u64) as usize;
        let key = (0..4).map(|_| self.random.below(4_000)).min().unwrap_or(0);
        let cache = self.caches[index].clone();
        match self.random.below(100) {
            0..70 => self.call(index, key),
            70..80 => {
                self.inserted[index] += 1;
                cache.insert(key, Inner::of(key));
            }
            80..86 => {
                self.inserted[index] += 1;
                cache.insert_tagged(key, Inner::of(key), [format!("tag {}", key % TAGS)]);
            }
            86..88 => {
                self.inserted[index] += 1;
                cache.insert_with_ttl(key, Inner::of(key), SECOND * self.random.below(10_000) as u32);
            }
            88..92 => _ = cache.invalidate(&key),
            92..96 => {
                self.looks[index] += 1;
                let mut has_run = false;
                let result = cache.try_get_or_compute(&key, || {
                    has_run = true;
                    Err::<Arc<Inner>, u64>(key)
                });
                assert!(result.as_ref().map_or_else(|error| *error == key, |value| value.0 == key));
                if has_run {
                    self.loaded[index].fetch_add(1, SeqCst);
                    self.stood_in[index] += u64::from(result.is_ok());
                }
            }
            96 => _ = invalidate_tag(&format!("tag {}", self.random.below(TAGS))),
            _ => assert!(cache.contains(&key) || !cache.iter().any(|(other, _)| other == key)),
        }
    }

    /// What an operator does, now and then.
    fn operate(&mut self) {
        const NAMES: [&str; 9] =
            ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];
        let index = self.random.below(self.caches.len() as u64) as usize;
        let cache = &self.caches[index];
        match self.random.below(5) {
            0..2 => cache.set_strategy(NAMES[self.random.below(9) as usize].parse().unwrap()),
            2 if cache.capacity().is_some() => {
                let most = cache.capacity().map_or(0, |most| if most < 400 { most * 2 } else { most / 2 });
                cache.set_capacity(most);
            }
            3 => _ = cache.invalidate_if(|key, _| key % 10 == 0),
            4 => _ = cache.clear(),
            _ => {}
        }
    }

    fn check(&self) {
        let mut held = 0;
        for (index, cache) in self.caches.iter().enumerate() {
            let stats = cache.stats();
            held += stats.entries;
            let loads = self.loaded[index].load(SeqCst);
            let stored = loads + self.inserted[index] - stats.refusals.total() - self.stood_in[index];
            assert_eq!(stored, stats.removals.total() + stats.entries, "cache {index}: {stats:?}");
            assert_eq!(stats.calls(), self.looks[index], "cache {index}: {stats:?}");
            let heard = self.heard[index].lock().unwrap();
            let of = |cause| heard.get(&cause).copied().unwrap_or(0);
            let removals = stats.removals;
            assert_eq!(of(RemovalCause::Evicted), removals.evicted);
            assert_eq!(of(RemovalCause::Expired), removals.expired);
            assert_eq!(of(RemovalCause::Invalidated), removals.invalidated);
            assert_eq!(of(RemovalCause::Replaced), removals.replaced);
            assert!(stats.capacity.is_none_or(|capacity| stats.weight <= capacity), "cache {index}");
            assert_eq!(cache.loads_in_flight(), 0);
        }
        assert_eq!(ALIVE.load(SeqCst), held as i64, "values outside of the caches");
    }
}

fn a_day() {
    let scope = testing::scope();
    let mut soak = Soak::new();
    let mut by_hour = Vec::new();
    for minute in 1..=MINUTES {
        for _ in 0..CALLS_PER_MINUTE {
            soak.act();
            scope.advance(SECOND);
        }
        if minute % 5 == 0 {
            soak.operate();
        }
        if minute % 60 == 0 {
            flush().wait();
            soak.check();
            // Whatever waits for its time: a timer for each cache, and one more where an earlier one has taken its place.
            assert!(scope.clock().pending() <= 4 * soak.caches.len(), "{} timers", scope.clock().pending());
            by_hour.push(ALIVE.load(SeqCst));
        }
    }
    let most = |hours: &[i64]| hours.iter().copied().max().unwrap_or(0);
    assert!(most(&by_hour[12..]) <= most(&by_hour[..12]) * 3 / 2, "values by the hour: {by_hour:?}");
    for cache in &soak.caches {
        let stats = cache.stats();
        assert!(stats.hits > 0 && stats.misses.absent > 0 && stats.removals.invalidated > 0, "{stats:?}");
    }
    let total = |of: fn(&cachekit_runtime::stats::Stats) -> u64| {
        soak.caches.iter().map(|cache| of(&cache.stats())).sum::<u64>()
    };
    assert!(total(|stats| stats.refreshes) > 0 && total(|stats| stats.stale_hits) > 0);
    assert!(total(|stats| stats.load_errors) > 0 && total(|stats| stats.removals.evicted) > 0);
    shutdown().wait();
    assert!(is_shut_down());
    // Afterwards caches work and what they hold expires.
    let timed: Vec<_> = [0, 1, 2, 3, 4, 5].map(|index| soak.caches[index].clone()).into();
    for (index, cache) in timed.iter().enumerate() {
        assert_eq!(cache.get_or_compute(&9_999, || Inner::of(9_999)).0, 9_999, "cache {index}");
    }
    scope.advance(SECOND * 20_000);
    assert!(timed.iter().all(Cache::is_empty), "{:?}", timed.iter().map(Cache::len).collect::<Vec<_>>());
    drop((soak, timed, scope));
    assert_eq!(ALIVE.load(SeqCst), 0);
}

#[test]
fn a_day_leaves_nothing_behind() {
    never_hangs(a_day);
}
