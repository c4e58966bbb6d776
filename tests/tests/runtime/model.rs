//! The whole cache against a plain map, on a test clock.

use cachekit_runtime::{Cache, Compute, invalidate_tag, testing};
use proptest::prelude::*;
use std::{collections::HashMap, time::Duration};

const TTL: u64 = 10;
const TAGS: [&str; 2] = ["even", "odd"];

#[derive(Debug, Clone)]
enum Operation {
    Get(u8),
    Contains(u8),
    GetOrCompute(u8, u32),
    TryGetOrCompute(u8, Result<u32, u32>),
    Insert(u8, u32),
    InsertWithTtl(u8, u32, u8),
    InsertTagged(u8, u32),
    Invalidate(u8),
    Remove(u8),
    Clear,
    InvalidateTag(bool),
    Advance(u8),
    Retain(u8),
    ComputeSet(u8, u32),
    ComputeKeep(u8),
    ComputeRemove(u8),
    Iter,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let key = || 0_u8..6;
    prop_oneof![
        3 => key().prop_map(Get),
        1 => key().prop_map(Contains),
        4 => (key(), any::<u32>()).prop_map(|(key, value)| GetOrCompute(key, value)),
        2 => (key(), any::<Result<u32, u32>>()).prop_map(|(key, value)| TryGetOrCompute(key, value)),
        2 => (key(), any::<u32>()).prop_map(|(key, value)| Insert(key, value)),
        2 => (key(), any::<u32>(), 0_u8..20).prop_map(|(key, value, ttl)| InsertWithTtl(key, value, ttl)),
        2 => (key(), any::<u32>()).prop_map(|(key, value)| InsertTagged(key, value)),
        1 => key().prop_map(Invalidate),
        1 => key().prop_map(Remove),
        1 => Just(Clear),
        1 => any::<bool>().prop_map(InvalidateTag),
        3 => (0_u8..8).prop_map(Advance),
        1 => key().prop_map(Retain),
        1 => (key(), any::<u32>()).prop_map(|(key, value)| ComputeSet(key, value)),
        1 => key().prop_map(ComputeKeep),
        1 => key().prop_map(ComputeRemove),
        1 => Just(Iter),
    ]
}

struct Entry {
    value: u32,
    expires: u64,
    tag: Option<bool>,
}

/// The plain map. `None` for `ttl`: entries never expire.
struct Model {
    map: HashMap<u8, Entry>,
    now: u64,
    ttl: Option<u64>,
}

impl Model {
    fn get(&self, key: u8) -> Option<u32> {
        self.map.get(&key).filter(|entry| self.now < entry.expires).map(|entry| entry.value)
    }

    fn insert(&mut self, key: u8, value: u32, ttl: Option<u64>, tag: Option<bool>) {
        let expires = match (self.ttl, ttl) {
            (None, Some(0)) | (Some(_), Some(0)) => {
                self.map.remove(&key);
                return;
            }
            (None, _) => u64::MAX,
            (Some(own), ttl) => self.now + ttl.unwrap_or(own),
        };
        self.map.insert(key, Entry { value, expires, tag });
    }
}

