//! Estimates of streams whose curves are known, or found by simulating all of them.

use super::{Advice, Estimator, Optimum, Options, Present, Simulation};
use crate::policy::{Policy, Slot, Strategy, Touch, Words};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn zipf(keys: u64, exponent: f64, length: usize, seed: u64) -> Vec<u64> {
    let mut sum = 0.0;
    let mut add = |rank: u64| {
        sum += (rank as f64).powf(-exponent);
        sum
    };
    let sums: Vec<f64> = (1..=keys).map(&mut add).collect();
    let mut draw = random(seed);
    let mut place = || {
        let at = draw(1 << 30) as f64 / f64::from(1 << 30) * sums[sums.len() - 1];
        sums.partition_point(|sum| *sum <= at)
    };
    (0..length).map(|_| place() as u64).collect()
}

/// Popular keys with runs between them of keys that come once.
fn scanning(length: usize) -> Vec<u64> {
    let mut once = 1_000_000..;
    let popular = zipf(30_000, 0.9, length, 5);
    let parts = popular.chunks(1_000).flat_map(|part| {
        let scan: Vec<u64> = once.by_ref().take(500).collect();
        part.iter().copied().chain(scan)
    });
    parts.take(length).collect()
}

fn looping(keys: u64, length: usize) -> Vec<u64> {
    (0..length as u64).map(|turn| turn % keys).collect()
}

fn true_ratio(keys: &[u64], strategy: &Strategy, capacity: usize) -> f64 {
    let mut simulation = Simulation::new(strategy, capacity);
    keys.iter().for_each(|key| _ = simulation.access(*key));
    simulation.hit_ratio().unwrap_or(0.0)
}

fn estimated(keys: &[u64], options: &Options, seed: u64) -> Advice {
    let hasher = FixedState::with_seed(seed);
    let mut estimator = Estimator::new(options);
    keys.iter().for_each(|key| estimator.access(hasher.hash_one(*key)));
    estimator.advice(&Present::of_capacity(8_000, "lru"))
}

fn options() -> Options {
    Options::for_capacity(8_000).samples(2_048).capacities([4_000, 8_000])
}

#[test]
fn curve_and_simulations_are_within_two_points_of_all_accesses() {
    for keys in [zipf(30_000, 0.9, 100_000, 1), scanning(100_000)] {
        let advices: Vec<Advice> = (1..=5).map(|seed| estimated(&keys, &options(), seed)).collect();
        assert!(advices.iter().all(|advice| advice.one_in > 2.0), "the curve is sampled");
        let median_off = |said: &dyn Fn(&Advice) -> f64, truth: f64| {
            let mut off: Vec<f64> = advices.iter().map(|advice| (said(advice) - truth).abs()).collect();
            off.sort_by(f64::total_cmp);
            off[2]
        };
        // LFU is not the same at any scale: see below.
        for strategy in Strategy::fixed().into_iter().filter(|strategy| !matches!(strategy, Strategy::Lfu)) {
            for capacity in [4_000, 8_000] {
                let truth = true_ratio(&keys, &strategy, capacity);
                let said = |advice: &Advice| {
                    advice.outlook(strategy.name(), capacity as u64).map_or(f64::NAN, |outlook| outlook.hit_ratio)
                };
                let off = median_off(&said, truth);
                assert!(off < 0.02, "{strategy} at {capacity}: {off:.4} off {truth:.4}");
                if strategy.name() == "lru" {
                    let off = median_off(
                        &|advice| advice.lru.at(capacity as u64).map_or(f64::NAN, |point| point.hit_ratio),
                        truth,
                    );
                    assert!(off < 0.02, "the curve at {capacity}: {off:.4} off {truth:.4}");
                }
            }
        }
    }
}

#[test]
fn most_estimates_are_within_the_error_that_they_state() {
    let keys = scanning(100_000);
    let truths: Vec<(String, u64, f64)> = Strategy::fixed()
        .iter()
        .flat_map(|strategy| {
            [4_000, 8_000]
                .map(|capacity| (strategy.name().to_owned(), capacity as u64, true_ratio(&keys, strategy, capacity)))
        })
        .collect();
    let (mut within, mut all) = (0, 0);
    for seed in 1..=5 {
        let advice = estimated(&keys, &options(), seed);
        for (strategy, capacity, truth) in &truths {
            let outlook = advice.outlook(strategy, *capacity).unwrap();
            assert!(outlook.error > 0.0 && outlook.error < 0.15, "{outlook:?}");
            all += 1;
            within += usize::from((outlook.hit_ratio - truth).abs() <= outlook.error);
        }
    }
    assert!(within * 10 >= all * 8, "{within} of {all}");
}

