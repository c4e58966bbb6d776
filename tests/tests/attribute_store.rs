//! `strategy`, `capacity`, `name`, `version`, `backend`, `on_removal`, `crate`: where results are kept, and which of them go first.

use cachekit::policy::{Policy, Slot, Touch, Words};
use cachekit::{RemovalCause, cache, testing};
use std::cell::{Cell, RefCell};
use std::sync::Mutex;

/// Which of the first four keys are cached.
fn kept(get: impl Fn(u64) -> Option<u64>) -> Vec<u64> {
    (1..=4).filter(|&key| get(key).is_some()).collect()
}

#[cache(strategy = "lru", capacity = 3)]
fn by_recency(n: u64) -> u64 {
    n * 10
}

#[test]
fn lru_evicts_what_was_used_longest_ago() {
    let _scope = testing::scope();
    for n in [1, 2, 3, 1, 4] {
        assert_eq!(by_recency(n), n * 10);
    }
    assert_eq!(kept(by_recency::get), [1, 3, 4]);
    assert_eq!(by_recency::stats().removals.evicted, 1);
    assert_eq!(by_recency::explain(1).strategy, "lru");
}

#[cache(strategy = "fifo", capacity = 3)]
fn by_arrival(n: u64) -> u64 {
    n * 10
}

#[test]
fn fifo_evicts_what_came_first() {
    let _scope = testing::scope();
    for n in [1, 2, 3, 1, 4] {
        by_arrival(n);
    }
    assert_eq!(kept(by_arrival::get), [2, 3, 4]);
    assert_eq!(by_arrival::explain(2).strategy, "fifo");
}

#[cache(strategy = "s3-fifo", capacity = 3)]
fn by_queues(n: u64) -> u64 {
    n * 10
}

#[test]
fn s3_fifo_keeps_what_was_hit_twice() {
    let _scope = testing::scope();
    for n in [1, 1, 1, 2, 3, 4] {
        by_queues(n);
    }
    assert!(kept(by_queues::get).contains(&1), "one hit wonders go first");
    assert_eq!(kept(by_queues::get).len(), 3);
    assert_eq!(by_queues::explain(1).strategy, "s3-fifo");
}

#[test]
fn every_strategy_has_a_name_that_the_cache_knows_itself_by() {
    macro_rules! strategies {
        ($($function:ident $name:literal),*) => {$(
            #[cache(strategy = $name, capacity = 3)]
            fn $function(n: u64) -> u64 {
                n * 10
            }
            (1..=4).for_each(|n| assert_eq!($function(n), n * 10));
            assert_eq!($function::stats().entries, 3, $name);
            assert!($function::explain(1).strategy.starts_with($name), "{}", $function::explain(1).strategy);
        )*};
    }
    let _scope = testing::scope();
    strategies!(
        lru "lru", lfu "lfu", fifo "fifo", sieve "sieve", s3_fifo "s3-fifo", s3_tinylfu "s3-tinylfu", w_tinylfu "w-tinylfu", lirs "lirs", adaptive "adaptive"
    );
}

/// Most recently used first.
pub struct Mru {
    live: Vec<Slot>,
}

impl Policy for Mru {
    fn with_capacity(_: usize) -> Self {
        Mru { live: Vec::new() }
    }
    fn on_insert(&mut self, slot: Slot, _: &Words<'_>) {
        self.live.push(slot);
    }
    fn on_hit(&self) -> Touch {
        Touch::Stamp
    }
    fn on_remove(&mut self, slot: Slot) {
        self.live.retain(|other| *other != slot);
    }
    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        let newest = (0..self.live.len()).max_by_key(|&i| words.get(self.live[i]))?;
        Some(self.live.swap_remove(newest))
    }
}

#[cache(strategy = crate::Mru, capacity = 3)]
fn by_ones_own_policy(n: u64) -> u64 {
    n * 10
}

#[test]
fn a_users_policy_is_asked() {
    let _scope = testing::scope();
    for n in [1, 2, 3, 1, 4] {
        by_ones_own_policy(n);
    }
    assert_eq!(kept(by_ones_own_policy::get), [2, 3, 4], "1 was used last");
}

const ROOM: usize = 2;

#[cache(capacity = ROOM * 2, strategy = "fifo")]
fn room_by_expression(n: u64) -> u64 {
    n
}

#[cache(capacity = "unbounded")]
fn without_bound(n: u64) -> u64 {
    n
}

#[cache]
fn by_default(n: u64) -> u64 {
    n
}

#[cache(capacity = 1)]
fn just_one(n: u64) -> u64 {
    n
}

