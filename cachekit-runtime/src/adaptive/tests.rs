use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::*;
use crate::policy::{Policy, Slot, Strategy, Touch, Words};
use crate::sync::lock;

/// Evicts by chance, which is good for a cyclic scan: part of it survives until it comes round again.
pub(super) struct Chance {
    live: Vec<Slot>,
    random: Random,
}

impl Policy for Chance {
    fn with_capacity(_: usize) -> Self {
        Chance { live: Vec::new(), random: Random(1) }
    }
    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.live.push(slot);
    }
    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }
    fn on_remove(&mut self, slot: Slot) {
        self.live.retain(|other| *other != slot);
    }
    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        let all = self.live.len() as u64;
        (all > 0).then(|| self.live.swap_remove((self.random.next() % all) as usize))
    }
}

/// As that, but it can replace its entries only once.
struct Panics {
    inner: Chance,
    left: usize,
}

impl Policy for Panics {
    fn with_capacity(capacity: usize) -> Self {
        Panics { inner: Chance::with_capacity(capacity), left: capacity }
    }
    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        self.inner.on_insert(slot, words);
    }
    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }
    fn on_remove(&mut self, slot: Slot) {
        self.inner.on_remove(slot);
    }
    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        self.left = self.left.checked_sub(1).unwrap_or_else(|| panic!("expected: from the test"));
        self.inner.victim(words)
    }
}

pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Smaller ones are likelier: about Zipf's law with exponent 1.
    fn zipf(&mut self, keys: u64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((keys as f64).powf(uniform) as u64 - 1).min(keys - 1)
    }
}

fn hash(key: u64) -> u64 {
    Random(key).next()
}

fn zipf(seed: u64, length: usize, keys: u64) -> Vec<u64> {
    let mut random = Random(seed);
    (0..length).map(|_| hash(random.zipf(keys))).collect()
}

fn cycle(length: usize, keys: u64) -> Vec<u64> {
    (0..length as u64).map(|i| hash(1_000_000 + i % keys)).collect()
}

/// Every key is asked for four times within a short time and never again, between keys that are asked for once.
fn recent(length: usize) -> Vec<u64> {
    (0..length as u64)
        .map(|i| hash(if i % 2 == 0 { 1 << 40 | i } else { 1 << 41 | (i / 160 * 20 + (i / 2) % 20) }))
        .collect()
}

fn strategies() -> [Strategy; 3] {
    [Strategy::Lfu, Strategy::Lru, Strategy::of::<Chance>()]
}

/// What each strategy would hit by itself, started afresh.
fn alone(stream: &[u64], capacity: usize) -> Vec<usize> {
    let hits = |strategy: &Strategy| {
        let mut cache = Miniature::new(&strategy.factory(), capacity);
        stream.iter().filter(|hash| cache.access(**hash)).count()
    };
    strategies().iter().map(hits).collect()
}

fn best(hits: &[usize]) -> usize {
    (0..hits.len()).fold(0, |best, index| if hits[index] > hits[best] { index } else { best })
}

#[test]
fn follows_a_stream_whose_best_strategy_changes() {
    let phases =
        [zipf(1, 60_000, 4_000), cycle(40_000, 200), recent(40_000), zipf(2, 60_000, 4_000), cycle(40_000, 200)];
    let mut tuner = Tuner::new(100, &strategies(), Rule::default());
    let mut chosen = Vec::new();
    for phase in &phases {
        for step in phase.chunks(500) {
            tuner.step(step);
        }
        let hits = alone(phase, 100);
        assert_eq!(tuner.current().name(), strategies()[best(&hits)].name(), "{hits:?}\n{}", tuner.stats());
        chosen.push(best(&hits));
    }
    assert_eq!(chosen, [0, 2, 1, 0, 2], "the phases differ in what is best");
    assert!(tuner.stats().switches <= 8, "{}", tuner.stats());
}

#[test]
fn hardly_ever_switches_when_the_candidates_differ_by_noise_only() {
    // Uniform keys: all policies hit the same on average. 776 windows, most of which could switch.
    let mut switches = 0;
    for seed in 0..8 {
        let mut random = Random(seed);
        let mut tuner =
            Tuner::new(300, &[Strategy::S3Fifo, Strategy::Lru, Strategy::Fifo, Strategy::Sieve], Rule::default());
        for _ in 0..200 {
            let step: Vec<u64> = (0..500).map(|_| hash(random.next() % 900)).collect();
            tuner.step(&step);
        }
        switches += tuner.stats().switches;
        assert!(tuner.stats().switches <= 2, "seed {seed}: {}", tuner.stats());
    }
    assert!(switches <= 8, "{switches}");
}

