use cachekit_runtime::{Cache, Delivery, Error, Place, backend::MemoryBytes, stats::Stats};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Two caches over one backend: two processes, as far as the memory is concerned.
struct Pair {
    one: Cache<u64, String>,
    other: Cache<u64, String>,
    loads: AtomicU64,
}

fn pair(near: bool) -> Pair {
    let bytes = Arc::new(MemoryBytes::new());
    let cache = || {
        let mut places = vec![Place::own(Arc::clone(&bytes))];
        if near {
            places.insert(0, Place::memory());
        }
        Cache::builder().name("far::basics").ttl(Duration::from_secs(60)).backends(places).build()
    };
    Pair { one: cache(), other: cache(), loads: AtomicU64::new(0) }
}

impl Pair {
    fn load(&self, key: u64) -> String {
        format!("{key}, load {}", self.loads.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn far(cache: &Cache<u64, String>) -> (u64, u64) {
        let Stats { far, .. } = cache.stats();
        (far.hits, far.stores)
    }
}

#[test]
fn what_one_computed_the_other_finds() {
    for near in [false, true] {
        let pair = pair(near);
        assert_eq!(pair.one.get_or_compute(&1, || pair.load(1)), "1, load 1");
        cachekit_runtime::flush().wait();
        assert_eq!(pair.other.get_or_compute(&1, || pair.load(1)), "1, load 1");
        assert_eq!(pair.one.get_or_compute(&1, || pair.load(1)), "1, load 1");
        assert_eq!(pair.loads.load(Ordering::Relaxed), 1);
        assert_eq!(Pair::far(&pair.other), (1, 0));
        assert_eq!(Pair::far(&pair.one), (u64::from(!near), 1), "the memory answers, where there is one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn async_callers_do_the_same() {
    for near in [false, true] {
        let pair = pair(near);
        assert_eq!(pair.one.get_or_compute_async(&1, || async { pair.load(1) }).await, "1, load 1");
        cachekit_runtime::flush().await;
        assert_eq!(pair.other.get_or_compute_async(&1, || async { pair.load(1) }).await, "1, load 1");
        assert_eq!(pair.other.get_async(&1).await.as_deref(), Some("1, load 1"));
        assert_eq!(pair.other.invalidate_async(&1).await, Delivery::Local, "a memory is nobody else's");
        assert_eq!((pair.other.get_async(&1).await, pair.other.get_async(&2).await), (None, None));
        assert_eq!(pair.other.get_or_compute_async(&1, || async { pair.load(1) }).await, "1, load 2");
    }
}

#[test]
fn an_invalidation_reaches_the_backend() {
    for near in [false, true] {
        let pair = pair(near);
        pair.one.get_or_compute(&1, || pair.load(1));
        pair.one.get_or_compute(&2, || pair.load(2));
        cachekit_runtime::flush().wait();
        assert_eq!(pair.one.invalidate(&1), Delivery::Local);
        assert_eq!(pair.other.get(&1), None);
        assert_eq!(pair.other.get(&2).as_deref(), Some("2, load 2"));
        pair.one.clear();
        assert_eq!(pair.one.get(&2), None);
    }
}

#[test]
fn an_insertion_reaches_the_backend() {
    for near in [false, true] {
        let pair = pair(near);
        pair.one.insert(1, "inserted".to_owned());
        assert_eq!(pair.other.get(&1).as_deref(), Some("inserted"));
        assert_eq!(pair.one.get(&1).as_deref(), Some("inserted"));
        assert_eq!(pair.other.remove(&1).as_deref(), Some("inserted"));
        assert_eq!(pair.other.get(&1), None);
    }
}

#[test]
fn errors_are_not_stored() {
    let pair = pair(false);
    let failed: Result<String, Error> = pair.one.try_get_or_compute(&1, || Err(Error::decode("none", "no")));
    assert!(failed.is_err());
    assert_eq!(pair.other.get(&1), None);
    assert_eq!(pair.one.get_or_compute(&1, || pair.load(1)), "1, load 1");
}

#[test]
fn caches_of_one_backend_do_not_meet() {
    let bytes = Arc::new(MemoryBytes::new());
    let cache = |name: &'static str| Cache::<u64, String>::builder().name(name).backends([Place::own(bytes.clone())]);
    let (one, two) = (cache("a").build(), cache("ab").build());
    let versioned = cache("a").version(2).build();
    one.insert(1, "one".to_owned());
    assert_eq!((two.get(&1), versioned.get(&1)), (None, None));
    two.insert(1, "two".to_owned());
    versioned.insert(1, "versioned".to_owned());
    one.clear();
    assert_eq!((one.get(&1), two.get(&1).as_deref()), (None, Some("two")));
    assert_eq!(versioned.get(&1), None, "a cleared cache is cleared in all versions");
}
