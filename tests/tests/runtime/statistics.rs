//! Identities of the statistics after random operations of many threads.

use cachekit_runtime::{Cache, Compute, flush};
use cachekit_tests::never_hangs;
use proptest::prelude::*;
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

/// SplitMix64: one sequence per thread.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

fn check(seed: u64, capacity: usize, threads: u64, timed: bool) {
    let (removed, loads) = (std::sync::Arc::new(AtomicU64::new(0)), AtomicU64::new(0));
    let counted = removed.clone();
    let builder = Cache::<u64, u64>::builder().capacity(capacity).cache_if(|value| value % 7 != 0);
    let builder = if timed { builder.ttl_with(|value| Duration::from_nanos(1 + value % 3 * 40_000)) } else { builder };
    let cache = builder.on_removal(move |_, _, _| _ = counted.fetch_add(1, Relaxed)).build();
    thread::scope(|scope| {
        for number in 0..threads {
            let (cache, loads) = (&cache, &loads);
            scope.spawn(move || {
                let mut state = seed ^ number << 32;
                for _ in 0..400 {
                    let (key, value) = (random(&mut state) % 12, random(&mut state) % 50);
                    let load = || {
                        loads.fetch_add(1, Relaxed);
                        value
                    };
                    match random(&mut state) % 10 {
                        0 | 1 => _ = cache.get(&key),
                        2..=4 => _ = cache.get_or_compute(&key, load),
                        5 => {
                            _ = cache.try_get_or_compute(&key, || {
                                if value < 20 {
                                    loads.fetch_add(1, Relaxed);
                                    Err(())
                                } else {
                                    Ok(load())
                                }
                            })
                        }
                        6 => _ = cache.insert(key, value),
                        7 => _ = cache.remove(&key),
                        8 => {
                            _ = cache.compute(key, |old| {
                                if value < 10 { Compute::Remove } else { Compute::Set(old.unwrap_or(0) + value) }
                            })
                        }
                        _ if value == 0 => _ = cache.clear(),
                        _ => _ = cache.retain(|other, _| *other != key),
                    }
                }
            });
        }
    });
    flush().wait();
    let stats = cache.stats();
    assert_eq!(stats.loads, loads.load(Relaxed), "every load is counted, once");
    assert_eq!(stats.load_time.count(), stats.loads);
    assert_eq!(stats.removals.total(), removed.load(Relaxed), "every removal is announced, once");
    assert_eq!(stats.entries as usize, cache.len());
    assert!(stats.entries <= capacity as u64 && stats.joins <= stats.misses.total());
    assert_eq!(cache.loads_in_flight(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_identities_hold(seed in any::<u64>(), capacity in 1_usize..16, threads in 1_u64..9, timed in any::<bool>()) {
        never_hangs(move || check(seed, capacity, threads, timed));
    }
}

#[test]
fn every_call_is_counted_once() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().build();
        thread::scope(|scope| {
            for number in 0..8_u64 {
                let cache = &cache;
                scope.spawn(move || {
                    let mut state = number;
                    for _ in 0..1_000 {
                        let key = random(&mut state) % 5;
                        match random(&mut state) % 3 {
                            0 => _ = cache.get(&key),
                            1 => _ = cache.get_or_compute(&key, || key),
                            _ => {
                                // Removal is no call.
                                cache.invalidate(&key);
                                _ = cache.get_or_compute(&key, || key);
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(cache.stats().calls(), 8_000);
        assert_eq!(cache.loads_in_flight(), 0);
    });
}

#[test]
fn insertions_less_removals_are_the_entries() {
    never_hangs(|| {
        let cache: Cache<u64, u64> = Cache::builder().capacity(8).build();
        let insertions = AtomicU64::new(0);
        thread::scope(|scope| {
            for number in 0..8_u64 {
                let (cache, insertions) = (&cache, &insertions);
                scope.spawn(move || {
                    let mut state = number;
                    for _ in 0..1_000 {
                        let key = random(&mut state) % 20;
                        match random(&mut state) % 4 {
                            0 | 1 => {
                                cache.insert(key, key);
                                insertions.fetch_add(1, Relaxed);
                            }
                            2 => _ = cache.remove(&key),
                            _ => _ = cache.insert_with_ttl(key, 0, Duration::ZERO),
                        }
                    }
                });
            }
        });
        let stats = cache.stats();
        assert_eq!(insertions.into_inner() - stats.removals.total(), stats.entries);
    });
}