#[test]
fn the_same_samples_lead_to_the_same_switches_however_they_are_cut() {
    let stream = [zipf(5, 20_000, 2_000), cycle(20_000, 200), recent(20_000)].concat();
    let run = |length: usize| {
        let mut tuner = Tuner::new(100, &strategies(), Rule::default());
        stream.chunks(length).for_each(|step| _ = tuner.step(step));
        let stats = tuner.stats();
        (stats.last_switches, stats.samples, stats.candidates)
    };
    let whole = run(stream.len());
    assert!(whole.0.len() >= 2);
    assert!([1, 63, 64, 1_000].into_iter().all(|length| run(length) == whole));
}

#[test]
fn going_back_and_forth_doubles_the_dwell() {
    let rule = Rule { window: 256, decay: 0.5, dwell: 1, longest_dwell: 8, ..Rule::default() };
    let mut tuner = Tuner::new(100, &[Strategy::Lru, Strategy::of::<Chance>()], rule);
    let mut dwells = Vec::new();
    let mut switches = Vec::new();
    for round in 0..14 {
        let phase = if round % 2 == 0 { cycle(6_000, 200) } else { recent(6_000) };
        if let Some(switch) = tuner.step(&phase) {
            assert_eq!(switch.to.name(), if round % 2 == 0 { "Chance" } else { "lru" });
            switches.push(switch.at_sample);
            dwells.push(tuner.dwell());
        }
    }
    assert_eq!(dwells[..4], [1, 2, 4, 8], "the first switch is no reversal, the second is");
    assert!(dwells[4..].iter().all(|dwell| *dwell == 8));
    assert!(switches[4..].windows(2).all(|pair| pair[1] - pair[0] >= 8 * 256), "{switches:?}");
}

