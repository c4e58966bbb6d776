//! `max_bytes` and `weigher`: what entries weigh, and that together they never weigh more than the bound.

use cachekit::{Cache, Key, RemovalCause, Weigh, cache, testing};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::Arc;

/// Weighs what it is told to.
#[derive(Clone, Debug, PartialEq)]
struct Load(u64);

impl Weigh for Load {
    fn weight(&self) -> u64 {
        self.0
    }
}

fn by_value(_: &u64, value: &Load) -> u64 {
    value.0
}

thread_local! {
    static WEIGHED: Cell<u64> = const { Cell::new(0) };
    static GONE: RefCell<Vec<(u64, RemovalCause)>> = const { RefCell::new(Vec::new()) };
}

fn counted(_: &u64, value: &Load) -> u64 {
    WEIGHED.set(WEIGHED.get() + 1);
    value.0
}

fn gone(key: &u64, _: &Load, cause: RemovalCause) {
    GONE.with_borrow_mut(|gone| gone.push((*key, cause)));
}

#[cache(max_bytes = "100B", weigher = by_value, strategy = "lru", skip(weight))]
fn load(id: u64, weight: u64) -> Load {
    let _ = id;
    Load(weight)
}

#[test]
fn the_bound_is_told_in_bytes() {
    #[cache(max_bytes = "1kB")]
    fn decimal(id: u64) -> u64 {
        id
    }
    #[cache(max_bytes = "1KiB")]
    fn binary(id: u64) -> u64 {
        id
    }
    #[cache(max_bytes = "1.5 MiB")]
    fn fraction(id: u64) -> u64 {
        id
    }
    let _scope = testing::scope();
    assert_eq!((decimal(1), binary(1), fraction(1)), (1, 1, 1));
    assert_eq!(decimal::stats().capacity, Some(1_000));
    assert_eq!(binary::stats().capacity, Some(1_024));
    assert_eq!(fraction::stats().capacity, Some(3 << 19));
}

#[test]
fn an_entry_weighs_its_key_and_what_its_value_says() {
    #[cache(max_bytes = "1MiB")]
    fn number(id: u64) -> u32 {
        id as u32
    }
    #[cache(max_bytes = "1MiB")]
    fn text(id: u64) -> Box<str> {
        "x".repeat(id as usize).into()
    }
    #[cache(max_bytes = "1MiB")]
    fn shared(id: u64) -> Result<Arc<[u8]>, String> {
        Ok(vec![0; id as usize].into())
    }
    let _scope = testing::scope();
    number(7);
    assert_eq!(number::stats().weight, 8 + 4);
    text(100);
    assert_eq!(text::stats().weight, 8 + 16 + 100);
    let _kept_alive = shared(1_000);
    assert_eq!(shared::stats().weight, 8 + 16 + 16 + 1_000, "an `Arc` is counted whole");
}

#[test]
fn what_a_key_owns_is_weighed_too() {
    #[cache(max_bytes = "1MiB")]
    fn length(of: &str, times: u64) -> u64 {
        of.len() as u64 * times
    }
    let _scope = testing::scope();
    length(&"x".repeat(1_000), 2);
    let weight = length::stats().weight;
    assert!((24 + 8 + 8 + 1_000..24 + 8 + 8 + 1_050).contains(&weight), "{weight}");
}

#[test]
fn never_more_than_the_bound() {
    #[cache(max_bytes = "1000B", weigher = by_value)]
    fn some(id: u64) -> Load {
        Load(id * 7919 % 340)
    }
    let _scope = testing::scope();
    for id in 0..3_000 {
        assert_eq!(some(id), Load(id * 7919 % 340));
        let stats = some::stats();
        assert!(stats.weight <= 1_000, "{} after {id}", stats.weight);
        if id % 100 == 0 {
            let there: u64 = (0..=id).filter_map(some::get).map(|value| value.0).sum();
            assert_eq!(stats.weight, there, "the weight is that of the entries");
        }
    }
    assert!(some::stats().weight > 600, "and most of the room is used: {}", some::stats().weight);
}

#[test]
fn entries_that_fill_the_bound_to_the_last_byte_stay() {
    let _scope = testing::scope();
    for id in 0..10 {
        load(id, 10);
    }
    assert_eq!(load::stats().weight, 100);
    assert_eq!(load::stats().removals.total(), 0);
    load(10, 10);
    assert_eq!((load::stats().weight, load::stats().removals.evicted), (100, 1));
}

#[test]
fn one_heavy_entry_makes_room_by_evicting_as_many_as_it_takes() {
    let _scope = testing::scope();
    for id in 0..10 {
        load(id, 10);
    }
    load(10, 55);
    let stats = load::stats();
    assert_eq!((stats.weight, stats.entries, stats.removals.evicted), (95, 5, 6));
    assert_eq!(load::get(10), Some(Load(55)));
}

#[test]
fn a_value_heavier_than_the_cache_is_returned_and_not_stored() {
    let _scope = testing::scope();
    load(1, 60);
    assert_eq!(load(2, 101), Load(101));
    assert_eq!(load::get(2), None);
    assert_eq!(load(2, 101), Load(101), "computed again");
    let stats = load::stats();
    assert_eq!((stats.loads, stats.refusals.total()), (3, 2));
    assert_eq!((stats.weight, stats.removals.total()), (60, 0), "and nothing had to go for it");
    assert_eq!(load(3, 100), Load(100), "as heavy as the whole cache");
    assert_eq!((load::get(3), load::stats().entries), (Some(Load(100)), 1));
}

