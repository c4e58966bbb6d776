use super::{Cache, SAMPLED};
use crate::{
    Builder,
    adaptive::Stepping,
    advice::{
        Options, Simulation,
        trace::{Header, Reader},
    },
    policy::Strategy,
    testing,
};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

/// What is written to it stays readable.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn read(&self) -> Vec<(u64, Duration)> {
        let bytes = self.0.lock().unwrap().clone();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        let all = reader.by_ref().map(Result::unwrap).map(|access| (access.hash, access.at)).collect();
        assert!(!reader.is_cut());
        all
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn draw(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // More often the smaller ones.
        let (a, b) = ((state >> 33) % below, (state >> 12) % below);
        a.min(b)
    }
}

fn lru(capacity: usize) -> Cache<u64, u64> {
    Cache::builder().capacity(capacity).strategy(Strategy::Lru).stepping(Stepping::Inline).build()
}

#[test]
fn a_recorded_stream_hits_what_the_cache_has_hit() {
    let (cache, shared) = (lru(300), Shared::default());
    let recording = cache.record_trace(shared.clone(), &Header::default(), u64::MAX).unwrap();
    let mut key = draw(4);
    for _ in 0..20_000 {
        let key = key(1_000);
        cache.get_or_compute(&key, || key);
    }
    let recorded = recording.stop().unwrap();
    assert_eq!((recorded.accesses, recorded.dropped, recorded.ended.as_deref()), (20_000, 0, None));
    assert_eq!(recorded.bytes, shared.0.lock().unwrap().len() as u64);
    let mut simulation = Simulation::new(&Strategy::Lru, 300);
    shared.read().iter().for_each(|(hash, _)| _ = simulation.access(*hash));
    assert_eq!((simulation.accesses(), simulation.hits()), (20_000, cache.stats().hits));
}

#[test]
fn each_look_is_told_once_whatever_it_finds() {
    let plain: fn() -> Builder<u64, u64> = Cache::builder;
    let by_sip: fn() -> Builder<u64, u64> = || Cache::builder().hasher(std::hash::RandomState::new());
    for builder in [plain, by_sip] {
        for strategy in [Strategy::Lru, Strategy::Adaptive] {
            let cache = builder().capacity(5_000).strategy(strategy).stepping(Stepping::Inline).build();
            let recording = cache.record_trace(io::sink(), &Header::default(), u64::MAX).unwrap();
            cache.start_thorough_advice();
            for key in 0..1_000 {
                cache.get_or_compute(&key, || key);
                cache.get_or_compute(&key, || key);
                assert_eq!((cache.get(&key), cache.get(&(key + 1_000_000))), (Some(key), None));
            }
            let advice = cache.advice().unwrap();
            assert_eq!((advice.accesses, advice.sampled, advice.dropped), (4_000, 4_000, 0));
            assert_eq!(advice.measured, Some(0.5));
            cache.set_enabled(false);
            (0..100).for_each(|key| _ = cache.get_or_compute(&key, || key));
            cache.set_enabled(true);
            // A scope has a cache of its own.
            let scope = testing::scope();
            assert!(cache.advice().is_none());
            (0..100).for_each(|key| _ = cache.get_or_compute(&key, || key));
            drop(scope);
            assert_eq!(recording.stop().unwrap().accesses, 4_000);
        }
    }
}

#[test]
fn the_advice_of_a_live_cache_is_that_of_its_accesses() {
    let cache = lru(200);
    cache.start_advice_with(&Options::for_capacity(200).capacities([100, 200, 400]));
    let mut key = draw(9);
    let mut hits = [100, 200, 400].map(|capacity| Simulation::new(&Strategy::Lru, capacity));
    for _ in 0..30_000 {
        let key = key(1_000);
        cache.get_or_compute(&key, || key);
        hits.iter_mut().for_each(|simulation| _ = simulation.access(key));
    }
    let advice = cache.advice().unwrap();
    assert_eq!((advice.strategy.as_str(), advice.capacity), ("lru", 200));
    for simulation in &hits {
        let outlook = advice.outlook("lru", simulation.capacity() as u64).unwrap();
        assert!((outlook.hit_ratio - simulation.hit_ratio().unwrap()).abs() < 1e-9, "{outlook:?}");
    }
    assert!(advice.load_nanos > 0 && advice.outlook("lru", 400).unwrap().saved_load_nanos > 0);
    assert_eq!(advice.outlook("lru", 200).unwrap().saved_load_nanos, 0);
    // Anew: nothing of before is left.
    cache.start_thorough_advice();
    assert_eq!(cache.advice().map(|advice| (advice.accesses, advice.sampled, advice.keys)), Some((0, 0, 0)));
}