/// LFU under a name that says nothing.
fn lfu_of_a_user() -> Strategy {
    Strategy::Custom { name: "mine".into(), factory: Strategy::Lfu.factory() }
}

/// Popularity that moves, which LFU does not follow: at a smaller scale it does so later still.
fn moving() -> Vec<u64> {
    let popular = zipf(8_000, 0.8, 200_000, 7);
    popular.iter().zip(0..).map(|(rank, turn)| rank * 7 + turn / 50_000 % 4).collect()
}

#[test]
fn what_changes_with_the_scale_is_flagged() {
    let keys = moving();
    let strategies = [Strategy::Lru, Strategy::Lfu, lfu_of_a_user()];
    let options = Options::for_capacity(8_000).samples(2_048).miniature(256).capacities([2_000, 4_000, 8_000]);
    let advice = estimated(&keys, &options.strategies(strategies), 1);
    let [(by_lru, lru), (by_lfu, lfu), (by_mine, mine)] =
        [(&Strategy::Lru, "lru"), (&Strategy::Lfu, "lfu"), (&Strategy::Lfu, "mine")].map(|(strategy, name)| {
            let outlook = advice.outlook(name, 4_000).unwrap();
            ((outlook.hit_ratio - true_ratio(&keys, strategy, 4_000)).abs(), outlook)
        });
    // Told by the witness.
    assert!(by_mine > 0.05 && by_mine < mine.error + 0.05 && !mine.predictable, "{by_mine} {mine:?}");
    assert!(by_lfu < lfu.error && lfu.error < mine.error && !lfu.predictable, "{by_lfu} {lfu:?}");
    assert!(by_lru < 0.04 && lru.error < lfu.error, "{by_lru} {lru:?}");
}

/// The newest entry goes when the next key comes, seen or not.
#[test]
fn what_is_not_seen_takes_the_place_of_the_newest() {
    let keys = moving();
    // By one that sees all keys the sample knows how many come between two that another one sees; without it that is a guess.
    for capacities in [&[200, 4_000][..], &[4_000]] {
        let options = Options::for_capacity(8_000).miniature(500).capacities(capacities.iter().copied());
        let advice = estimated(&keys, &options.strategies([Strategy::Lfu, lfu_of_a_user()]), 1);
        let truth = true_ratio(&keys, &Strategy::Lfu, 4_000);
        let off = |name: &str| (advice.outlook(name, 4_000).unwrap().hit_ratio - truth).abs();
        assert!(2.0 * off("lfu") < off("mine"), "{} {}", off("lfu"), off("mine"));
    }
}

#[test]
fn a_sample_of_all_keys_is_exact() {
    let keys = zipf(3_000, 0.8, 60_000, 2);
    let options = Options::for_capacity(100).capacities([1, 100, 1_000]);
    let advice = estimated(&keys, &options, 1);
    assert_eq!((advice.one_in, advice.sampled, advice.accesses), (1.0, 60_000, 60_000));
    for capacity in [1, 7, 63, 64, 100, 1_000, 2_999] {
        let truth = true_ratio(&keys, &Strategy::Lru, capacity);
        let point = advice.lru.at(capacity as u64).unwrap();
        // What lies between two points is a line.
        assert!((point.hit_ratio - truth).abs() < 0.004, "{point:?} for {truth}");
        assert_eq!(point.error, 0.0);
    }
    for capacity in [1, 100, 1_000] {
        let outlook = advice.outlook("lru", capacity).unwrap();
        assert!((outlook.hit_ratio - true_ratio(&keys, &Strategy::Lru, capacity as usize)).abs() < 1e-9);
        assert!(outlook.full && outlook.predictable && outlook.error == 0.0, "{outlook:?}");
    }
}