#[test]
fn a_heavy_value_does_not_leave_the_older_one_behind() {
    let cache: Cache<u64, Load> = Cache::builder().max_bytes_with(100, by_value).build();
    cache.insert(1, Load(10));
    cache.insert(1, Load(500));
    assert_eq!(cache.get(&1), None, "what was there before is out of date");
    assert_eq!((cache.stats().entries, cache.stats().weight), (0, 0));
}

#[test]
fn entries_of_weight_zero_are_in_nobodys_way() {
    let _scope = testing::scope();
    load(0, 100);
    for id in 1..=500 {
        load(id, 0);
    }
    let stats = load::stats();
    assert_eq!((stats.entries, stats.weight, stats.removals.total()), (501, 100, 0));
    load(501, 40);
    assert!(load::stats().weight <= 100);
    assert_eq!(load::get(501), Some(Load(40)));
}

#[test]
fn the_weight_follows_what_is_replaced_and_removed() {
    #[cache(max_bytes = "100B", weigher = by_value, on_removal = gone)]
    fn watched(id: u64) -> Load {
        Load(id)
    }
    let _scope = testing::scope();
    watched(30);
    watched(40);
    assert_eq!(watched::stats().weight, 70);
    watched::insert(30, Load(5));
    assert_eq!(watched::stats().weight, 45);
    watched::insert(30, Load(50));
    assert_eq!(watched::stats().weight, 90);
    watched::insert(30, Load(61));
    assert_eq!(watched::stats().weight, 61, "the other one had to go");
    watched::invalidate(30);
    assert_eq!(watched::stats().weight, 0);
    watched(10);
    watched::clear();
    assert_eq!((watched::stats().weight, watched::stats().entries), (0, 0));
    assert!(GONE.take().contains(&(40, RemovalCause::Evicted)));
}

#[test]
fn expired_entries_give_their_weight_back() {
    #[cache(max_bytes = "100B", weigher = by_value, ttl = "10s")]
    fn brief(id: u64) -> Load {
        Load(id)
    }
    let scope = testing::scope();
    brief(60);
    scope.advance(std::time::Duration::from_secs(11));
    assert_eq!(brief::get(60), None);
    brief(70);
    assert_eq!((brief::stats().weight, brief::stats().removals.evicted), (70, 0));
}

#[test]
fn each_entry_is_weighed_once_and_hits_are_not() {
    #[cache(max_bytes = "100B", weigher = counted)]
    fn weighed(id: u64) -> Load {
        Load(id)
    }
    let _scope = testing::scope();
    WEIGHED.set(0);
    for _ in 0..5 {
        assert_eq!((weighed(1), weighed(2), weighed(3)), (Load(1), Load(2), Load(3)));
    }
    assert_eq!(WEIGHED.get(), 3);
    assert_eq!(weighed::stats().hits, 12);
}

fn by_key_of_two(key: &(u64, String), value: &Load) -> u64 {
    key.0 + key.1.len() as u64 + value.0
}

fn by_any<T>(_: &T, value: &Load) -> u64 {
    value.0
}

#[cache(max_bytes = "50B", weigher = by_any)]
fn generic<T: Key>(of: T) -> Load {
    let _ = of;
    Load(20)
}

struct Service {
    tenant: u64,
}

impl Service {
    #[cache(max_bytes = "50B", weigher = by_key_of_two, key = (self.tenant, name))]
    async fn find(&self, name: &str) -> Load {
        Load(name.len() as u64)
    }
}

fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a call that does not wait is ready at once"),
    }
}

#[test]
fn generic_functions_and_methods_have_weighers_of_their_keys() {
    let _scope = testing::scope();
    for id in 0..5_u64 {
        generic(id);
        generic(id as u8);
    }
    assert_eq!((generic::stats::<u64>().weight, generic::stats::<u8>().weight), (40, 40));
    assert_eq!(generic::stats::<u64>().entries, 2);
    let service = Service { tenant: 7 };
    assert_eq!(ready(service.find("name")), Load(4));
    assert_eq!(ready(Service { tenant: 7 }.find_get("name")), Some(Load(4)));
    assert_eq!(ready(Service { tenant: 60 }.find("name")), Load(4));
    assert_eq!(ready(Service { tenant: 60 }.find_get("name")), None, "heavier than the cache by its key");
}

#[test]
fn the_bound_holds_while_many_threads_store() {
    let cache: Cache<u64, Load> = Cache::builder().max_bytes_with(5_000, by_value).build();
    std::thread::scope(|threads| {
        for number in 0..4_u64 {
            let cache = &cache;
            threads.spawn(move || {
                for step in 0..2_000 {
                    let key = (step * 31 + number * 17) % 700;
                    cache.insert(key, Load((step * 13 + number) % 400));
                    let weight = cache.stats().weight;
                    assert!(weight <= 5_000, "{weight}");
                }
            });
        }
    });
    let there: u64 = cache.iter().map(|(_, value)| value.0).sum();
    assert_eq!(cache.stats().weight, there);
}

#[test]
fn the_last_bound_said_counts() {
    let entries: Cache<u64, Load> = Cache::builder().max_bytes(10).capacity(3).build();
    let bytes: Cache<u64, Load> = Cache::builder().capacity(3).max_bytes_with(40, by_value).build();
    let unbounded: Cache<u64, Load> = Cache::builder().max_bytes(10).unbounded().build();
    for id in 0..10 {
        entries.insert(id, Load(100));
        bytes.insert(id, Load(5));
        unbounded.insert(id, Load(100));
    }
    assert_eq!((entries.len(), bytes.len(), unbounded.len()), (3, 8, 10));
}