fn run(cache: &Cache<u8, u32>, ttl: Option<u64>, exact: bool, operations: &[Operation]) -> Result<(), TestCaseError> {
    use Operation::*;
    let scope = testing::scope();
    let mut model = Model { map: HashMap::new(), now: 0, ttl };
    let nanos = Duration::from_nanos;
    for operation in operations {
        // A value of a cache that may evict is the model's or none.
        let check = |found: Option<u32>, expected: Option<u32>| {
            prop_assert!(
                found == expected || (!exact && found.is_none()),
                "{found:?}, not {expected:?}, after {operation:?}"
            );
            Ok(())
        };
        match operation.clone() {
            Get(key) => check(cache.get(&key), model.get(key))?,
            Contains(key) => check(cache.contains(&key).then_some(0), model.get(key).map(|_| 0))?,
            GetOrCompute(key, value) => {
                let mut loaded = false;
                let got = cache.get_or_compute(&key, || {
                    loaded = true;
                    value
                });
                if loaded {
                    check(None, model.get(key))?;
                    prop_assert_eq!(got, value);
                    model.insert(key, value, None, None);
                } else {
                    prop_assert_eq!(Some(got), model.get(key));
                }
            }
            TryGetOrCompute(key, result) => {
                let mut loaded = false;
                let got = cache.try_get_or_compute(&key, || {
                    loaded = true;
                    result
                });
                if loaded {
                    check(None, model.get(key))?;
                    prop_assert_eq!(got, result);
                    if let Ok(value) = result {
                        model.insert(key, value, None, None);
                    }
                } else {
                    prop_assert_eq!(got.ok(), model.get(key));
                }
            }
            Insert(key, value) => {
                cache.insert(key, value);
                model.insert(key, value, None, None);
            }
            InsertWithTtl(key, value, ttl) => {
                cache.insert_with_ttl(key, value, nanos(ttl.into()));
                model.insert(key, value, Some(ttl.into()), None);
            }
            InsertTagged(key, value) => {
                let tag = key % 2 == 1;
                cache.insert_tagged(key, value, [TAGS[usize::from(tag)]]);
                model.insert(key, value, None, Some(tag));
            }
            Invalidate(key) => {
                cache.invalidate(&key);
                model.map.remove(&key);
            }
            Remove(key) => {
                check(cache.remove(&key), model.get(key))?;
                model.map.remove(&key);
            }
            Clear => {
                cache.clear();
                model.map.clear();
            }
            InvalidateTag(tag) => {
                invalidate_tag(TAGS[usize::from(tag)]);
                model.map.retain(|_, entry| entry.tag != Some(tag));
            }
            Advance(time) => {
                scope.advance(nanos(time.into()));
                model.now += u64::from(time);
            }
            Retain(key) => {
                cache.retain(|other, _| *other != key);
                model.map.remove(&key);
            }
            ComputeSet(key, value) => {
                let mut seen = None;
                let after = cache.compute(key, |old| {
                    seen = old;
                    Compute::Set(value)
                });
                check(seen, model.get(key))?;
                prop_assert_eq!(after, Some(value));
                let tag = seen.and_then(|_| model.map.get(&key)?.tag);
                model.insert(key, value, None, tag);
            }
            ComputeKeep(key) => check(cache.compute(key, |_| Compute::Keep), model.get(key))?,
            ComputeRemove(key) => {
                prop_assert_eq!(cache.compute(key, |_| Compute::Remove), None);
                model.map.remove(&key);
            }
            Iter => {
                let mut found: Vec<_> = cache.iter().collect();
                found.sort_unstable();
                let mut expected: Vec<_> = (0..6).filter_map(|key| Some((key, model.get(key)?))).collect();
                if !exact {
                    expected.retain(|pair| found.contains(pair));
                }
                prop_assert_eq!(found, expected);
            }
        }
        prop_assert_eq!(cache.loads_in_flight(), 0);
    }
    if let Some(capacity) = cache.capacity() {
        prop_assert!(cache.len() as u64 <= capacity);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn an_unbounded_cache_is_a_map(operations in prop::collection::vec(operation(), 1..80), timed in any::<bool>()) {
        let builder = Cache::builder().unbounded();
        let cache = if timed { builder.ttl(Duration::from_nanos(TTL)).build() } else { builder.build() };
        run(&cache, timed.then_some(TTL), true, &operations)?;
    }

    #[test]
    fn a_huge_cache_is_a_map(operations in prop::collection::vec(operation(), 1..80), timed in any::<bool>()) {
        let builder = Cache::builder().capacity(1 << 20);
        let cache = if timed { builder.ttl(Duration::from_nanos(TTL)).build() } else { builder.build() };
        run(&cache, timed.then_some(TTL), true, &operations)?;
    }

    #[test]
    fn a_hit_of_a_small_cache_gives_the_maps_value(
        operations in prop::collection::vec(operation(), 1..80),
        timed in any::<bool>(),
        capacity in 1_usize..4,
    ) {
        let builder = Cache::builder().capacity(capacity);
        let cache = if timed { builder.ttl(Duration::from_nanos(TTL)).build() } else { builder.build() };
        run(&cache, timed.then_some(TTL), false, &operations)?;
    }
}