#[test]
fn a_sparing_sample_has_no_more_keys_than_its_share_and_says_what_that_costs() {
    let keys = zipf(200_000, 0.8, 300_000, 2);
    let options = Options::sparing(25_600).capacities([100, 2_000, 25_600]);
    let advice = estimated(&keys, &options, 1);
    assert!((advice.one_in - 25.0).abs() < 1e-6, "{}", advice.one_in);
    // Of the accesses of popular keys, all or none are in it.
    assert!(advice.sampled * 10 < advice.accesses, "{} of {}", advice.sampled, advice.accesses);
    let [tiny, small, large] = [100, 2_000, 25_600].map(|capacity| advice.outlook("lru", capacity).unwrap().clone());
    assert_eq!([&tiny, &small, &large].map(|outlook| outlook.simulated_entries), [4, 80, 1_024]);
    for (outlook, most) in [(&tiny, 0.25_f64), (&small, 0.05), (&large, 0.02)] {
        let truth = true_ratio(&keys, &Strategy::Lru, outlook.capacity as usize);
        assert!((outlook.hit_ratio - truth).abs() <= most.min(outlook.error + 0.005), "{outlook:?} for {truth}");
    }
    assert!(
        large.predictable && !tiny.predictable && tiny.error > small.error && small.error > large.error,
        "{advice}"
    );
    assert!(advice.outlooks.iter().all(|outlook| outlook.capacity > 100 || !outlook.predictable), "{advice}");
}

#[test]
fn a_share_is_more_than_nothing_and_at_most_all() {
    let share = |part| Options::for_capacity(100).share(part).share;
    assert_eq!([share(0.5), share(7.0), share(f64::NAN)], [0.5, 1.0, 1.0]);
    assert!(share(0.0) > 0.0 && share(-1.0) > 0.0);
    // A field that is public may hold anything.
    let mut options = Options::for_capacity(1);
    options.share = -3.0;
    assert!(estimated(&looping(10, 1_000), &options, 1).sampled < 1_000);
}

#[test]
fn the_cliff_of_a_loop_is_flagged_and_a_strategy_that_keeps_a_part_has_none() {
    let keys = looping(20_000, 200_000);
    let options = Options::for_capacity(5_000).samples(1_024).capacities([5_000, 10_000, 19_000, 21_000]);
    let advice = estimated(&keys, &options, 3);
    let lru = |capacity| advice.lru.at(capacity).unwrap();
    assert!(lru(5_000).hit_ratio < 0.01 && !lru(5_000).cliff);
    assert!(lru(20_000).cliff, "{:?}", lru(20_000));
    assert!([19_000, 21_000].iter().all(|capacity| !advice.outlook("lru", *capacity).unwrap().predictable));
    assert!(advice.outlook("lru", 5_000).unwrap().predictable);
    let lirs: Vec<_> = advice.curve("lirs").points;
    assert!(lirs.iter().all(|point| !point.cliff), "{lirs:?}");
}

#[test]
fn what_stands_for_more_keys_than_it_follows_takes_no_more_memory() {
    let options = Options::for_capacity(1 << 13).samples(512).miniature(256);
    let mut estimator = Estimator::new(&options);
    let mut draw = random(1);
    let hasher = FixedState::with_seed(1);
    let mut feed = |estimator: &mut Estimator, count: usize| {
        (0..count).for_each(|_| estimator.access(hasher.hash_one(draw(1 << 30))));
        estimator.advice(&Present::default()).memory
    };
    let before = feed(&mut estimator, 200_000);
    let limit = estimator.limit();
    let after = feed(&mut estimator, 400_000);
    // Tables that are filled and emptied grow once more, by chance.
    assert!(after <= before + before / 10, "{after} after {before}");
    assert!(before < 4_000_000, "{before}");
    assert!(limit < u64::MAX / 3, "only the smallest capacity says how much is sampled: {limit}");
}

#[test]
fn a_policy_that_panics_is_left_out() {
    struct Panics;
    impl Policy for Panics {
        fn with_capacity(_: usize) -> Self {
            Panics
        }
        fn on_insert(&mut self, _: Slot, _: &Words<'_>) {}
        fn on_hit(&self) -> Touch {
            Touch::Nothing
        }
        fn on_remove(&mut self, _: Slot) {}
        fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
            panic!("expected: from the test")
        }
    }
    let options = Options::for_capacity(100).strategies([Strategy::of::<Panics>(), Strategy::Lru]).capacities([100]);
    let advice = estimated(&zipf(3_000, 0.8, 10_000, 2), &options, 1);
    let names: Vec<&str> = advice.outlooks.iter().map(|outlook| outlook.strategy.as_str()).collect();
    assert_eq!(names, ["lru"]);
}