#[test]
fn what_is_stopped_is_told_of_nothing_and_costs_nothing() {
    let cache = lru(100);
    let quiet = || cache.core.besides.all() & SAMPLED == 0 && !cache.core.besides.may_concern(1);
    assert!(quiet() && cache.advice().is_none());
    cache.start_thorough_advice();
    assert!(cache.core.besides.may_concern(u64::MAX), "a small cache is sampled whole");
    let recording = cache.record_trace(io::sink(), &Header::one_in(4), 1_000).unwrap();
    cache.stop_advice();
    assert!(cache.advice().is_none());
    assert!(cache.core.besides.may_concern(u64::MAX / 4) && !cache.core.besides.may_concern(u64::MAX / 3));
    // Whoever has something else to do asks each time, and then goes back to that.
    cache.set_strategy(Strategy::Adaptive);
    assert!(cache.core.besides.may_concern(u64::MAX));
    cache.set_strategy(Strategy::Lru);
    assert!(!cache.core.besides.may_concern(u64::MAX / 3));
    drop(recording);
    assert!(quiet());
}

#[test]
fn as_more_keys_come_fewer_of_them_are_told() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(50_000).stepping(Stepping::Inline).build();
    cache.start_advice_with(&Options::for_capacity(50_000).samples(500).strategies([]));
    (0..20_000).for_each(|key| _ = cache.get_or_compute(&key, || key));
    assert!(!cache.core.besides.may_concern(u64::MAX / 20) && cache.core.besides.may_concern(u64::MAX / 100));
    let advice = cache.advice().unwrap();
    assert!((18_000..22_000).contains(&advice.keys), "{}", advice.keys);
    assert!(advice.sampled < 6_000, "{}", advice.sampled);
}

#[test]
fn a_recording_ends_at_its_length_or_with_an_error_and_the_next_may_begin() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("the disk is full"))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let cache = lru(100);
    let play = || (0..5_000).for_each(|key| _ = cache.get_or_compute(&key, || key));
    let recording = cache.record_trace(Full(3), &Header::default(), u64::MAX).unwrap();
    let refused = cache.record_trace(io::sink(), &Header::default(), 1).err().map(|error| error.kind());
    assert_eq!(refused, Some(io::ErrorKind::AlreadyExists));
    play();
    assert_eq!(recording.so_far().ended.as_deref(), Some("the disk is full"));
    assert!(!cache.core.besides.may_concern(1), "nobody listens any more");
    assert_eq!(recording.stop().unwrap().accesses, 1_024);
    let shared = Shared::default();
    let recording = cache.record_trace(shared.clone(), &Header::default(), 700).unwrap();
    play();
    assert_eq!(recording.so_far().ended.as_deref(), Some("700 accesses were asked for"));
    assert_eq!((recording.stop().unwrap().accesses, shared.read().len()), (700, 700));
    assert!(cache.record_trace(Full(0), &Header::default(), 1).is_err());
    assert!(cache.record_trace(io::sink(), &Header::default(), 1).is_ok());
}

#[test]
fn accesses_have_the_time_of_the_clock() {
    let cache = lru(100);
    let shared = Shared::default();
    let scope = testing::scope();
    let recording = cache.record_trace(shared.clone(), &Header::default(), u64::MAX).unwrap();
    (0..600).for_each(|key| _ = cache.get_or_compute(&key, || key));
    scope.advance(Duration::from_secs(7));
    (0..600).for_each(|key| _ = cache.get_or_compute(&key, || key));
    assert_eq!(recording.stop().unwrap().accesses, 1_200);
    let times: Vec<u64> = shared.read().iter().map(|(_, at)| at.as_secs()).collect();
    assert_eq!((times[0], times[511], times[1_199]), (0, 0, 7));
}

/// A writer that does not come back: callers go on, and what there is no room for is counted.
#[test]
fn a_slow_writer_blocks_no_caller() {
    struct Slow(mpsc::Receiver<()>, Shared, bool);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.2, true) {
                let _ = self.0.recv();
            }
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let cache: Cache<u64, u64> = Cache::builder().capacity(100).build();
    let (go, wait) = mpsc::channel();
    let shared = Shared::default();
    let recording = cache.record_trace(Slow(wait, shared.clone(), false), &Header::default(), u64::MAX).unwrap();
    (0..50_000).for_each(|key| _ = cache.get_or_compute(&(key % 50), || key));
    drop(go);
    let recorded = recording.stop().unwrap();
    assert!(recorded.accesses > 0 && recorded.dropped > 0, "{recorded:?}");
    assert_eq!(recorded.accesses as usize, shared.read().len());
    assert!(recorded.accesses + recorded.dropped <= 50_000, "{recorded:?}");
}

