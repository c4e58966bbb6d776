//! The strategy `"adaptive"` through the cache: what the simulations say happens to the cache itself.

use cachekit_runtime::{
    Cache,
    adaptive::{Stepping, candidates},
    policy::Strategy,
    testing,
};
use cachekit_tests::reference::streams;

const CAPACITY: u64 = 400;

/// Looks each key up, and loads it where it is not there. The hits.
fn play(cache: &Cache<u64, u64>, keys: impl IntoIterator<Item = u64>) -> f64 {
    let before = cache.stats();
    for key in keys {
        assert_eq!(cache.get_or_compute(&key, || key * 3), key * 3);
    }
    let after = cache.stats();
    (after.hits - before.hits) as f64 / (after.calls() - before.calls()) as f64
}

fn scan(length: usize) -> Vec<u64> {
    // Longer than the cache by a quarter: recency never hits, and keeping a part does.
    streams::looping(CAPACITY * 5 / 4, length)
}

fn adaptive() -> Cache<u64, u64> {
    Cache::builder().capacity(CAPACITY as usize).strategy(Strategy::Adaptive).stepping(Stepping::Inline).build()
}

fn current(cache: &Cache<u64, u64>) -> String {
    cache.adaptive_stats().expect("it is adaptive").current
}

/// Keys that come in pairs, the second time soon after the first, and then never again: only recency hits.
fn soon_again(length: usize, from: u64) -> Vec<u64> {
    (0..length as u64)
        .map(|time| from + if time % 2 == 0 { time / 2 } else { (time / 2).saturating_sub(CAPACITY / 4) })
        .collect()
}

#[test]
fn a_loop_leads_to_a_strategy_that_keeps_a_part_and_hits_rise() {
    let cache = adaptive();
    let first = current(&cache);
    assert_eq!(first, candidates()[0].name());
    let before = play(&cache, soon_again(12_000, 1_000_000));
    assert_eq!(current(&cache), "lru", "{}", cache.adaptive_stats().unwrap());
    let then = play(&cache, soon_again(5_000, 2_000_000));
    assert!(then > before, "{then} after the switch, {before} until then");
    // Under the strategy of before a loop hits nothing, and then most of it.
    let at_once = play(&cache, scan(2_000));
    assert!(at_once < 0.1, "{at_once}");
    play(&cache, scan(20_000));
    assert_ne!(current(&cache), "lru");
    let at_last = play(&cache, scan(20_000));
    assert!(at_last > 0.6, "{at_last} under {}", current(&cache));
    assert!(cache.len() as u64 <= CAPACITY);
}

#[test]
fn each_look_is_simulated_once() {
    let samples = |cache: &Cache<u64, u64>| cache.adaptive_stats().unwrap().samples;
    let by_sip = Cache::builder().hasher(std::hash::RandomState::new());
    for builder in [Cache::builder(), by_sip] {
        let cache = builder.capacity(CAPACITY as usize).strategy(Strategy::Adaptive).stepping(Stepping::Inline).build();
        // A quarter each: a load, a hit of a call, one of a `get`, and a `get` of nothing.
        for key in 0..5_000 {
            cache.get_or_compute(&key, || key);
            cache.get_or_compute(&key, || key);
            assert_eq!((cache.get(&key), cache.get(&(key + 1_000_000))), (Some(key), None));
        }
        let after = samples(&cache);
        assert!((19_000..=20_000).contains(&after), "{after} of 20,000, but for what waits");
        cache.set_enabled(false);
        play(&cache, 0..5_000);
        cache.set_enabled(true);
        let scope = testing::scope();
        play(&cache, 0..5_000);
        assert!((4_000..=5_000).contains(&samples(&cache)), "the cache of the scope");
        drop(scope);
        assert_eq!(samples(&cache), after, "neither while it is switched off, nor what a scope sees");
    }
}

