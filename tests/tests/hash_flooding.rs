//! Keys that collide: what they cost at worst, and which hashers they cannot be made for. The cost is counted in comparisons of keys.

use cachekit::{Cache, cache, testing};
use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher, RandomState};

thread_local! {
    static COMPARED: Cell<u64> = const { Cell::new(0) };
}

/// Comparisons of [`Name`]s while this runs.
fn comparisons<R>(run: impl FnOnce() -> R) -> (R, u64) {
    let before = COMPARED.get();
    let result = run();
    (result, COMPARED.get() - before)
}

#[derive(Clone, Debug)]
struct Name(String);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        self.0 == other.0
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

/// All of them hash alike, whatever the hasher.
#[derive(Clone, Debug)]
struct Constant(u64);

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        self.0 == other.0
    }
}

impl Eq for Constant {}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        0_u8.hash(hasher);
    }
}

/// Adds bytes up: whoever knows it makes as many colliding keys as they like.
#[derive(Default)]
struct Sum(u64);

impl Hasher for Sum {
    fn write(&mut self, bytes: &[u8]) {
        self.0 += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

type Weak = BuildHasherDefault<Sum>;

/// Different texts of the same bytes in another order.
fn anagrams(count: usize) -> Vec<Name> {
    let text = |mut number: usize| {
        let mut letters: Vec<u8> = (b'a'..=b'j').collect();
        let order = (1..=letters.len()).rev().map(|left| {
            let letter = letters.remove(number % left);
            number /= left;
            letter
        });
        String::from_utf8(order.collect()).expect("letters")
    };
    let names: Vec<Name> = (0..count).map(|number| Name(text(number))).collect();
    assert_eq!(names.iter().map(|name| &name.0).collect::<HashSet<_>>().len(), count, "they differ");
    names
}

/// Inserts the keys and looks each up: the entries in the end, the most comparisons of an insertion, the most of a look.
fn flood<K: cachekit::Key>(cache: &Cache<K, u64>, keys: &[K]) -> (usize, u64, u64) {
    let mut insertion = 0;
    for (key, value) in keys.iter().zip(0..) {
        let (_, compared) = comparisons(|| cache.insert(key.clone(), value));
        insertion = insertion.max(compared);
    }
    let look = keys.iter().map(|key| comparisons(|| cache.get(key)).1).max();
    (cache.len(), insertion, look.unwrap_or_default())
}

const CAPACITY: usize = 500;

#[test]
fn a_flood_costs_no_more_than_a_walk_over_what_the_cache_may_hold() {
    let constant: Vec<Constant> = (0..2_000).map(Constant).collect();
    for strategy in ["lru", "fifo", "s3-fifo"] {
        let strategy = strategy.parse().expect("a strategy");
        let cache = Cache::builder().capacity(CAPACITY).strategy(strategy).build();
        let (entries, insertion, look) = flood(&cache, &constant);
        assert_eq!(entries, CAPACITY);
        // A call that finds nothing at first walks over them again before it says so, and an insertion a third time, for the place.
        assert!(insertion <= 4 * CAPACITY as u64, "{insertion} comparisons of an insertion");
        assert!(look <= 3 * CAPACITY as u64, "{look} comparisons of a look");
        assert!(look > 50, "and they do collide: {look}");
    }
}

#[test]
fn in_a_large_cache_a_flood_meets_one_shard_of_it() {
    let constant: Vec<Constant> = (0..4_000).map(Constant).collect();
    let cache = Cache::builder().capacity(4_096).build();
    let (entries, _, look) = flood(&cache, &constant);
    assert!(entries < 4_000 && look < 4_000, "{entries} entries, {look} comparisons of a look");
}

#[test]
fn a_weak_hasher_can_be_flooded() {
    let cache = Cache::builder().capacity(CAPACITY).hasher(Weak::default()).build();
    let (entries, _, look) = flood(&cache, &anagrams(CAPACITY));
    assert_eq!(entries, CAPACITY);
    assert!((100..=3 * CAPACITY as u64).contains(&look), "{look} comparisons of a look");
}

#[test]
fn the_same_keys_do_not_collide_for_a_hasher_with_a_secret() {
    let by_default = Cache::builder().capacity(CAPACITY).build();
    let by_sip = Cache::builder().capacity(CAPACITY).hasher(RandomState::new()).build();
    for cache in [by_default, by_sip] {
        let (entries, insertion, look) = flood(&cache, &anagrams(CAPACITY));
        assert_eq!(entries, CAPACITY);
        // Seven bits of the hash are compared before the key is.
        assert!(look <= 8 && insertion <= 16, "{look} comparisons of a look, {insertion} of an insertion");
    }
}

#[test]
fn a_weak_hasher_of_integers_is_mixed() {
    #[derive(Clone)]
    struct Id(u64);
    impl PartialEq for Id {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }
    impl Eq for Id {}
    impl Hash for Id {
        fn hash<H: Hasher>(&self, hasher: &mut H) {
            hasher.write_u64(self.0);
        }
    }
    #[derive(Default)]
    struct Identity(u64);
    impl Hasher for Identity {
        fn write(&mut self, _: &[u8]) {}
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let cache = Cache::builder().capacity(4_000).hasher(BuildHasherDefault::<Identity>::default()).build();
    let ids: Vec<Id> = (0..2_000).map(|number| Id(number << 20)).collect();
    let (_, insertion, look) = flood(&cache, &ids);
    assert!(look <= 8 && insertion <= 16, "{look} comparisons of a look, {insertion} of an insertion");
}

#[cache(hasher = std::hash::RandomState, capacity = 500)]
fn guarded(name: &Name) -> usize {
    name.0.len()
}

#[cache(hasher = Weak, capacity = 500)]
fn floodable(name: &Name) -> usize {
    name.0.len()
}

#[test]
fn the_attribute_takes_the_hasher_of_its_type() {
    let _scope = testing::scope();
    let names = anagrams(CAPACITY);
    let most = |call: fn(&Name) -> usize| {
        names.iter().for_each(|name| assert_eq!(call(name), 10));
        names.iter().map(|name| comparisons(|| call(name)).1).max().unwrap_or_default()
    };
    let (guarded_most, floodable_most) = (most(guarded), most(floodable));
    assert!(guarded_most <= 8, "{guarded_most}");
    assert!(floodable_most >= 100, "{floodable_most}");
    assert_eq!((guarded::stats().hits, floodable::stats().hits), (500, 500));
}

#[test]
fn a_hash_by_ones_own_hasher_allocates_nothing() {
    let _scope = testing::scope();
    let name = Name("a name".to_owned());
    guarded(&name);
    guarded(&name);
    let allocations = allocation_counter::measure(|| assert_eq!(guarded(&name), 6)).count_total;
    assert_eq!(allocations, 0);
}