#[test]
fn a_cache_that_is_bounded_by_bytes_is_told_of_in_both() {
    let cache: Cache<u64, u64> =
        Cache::builder().strategy(Strategy::Lru).stepping(Stepping::Inline).max_bytes_with(100_000, |_, _| 100).build();
    (0..2_000).for_each(|key| _ = cache.get_or_compute(&key, || key));
    let fit = cache.len() as u64;
    cache.start_thorough_advice();
    (0..2_000).for_each(|key| _ = cache.get_or_compute(&key, || key));
    let advice = cache.advice().unwrap();
    assert_eq!((advice.capacity, advice.outlook("lru", fit).is_some()), (fit, true));
    let each = advice.entry_bytes.unwrap();
    assert!((100.0..1_000.0).contains(&each), "{each}");
    let outlook = advice.outlook("lru", fit).unwrap();
    assert_eq!(outlook.bytes, Some((fit as f64 * each) as u64));
}

#[test]
fn background_threads_look_at_what_waits() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(500).build();
    cache.start_thorough_advice();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                let mut key = draw(thread);
                (0..5_000).for_each(|_| _ = cache.get_or_compute(&key(2_000), || 1));
            });
        }
    });
    let advice = cache.advice().unwrap();
    assert_eq!(advice.accesses, 20_000);
    assert!(advice.sampled > 0 && advice.sampled + advice.dropped <= 20_000, "{advice:?}");
    assert!(advice.lru.at(2_000).is_some_and(|point| point.hit_ratio > 0.3));
    cache.stop_advice();
}

#[test]
fn top_keys_are_those_that_are_looked_for_most() {
    for strategy in ["lru", "adaptive"] {
        let cache: Cache<u64, u64> =
            Cache::builder().capacity(1_000).strategy(strategy.parse().unwrap()).stepping(Stepping::Inline).build();
        assert_eq!(cache.top_keys(3), None);
        (0..100).for_each(|key| _ = cache.insert(key, key));
        cache.start_top_keys();
        // Also beside a sample of a few keys, which it does not become a part of.
        cache.start_advice_with(&Options::for_capacity(1_000).share(0.25));
        for turn in 0..9_000_u64 {
            let key = if turn % 3 == 0 { turn % 90 } else { 7 + turn % 2 };
            assert_eq!(cache.get(&key), Some(key));
        }
        let top = cache.top_keys(3).unwrap();
        assert_eq!((top.sampled, top.dropped, top.error), (9_000, 0, 0.0));
        let mut first: Vec<Option<u64>> = top.keys.iter().map(|top| top.key).collect();
        first[..2].sort_unstable();
        assert_eq!(first[..2], [Some(7), Some(8)]);
        assert!((top.keys[0].share - 1.0 / 3.0).abs() < 0.02 && top.keys[2].share < 0.02, "{top:?}");
        cache.invalidate(&7);
        let gone = cache.top_keys(2).unwrap();
        assert_eq!(gone.keys.iter().filter(|top| top.key.is_none()).count(), 1, "its hash is left");
        cache.start_top_keys();
        assert_eq!(cache.top_keys(3).unwrap().sampled, 0, "it begins anew");
        cache.stop_top_keys();
        assert_eq!(cache.top_keys(3), None);
        assert!(cache.advice().is_some_and(|advice| advice.sampled > 0));
        cache.stop_advice();
        assert_eq!(cache.core.besides.all() & SAMPLED, 0, "hits have nothing to do any more");
    }
}

#[test]
fn top_keys_of_many_threads_are_counted_by_another() {
    let cache: Cache<u64, u64> = Cache::builder().build();
    (0..100).for_each(|key| _ = cache.insert(key, key));
    cache.start_top_keys();
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                (0..50_000_u64).for_each(|turn| _ = cache.get(&(if turn % 2 == 0 { 1 } else { turn % 100 })))
            });
        }
    });
    let top = cache.top_keys(1).unwrap();
    // Racing producers may lose some without counting them.
    assert!(top.sampled >= 1_000 && top.sampled + top.dropped <= 150_000, "{top:?}");
    assert_eq!(top.keys[0].key, Some(1));
    assert!((top.keys[0].share - 0.5).abs() < 0.1, "{top:?}");
}

/// A look that is none where it finds nothing, and the one behind it.
#[cfg(feature = "backend")]
#[test]
fn each_look_is_told_once() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(100).stepping(Stepping::Inline).build();
    cache.insert(1, 1);
    // Until the shard that was written is open to the path of hits again.
    (0..10_000).for_each(|_| assert_eq!(cache.get(&1), Some(1)));
    cache.start_top_keys();
    let told = || cache.top_keys(1).unwrap().sampled;
    // Beneath `get_at_once`, which says nothing while another test has a scope.
    let at_once = |key: u64| cache.core.hit_or_nothing(cache.core.hash_one(&key), |other| *other == key);
    assert_eq!((at_once(2), told()), (None, 0));
    assert_eq!((at_once(1), told()), (Some(1), 1));
    let softened = |key| crate::background::block_on(cache.get_softened_async(&key));
    assert_eq!((softened(1), told()), (Some((1, None)), 2));
    assert_eq!((softened(2), told()), (None, 3));
}