#[test]
fn a_panicking_candidate_is_dropped_and_the_others_go_on() {
    let candidates = [Strategy::Lru, Strategy::of::<Panics>(), Strategy::of::<Chance>()];
    let mut tuner = Tuner::new(100, &candidates, Rule::default());
    tuner.step(&cycle(20_000, 200));
    let stats = tuner.stats();
    assert_eq!(stats.candidates.iter().map(|candidate| candidate.failed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!((tuner.current().name(), stats.switches), ("Chance", 1));
    assert!(stats.candidates[1].overall < stats.candidates[2].overall);
}

#[test]
fn the_current_one_is_left_when_it_panics() {
    let mut tuner = Tuner::new(100, &[Strategy::of::<Panics>(), Strategy::Lru], Rule::default());
    tuner.step(&zipf(1, 20_000, 2_000));
    assert_eq!(tuner.current().name(), "lru");
}

#[test]
fn without_candidates_or_with_one_nothing_happens() {
    let mut none = Tuner::new(100, &[], Rule::default());
    assert!(none.step(&cycle(5_000, 200)).is_none());
    let mut one = Tuner::new(100, &[Strategy::Lru], Rule::default());
    assert!(one.step(&cycle(5_000, 200)).is_none());
    assert_eq!((none.stats().samples, one.current().name()), (4_992, "lru"));
}

#[test]
fn statistics_add_up() {
    let mut tuner = Tuner::new(100, &strategies(), Rule::default());
    let stream = zipf(9, 10_016, 1_000);
    let switches = stream.chunks(32).filter(|step| tuner.step(step).is_some()).count() as u64;
    tuner.add_time(40);
    tuner.add_time(2);
    let stats = tuner.stats();
    assert_eq!((stats.samples, stats.one_in, stats.miniature_capacity), (9_984, 1, 100), "in whole blocks of 64");
    assert_eq!((stats.simulation_nanos, stats.switches, stats.last_switches.len() as u64), (42, switches, switches));
    let hits = alone(&stream[..9_984], 100);
    for (candidate, hits) in stats.candidates.iter().zip(hits) {
        assert!((candidate.overall * 9_984.0 - hits as f64).abs() < 1e-6, "{} hits {hits}", candidate.name);
        assert!((0.0..=1.0).contains(&candidate.last_window) && candidate.last_window > 0.0);
    }
    assert_eq!(stats.current, tuner.current().name());
}

#[test]
fn only_the_last_switches_are_kept() {
    let rule = Rule { window: 256, decay: 0.5, dwell: 1, longest_dwell: 1, ..Rule::default() };
    let mut tuner = Tuner::new(100, &[Strategy::Lru, Strategy::of::<Chance>()], rule);
    for _ in 0..20 {
        tuner.step(&cycle(4_000, 200));
        tuner.step(&recent(4_000));
    }
    let stats = tuner.stats();
    assert_eq!(stats.last_switches.len(), LAST_SWITCHES);
    assert!(stats.switches > LAST_SWITCHES as u64 && stats.last_switches.iter().all(|switch| switch.from != switch.to));
    assert!(
        stats.last_switches.windows(2).all(|pair| pair[0].at_sample < pair[1].at_sample && pair[0].to == pair[1].from)
    );
}

#[test]
fn memory_is_bounded_whatever_the_capacity() {
    for capacity in [1, 1_000, 1_000_000, 1 << 40] {
        let mut tuner = Tuner::new(capacity, &strategies(), Rule::default());
        tuner.step(&zipf(3, 50_000, 1 << 40));
        let half = tuner.bytes();
        tuner.step(&zipf(4, 50_000, 1 << 40));
        assert_eq!(tuner.bytes(), half, "capacity {capacity}");
        assert!(half < strategies().len() * (MINIATURE * 192 + 1_024), "capacity {capacity}: {half}");
    }
}

#[test]
fn a_new_capacity_keeps_the_strategy_and_begins_anew_only_if_the_rate_changes() {
    let mut tuner = Tuner::new(100, &strategies(), Rule::default());
    tuner.step(&cycle(20_000, 200));
    assert_eq!(tuner.current().name(), "Chance");
    tuner.set_capacity(120);
    tuner.step(&cycle(128, 110));
    let before = tuner.stats();
    assert_eq!((before.miniature_capacity, before.one_in, before.current.as_str()), (120, 1, "Chance"));
    tuner.set_capacity(5_000);
    let after = tuner.stats();
    assert_eq!((after.miniature_capacity, after.one_in, after.current.as_str()), (625, 8, "Chance"));
    assert!(after.bytes < before.bytes + 3 * 525 * 200);
    tuner.step(&cycle(5_000, 800));
    assert_eq!(tuner.stats().samples, before.samples + 5_000 / 64 * 64);
}

fn inline(capacity: usize) -> (Arc<Adaptive>, Arc<Mutex<Vec<String>>>) {
    let switched = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&switched);
    let cache = Adaptive::new(capacity, &strategies(), Rule::default(), Stepping::Inline, move |strategy| {
        lock(&to).push(strategy.name().to_owned());
    });
    (Arc::new(cache), switched)
}

#[test]
fn inline_steps_drop_nothing_and_switch_where_the_tuner_does() {
    let stream = [zipf(5, 20_000, 2_000), cycle(20_000, 200), recent(20_032)].concat();
    let (cache, switched) = inline(100);
    stream.iter().for_each(|hash| cache.saw(*hash));
    cache.step_now();
    let mut tuner = Tuner::new(100, &strategies(), Rule::default());
    stream.chunks(256).for_each(|step| _ = tuner.step(step));
    let (stats, expected) = (cache.stats(), tuner.stats());
    assert_eq!((stats.samples, stats.dropped, &stats.last_switches), (60_032, 0, &expected.last_switches));
    assert!(stats.switches >= 2);
    assert_eq!(*lock(&switched), stats.last_switches.iter().map(|switch| switch.to.clone()).collect::<Vec<_>>());
    assert!(stats.bytes > expected.bytes + 8 * 1024 && stats.bytes < expected.bytes + 10 * 1024);
}

#[test]
fn a_large_cache_samples_a_part_and_decides_the_same() {
    let stream = [zipf(5, 200_000, 32_000), cycle(800_000, 32_000)].concat();
    let (cache, switched) = inline(16_000);
    stream.iter().for_each(|hash| cache.saw(*hash));
    let stats = cache.stats();
    assert_eq!((stats.one_in, stats.miniature_capacity), (16, 1_000));
    assert!((stream.len() as u64 / 32..stream.len() as u64 / 8).contains(&stats.samples), "{stats}");
    assert_eq!(lock(&switched).last().map(String::as_str), Some("Chance"), "{stats}");
}

#[test]
fn the_switch_is_called_where_statistics_and_calls_still_work() {
    let seen = Arc::new(AtomicUsize::new(0));
    let cache = Arc::new_cyclic(|weak: &std::sync::Weak<Adaptive>| {
        let (weak, seen) = (weak.clone(), Arc::clone(&seen));
        Adaptive::new(100, &strategies(), Rule::default(), Stepping::Inline, move |strategy| {
            let Some(cache) = weak.upgrade() else { return };
            assert_eq!(cache.stats().current, strategy.name());
            cycle(200, 200).iter().for_each(|hash| cache.saw(*hash));
            cache.set_capacity(101);
            seen.fetch_add(1, Relaxed);
        })
    });
    cycle(40_000, 200).iter().for_each(|hash| cache.saw(*hash));
    assert!(seen.load(Relaxed) > 0);
}

#[test]
fn calls_in_parallel_with_steps_are_counted_at_most_once() {
    let (cache, _) = inline(100);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let cache = &cache;
            scope.spawn(move || zipf(seed, 20_000, 2_000).iter().for_each(|hash| cache.saw(*hash)));
        }
    });
    cache.step_now();
    let stats = cache.stats();
    assert!(stats.samples > 0 && stats.samples + stats.dropped <= 80_000, "{stats}");
}