#[test]
fn capacity_is_exact_an_expression_or_none() {
    let _scope = testing::scope();
    for n in 0..20_000 {
        room_by_expression(n);
        without_bound(n);
        by_default(n);
        just_one(n);
    }
    assert_eq!(room_by_expression::stats().entries, 4);
    assert_eq!(room_by_expression::stats().capacity, Some(4));
    assert_eq!(without_bound::stats().entries, 20_000);
    assert_eq!(without_bound::stats().capacity, None);
    assert_eq!(without_bound::explain(1).strategy, "unbounded");
    assert!(by_default::stats().entries <= 10_000);
    assert_eq!(by_default::stats().capacity, Some(10_000));
    assert_eq!(just_one::get(19_999), Some(19_999));
    assert_eq!(just_one::stats().entries, 1);
}

#[cache(name = "people", version = 7, backend = "memory")]
fn named(n: u64) -> u64 {
    n
}

#[test]
fn names_and_versions_are_the_users_or_the_path() {
    let _scope = testing::scope();
    assert_eq!(named::cache().name(), "people");
    assert_eq!(named::cache().version(), 7);
    assert_eq!(named::explain(1).cache, "people");
    assert_eq!(by_default::cache().name(), concat!(module_path!(), "::by_default"));
    assert_eq!(by_default::cache().version(), 0);
    named(5);
    assert_eq!(named::get(5), Some(5), "the backend is memory");
}

mod own_facade {
    pub(crate) mod memo {
        pub(crate) use ::cachekit::*;
    }

    #[memo::cache(crate = crate::own_facade::memo, ttl = "1m")]
    pub(crate) fn twice(n: u64) -> u64 {
        n * 2
    }

    #[memo::invalidate(twice(n), crate = crate::own_facade::memo)]
    pub(crate) fn change(n: u64) {
        let _ = n;
    }
}

#[test]
fn the_facade_may_live_elsewhere() {
    let _scope = testing::scope();
    assert_eq!(own_facade::twice(4), 8);
    assert_eq!(own_facade::twice::get(4), Some(8));
    own_facade::change(4);
    assert_eq!(own_facade::twice::get(4), None);
}

thread_local! {
    static GONE: RefCell<Vec<(u64, String, RemovalCause)>> = const { RefCell::new(Vec::new()) };
    static PAIRS: Cell<u32> = const { Cell::new(0) };
}

#[expect(clippy::ptr_arg, reason = "a listener gets the cached type")]
fn note(key: &u64, value: &String, cause: RemovalCause) {
    GONE.with_borrow_mut(|gone| gone.push((*key, value.clone(), cause)));
}

#[cache(on_removal = note, capacity = 2, strategy = "fifo", ttl = "10s")]
fn watched(n: u64) -> String {
    format!("v{n}")
}

#[test]
fn removals_are_told_with_key_value_and_cause() {
    let scope = testing::scope();
    watched(1);
    watched(2);
    watched(3);
    watched::invalidate(2);
    watched::insert(3, "new".to_owned());
    scope.advance(std::time::Duration::from_secs(11));
    assert_eq!(watched(3), "v3");
    let gone = GONE.take();
    let expected = [
        (1, "v1", RemovalCause::Evicted),
        (2, "v2", RemovalCause::Invalidated),
        (3, "v3", RemovalCause::Replaced),
        (3, "new", RemovalCause::Expired),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(key, value, cause)| (key, value.to_owned(), cause)).collect();
    assert_eq!(gone, expected);
}

fn note_pair(_: &(u64, String), _: &u64, _: RemovalCause) {
    PAIRS.set(PAIRS.get() + 1);
}

#[cache(on_removal = note_pair)]
fn of_two(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

#[test]
fn a_listener_gets_the_owned_key_of_several_parts() {
    let _scope = testing::scope();
    of_two(1, "a");
    of_two(2, "b");
    of_two::clear();
    assert_eq!(PAIRS.get(), 2);
}

static KEYED: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

fn note_keyed(key: &u64, value: &u64, _: RemovalCause) {
    KEYED.lock().unwrap().push((*key, *value));
}

struct Service {
    id: u64,
}

impl Service {
    #[cache(key = (self.id,), on_removal = note_keyed, capacity = 1)]
    fn load(&self) -> u64 {
        self.id * 2
    }
}

#[test]
fn a_listener_of_a_method_with_an_expression_key() {
    let _scope = testing::scope();
    Service { id: 4 }.load();
    Service { id: 5 }.load();
    assert_eq!((Service { id: 4 }.load_get(), Service { id: 5 }.load_get()), (None, Some(10)));
    assert_eq!(*KEYED.lock().unwrap(), [(4, 8)]);
}

cachekit::testing::policy_suite!(Mru);