#[test]
fn its_statistics_agree_with_the_calls() {
    let cache = adaptive();
    play(&cache, scan(20_000));
    let stats = cache.adaptive_stats().unwrap();
    assert_eq!((stats.one_in, stats.dropped, stats.miniature_capacity), (1, 0, CAPACITY));
    // What waits to be simulated is less than one portion.
    assert!(stats.samples <= 20_000 && stats.samples > 20_000 - 1_000, "{}", stats.samples);
    assert_eq!(stats.candidates.len(), candidates().len());
    for (candidate, strategy) in stats.candidates.iter().zip(candidates()) {
        assert_eq!(candidate.name, strategy.name());
        assert!(!candidate.failed && (0.0..=1.0).contains(&candidate.overall));
    }
    assert_eq!(stats.last_switches.len() as u64, stats.switches);
    if let Some(last) = stats.last_switches.last() {
        assert_eq!(last.to, stats.current);
        assert!(last.gain > 0.0 && last.at_sample <= stats.samples);
    }
    let of = |name: &str| stats.candidates.iter().find(|candidate| candidate.name == name).unwrap().overall;
    assert!(of("lirs") > of("lru") + 0.3, "{stats}");
    let ratio = cache.stats().hit_ratio().unwrap();
    let best = stats.candidates.iter().map(|candidate| candidate.overall).fold(0.0, f64::max);
    assert!(ratio < best + 0.05, "{ratio} of the cache, {best} of the best simulation");
    assert_eq!(cache.stats().calls(), 20_000);
}

#[test]
fn away_and_back() {
    let cache = adaptive();
    play(&cache, soon_again(12_000, 1_000_000));
    let (learnt, samples) = (current(&cache), cache.adaptive_stats().unwrap().samples);
    assert_eq!(learnt, "lru");
    cache.set_strategy(Strategy::Fifo);
    assert_eq!((cache.adaptive_stats(), cache.strategy().name()), (None, "fifo"));
    let held = cache.len();
    // The simulations rest, and switch nothing.
    play(&cache, scan(10_000));
    cache.set_strategy(Strategy::Adaptive);
    let stats = cache.adaptive_stats().unwrap();
    assert_eq!((stats.current.as_str(), cache.len()), (learnt.as_str(), held), "with what it had learnt");
    assert!(stats.samples <= samples + 256, "{} and {samples}", stats.samples);
    play(&cache, scan(20_000));
    assert_ne!(current(&cache), "lru");
}

#[test]
fn it_follows_the_capacity() {
    let cache = adaptive();
    play(&cache, scan(20_000));
    for capacity in [100, 1_000, 10] {
        cache.set_capacity(capacity);
        let stats = cache.adaptive_stats().unwrap();
        assert_eq!(stats.miniature_capacity * stats.one_in, capacity, "{stats}");
        play(&cache, scan(5_000));
        assert!(cache.len() as u64 <= capacity);
        assert_eq!(current(&cache), stats_switched_to(&cache));
    }
    // A loop that fits.
    cache.set_capacity(1_000);
    play(&cache, scan(3_000));
    assert!(play(&cache, scan(3_000)) > 0.99);
}

fn stats_switched_to(cache: &Cache<u64, u64>) -> String {
    let stats = cache.adaptive_stats().unwrap();
    stats.last_switches.last().map_or_else(|| candidates()[0].name().to_owned(), |last| last.to.clone())
}

#[test]
fn it_adapts_as_soon_as_there_is_room() {
    let cache: Cache<u64, u64> =
        Cache::builder().unbounded().strategy(Strategy::Adaptive).stepping(Stepping::Inline).build();
    play(&cache, scan(1_000));
    assert_eq!(cache.adaptive_stats(), None, "nothing to choose without a bound");
    cache.set_capacity(CAPACITY);
    assert!(cache.adaptive_stats().is_some() && cache.len() as u64 <= CAPACITY);
    cache.set_capacity(0);
    cache.set_strategy(Strategy::Adaptive);
    cache.set_capacity(CAPACITY);
    play(&cache, scan(20_000));
    assert!(cache.adaptive_stats().is_some_and(|stats| stats.samples > 10_000), "{:?}", cache.adaptive_stats());
}

#[test]
fn on_a_test_clock_it_simulates_at_once() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().capacity(CAPACITY as usize).strategy(Strategy::Adaptive).build();
    play(&cache, soon_again(12_000, 1_000_000));
    assert_eq!(current(&cache), "lru");
    let there: Vec<_> = cache.iter().collect();
    assert!(there.iter().all(|(key, value)| *value == key * 3) && !there.is_empty());
}
