//! A cache with every kind of time against a plain map, on a test clock: ttl, idle time, the allowances of staleness, and values that are not stored.

use cachekit_runtime::{Cache, testing};
use cachekit_tests::Hand;
use proptest::prelude::*;
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

const TTL: u64 = 10;
const IDLE: u64 = 14;
const REVALIDATE: u64 = 6;
const IF_ERROR: u64 = 9;

#[derive(Debug, Clone)]
enum Operation {
    Get(u8),
    Call(u8, Result<u32, u32>),
    CallAsync(u8, Result<u32, u32>),
    Many(BTreeSet<u8>, u32),
    Insert(u8, u32),
    Invalidate(u8),
    Advance(u8),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let key = || 0_u8..4;
    let loaded = || prop_oneof![3 => (0_u32..100).prop_map(Ok), 2 => (0_u32..100).prop_map(Err)];
    prop_oneof![
        2 => key().prop_map(Get),
        4 => (key(), loaded()).prop_map(|(key, loaded)| Call(key, loaded)),
        3 => (key(), loaded()).prop_map(|(key, loaded)| CallAsync(key, loaded)),
        2 => (prop::collection::btree_set(key(), 1..4), 0_u32..100).prop_map(|(keys, value)| Many(keys, value)),
        1 => (key(), 1_u32..100).prop_map(|(key, value)| Insert(key, value)),
        1 => key().prop_map(Invalidate),
        4 => (0_u8..9).prop_map(Advance),
    ]
}

fn is_stored(value: u32) -> bool {
    !value.is_multiple_of(5)
}

struct Entry {
    value: u32,
    stored: u64,
    used: u64,
}

#[derive(Default)]
struct Model {
    map: HashMap<u8, Entry>,
    now: u64,
}

impl Model {
    /// Within so much time past its ttl, and used lately.
    fn within(&self, key: u8, allowance: u64) -> Option<u32> {
        let entry = self.map.get(&key)?;
        (self.now < entry.stored + TTL + allowance && self.now < entry.used + IDLE).then_some(entry.value)
    }

    fn used(&mut self, key: u8) {
        if let Some(entry) = self.map.get_mut(&key) {
            entry.used = self.now;
        }
    }

    /// An insertion that is not stored removes what was.
    fn insert(&mut self, key: u8, value: u32) {
        if is_stored(value) {
            self.map.insert(key, Entry { value, stored: self.now, used: self.now });
        } else {
            self.map.remove(&key);
        }
    }

    fn get(&mut self, key: u8) -> Option<u32> {
        let found = self.within(key, REVALIDATE)?;
        self.used(key);
        Some(found)
    }

    /// What a call gives whose load would give `loaded`, and whether it loads.
    fn call(&mut self, key: u8, loaded: Result<u32, u32>) -> (Result<u32, u32>, bool) {
        if let Some(fresh) = self.within(key, 0) {
            self.used(key);
            return (Ok(fresh), false);
        }
        let (refreshed, instead) = (self.within(key, REVALIDATE), self.within(key, IF_ERROR));
        if refreshed.is_some() {
            self.used(key);
        }
        let result = match (loaded, refreshed.or(instead)) {
            (Err(_), Some(stale)) => Ok(stale),
            (Ok(value), _) => {
                // A load that is not stored leaves what was, within its allowances.
                if is_stored(value) {
                    self.insert(key, value);
                }
                Ok(value)
            }
            (Err(error), None) => Err(error),
        };
        (result, true)
    }
}

fn run(operations: &[Operation]) -> Result<(), TestCaseError> {
    use Operation::*;
    let scope = testing::scope();
    let nanos = Duration::from_nanos;
    let cache: Cache<u8, u32> = Cache::builder()
        .ttl(nanos(TTL))
        .idle(nanos(IDLE))
        .stale_while_revalidate(nanos(REVALIDATE))
        .stale_if_error(nanos(IF_ERROR))
        .cache_if(|value| is_stored(*value))
        .build();
    let mut model = Model::default();
    for operation in operations {
        match operation.clone() {
            Get(key) => prop_assert_eq!(cache.get(&key), model.get(key), "{:?} at {}", operation, model.now),
            Call(key, result) => {
                let mut loads = false;
                let got = cache.try_get_or_compute(&key, || {
                    loads = true;
                    result
                });
                prop_assert_eq!((got, loads), model.call(key, result), "{:?} at {}", operation, model.now);
            }
            CallAsync(key, result) => {
                let mut loads = false;
                let got = Hand::new(cache.try_get_or_compute_async(&key, async || {
                    loads = true;
                    result
                }))
                .finish();
                prop_assert_eq!((got, loads), model.call(key, result), "{:?} at {}", operation, model.now);
            }
            Many(keys, value) => {
                let keys: Vec<u8> = keys.into_iter().collect();
                let value_of = |key: u8| value + u32::from(key);
                let mut loads = BTreeSet::new();
                let got: HashMap<u8, u32> = cache.get_or_compute_many(&keys, |missing| {
                    loads.extend(missing.iter().copied());
                    missing.iter().map(|key| (*key, value_of(*key))).collect()
                });
                for key in keys {
                    let (expected, is_loaded) = model.call(key, Ok(value_of(key)));
                    prop_assert_eq!(
                        (got.get(&key).copied(), loads.contains(&key)),
                        (expected.ok(), is_loaded),
                        "{} of {:?} at {}",
                        key,
                        operation,
                        model.now
                    );
                }
            }
            Insert(key, value) => {
                cache.insert(key, value);
                model.insert(key, value);
            }
            Invalidate(key) => {
                cache.invalidate(&key);
                model.map.remove(&key);
            }
            Advance(time) => {
                scope.advance(nanos(time.into()));
                model.now += u64::from(time);
            }
        }
        prop_assert_eq!(cache.loads_in_flight(), 0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn a_cache_with_all_times_is_a_map_with_rules(operations in prop::collection::vec(operation(), 1..60)) {
        run(&operations)?;
    }
}