#[test]
fn no_strategy_exceeds_the_optimum_and_adaptive_switches() {
    let keys: Vec<u64> = looping(1_500, 60_000);
    let optimum = Optimum::of(keys.iter().copied());
    let hits = |strategy: &Strategy| {
        let mut simulation = Simulation::new(strategy, 1_000);
        keys.iter().for_each(|key| _ = simulation.access(*key));
        (simulation.hits(), simulation.current().name().to_owned())
    };
    let best = optimum.hits(1_000);
    for strategy in Strategy::fixed() {
        assert!(hits(&strategy).0 <= best, "{strategy}");
    }
    // Soon again and then never, which only recency hits; and then a loop, which recency never does.
    let mut simulation = Simulation::new(&Strategy::Adaptive, 400);
    let soon = |turn: u64| 10_000 + if turn.is_multiple_of(2) { turn / 2 } else { (turn / 2).saturating_sub(100) };
    (0..20_000).for_each(|turn| _ = simulation.access(soon(turn)));
    assert_eq!(simulation.current().name(), "lru");
    let before = simulation.hits();
    (0..60_000).for_each(|turn| _ = simulation.access(turn % 500));
    assert_ne!(simulation.current().name(), "lru");
    assert!(simulation.hits() - before > 30_000, "{}", simulation.hits() - before);
}

#[cfg(feature = "backend")]
#[test]
fn advice_goes_through_json_and_back() {
    let advice = estimated(&zipf(3_000, 0.8, 20_000, 2), &Options::for_capacity(8_000).capacities([100, 8_000]), 1);
    let text = serde_json::to_string(&advice).unwrap();
    assert!(text.contains(r#""strategy":"s3-tinylfu","capacity":8000,"#), "{text}");
    let back: Advice = serde_json::from_str(&text).unwrap();
    assert_eq!((back.lru, back.outlooks.len()), (advice.lru, advice.outlooks.len()));
}

#[test]
fn a_witness_tells_lfu_from_what_is_the_same_at_any_scale() {
    let keys: Vec<u64> = zipf(8_000, 0.8, 100_000, 7);
    let hasher = FixedState::with_seed(1);
    let hashes: Vec<u64> = keys.iter().map(|key| hasher.hash_one(*key)).collect();
    let changed = |strategy: &Strategy| {
        let mut shadow = super::shadow::Shadow::new(strategy, 4_000, 0.25, 1.0);
        shadow.feed(&hashes);
        shadow.changed_by_scale() / keys.len() as f64
    };
    let [lfu, lru] = [changed(&lfu_of_a_user()), changed(&Strategy::Lru)];
    assert!(lfu > 0.005 && lru < 0.002, "{lfu} {lru}");
}

/// The upper bits of a cache's hashes choose the sample: as often as the rate says, for keys that differ in few bits too.
#[test]
fn the_upper_bits_of_hashes_choose_the_share_that_they_should() {
    let build = foldhash::fast::RandomState::default();
    let numbers = |stride: u64| (0..200_000).map(move |key| key * stride);
    let texts = (0..200_000).map(|key| format!("user/{key}"));
    let hashed: Vec<Vec<u64>> = [1, 8, 1 << 20, 1 << 40]
        .into_iter()
        .map(|stride| numbers(stride).map(|key| build.hash_one(key)).collect())
        .chain([texts.map(|key| build.hash_one(key)).collect()])
        .collect();
    for (which, hashes) in hashed.iter().enumerate() {
        for one_in in [2.0, 10.0, 100.0] {
            let limit = super::limit(1.0 / one_in);
            let chosen = hashes.iter().filter(|hash| **hash <= limit).count() as f64;
            let expected = hashes.len() as f64 / one_in;
            assert!(
                (chosen - expected).abs() < 6.0 * expected.sqrt(),
                "{which}, one in {one_in}: {chosen} of {expected}"
            );
        }
    }
}
