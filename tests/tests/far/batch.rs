//! Several keys at once: one look and one store per tier, whatever is found.

use bytes::Bytes;
use cachekit_runtime::{
    Builder, Cache, Delivery, Place,
    backend::{
        Address, Backend, BackendFuture, Capabilities, Claim, Cursor, Each, Fingerprint, Looked, MemoryBytes, Page,
        SharedBackend, Storing, Version, Witness, redis::Settings,
    },
    time::Clock,
};
use cachekit_tests::{own_backend::OwnBackend, redis_server::RedisServer};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};

/// A backend that counts what it is asked, by the name of the question.
struct Counting<B> {
    inner: B,
    asked: Mutex<HashMap<&'static str, usize>>,
}

impl<B> Counting<B> {
    fn new(inner: B) -> Arc<Self> {
        Arc::new(Counting { inner, asked: Mutex::default() })
    }

    fn ask(&self, what: &'static str) -> &B {
        *self.asked.lock().unwrap().entry(what).or_default() += 1;
        &self.inner
    }

    /// And begins anew.
    fn asked(&self) -> Vec<(&'static str, usize)> {
        let mut asked: Vec<_> = std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().collect();
        asked.sort_unstable();
        asked
    }
}

impl<B: Backend> Backend for Counting<B> {
    fn name(&self) -> &str {
        "counting"
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        self.ask("get").get(address)
    }
    fn get_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Vec<Option<Bytes>>> {
        self.ask("get_many").get_many(addresses)
    }
    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        self.ask("set").set(address, bytes, ttl)
    }
    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        self.ask("remove").remove(address)
    }
    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        self.ask("remove_many").remove_many(addresses)
    }
    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        self.ask("clear").clear(cache)
    }
    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        self.ask("scan").scan(cache, from, at_most)
    }
    fn ping(&self) -> BackendFuture<'_, ()> {
        self.inner.ping()
    }
    fn shared(&self) -> Option<&dyn SharedBackend> {
        self.inner.shared().map(|_| self as &dyn SharedBackend)
    }
}

impl<B: Backend> Counting<B> {
    fn shared_inner(&self, what: &'static str) -> &dyn SharedBackend {
        self.ask(what).shared().expect("asked where there is one")
    }
}

impl<B: Backend> SharedBackend for Counting<B> {
    fn look<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked> {
        self.shared_inner("look").look(address)
    }
    fn tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, Vec<Option<Version>>> {
        self.shared_inner("tags").tags(tags)
    }

    fn make_tags<'a>(&'a self, tags: &'a [&'a str], ttl: Duration) -> BackendFuture<'a, Vec<Version>> {
        self.shared_inner("make_tags").make_tags(tags, ttl)
    }

    fn invalidate_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        self.shared_inner("invalidate_tags").invalidate_tags(tags)
    }

    fn soften_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        self.shared_inner("soften_tags").soften_tags(tags)
    }

    fn lease<'a>(&'a self, address: &'a Address, seen: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        self.shared_inner("lease").lease(address, seen, ttl)
    }

    fn generation<'a>(&'a self, address: &'a Address, ttl: Duration) -> BackendFuture<'a, u64> {
        self.shared_inner("generation").generation(address, ttl)
    }
    fn claim<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, Claim> {
        self.shared_inner("claim").claim(address, head, ttl)
    }
    fn replace<'a>(
        &'a self,
        address: &'a Address,
        seen: Witness,
        head: Witness,
        ttl: Duration,
    ) -> BackendFuture<'a, bool> {
        self.shared_inner("replace").replace(address, seen, head, ttl)
    }
    fn renew<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        self.shared_inner("renew").renew(address, head, ttl)
    }
    fn store<'a>(
        &'a self,
        address: &'a Address,
        witness: Witness,
        bytes: Option<Bytes>,
        ttl: Option<Duration>,
    ) -> BackendFuture<'a, bool> {
        self.shared_inner("store").store(address, witness, bytes, ttl)
    }
    fn look_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<Looked>> {
        self.shared_inner("look_many").look_many(addresses)
    }
    fn claim_many<'a>(&'a self, claims: &'a [(Address, Witness)], ttl: Duration) -> BackendFuture<'a, Each<Claim>> {
        self.shared_inner("claim_many").claim_many(claims, ttl)
    }
    fn store_many<'a>(&'a self, stores: &'a [Storing]) -> BackendFuture<'a, Each<bool>> {
        self.shared_inner("store_many").store_many(stores)
    }
    fn announce<'a>(&'a self, cache: &'a str, fingerprint: Fingerprint) -> BackendFuture<'a, ()> {
        self.shared_inner("announce").announce(cache, fingerprint)
    }
}

/// Longer than anything here takes on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cache of that name over a Redis, with typed memory in front of it.
fn node(name: &'static str, server: &RedisServer) -> Builder<u64, String> {
    let redis =
        Settings::new(server.url()).connect_timeout(PATIENCE).response_timeout(PATIENCE).open().expect("settings");
    let places = [Place::memory(), Place::own(redis)];
    Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(PATIENCE).backends(places)
}

fn over<B: Backend>(name: &'static str, near: bool, backends: Vec<Arc<B>>) -> Cache<u64, String> {
    let near = near.then(Place::memory);
    let places = near.into_iter().chain(backends.into_iter().map(Place::own)).collect::<Vec<_>>();
    Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(PATIENCE).backends(places).build()
}

fn text(missing: &[u64]) -> HashMap<u64, String> {
    missing.iter().filter(|key| **key < 1_000_000).map(|key| (*key, key.to_string())).collect()
}

fn none(missing: &[u64]) -> HashMap<u64, String> {
    panic!("{missing:?} are there")
}

#[test]
fn a_tier_that_is_this_process_s_is_asked_once() {
    let (nearer, further) = (Counting::new(MemoryBytes::new()), Counting::new(MemoryBytes::new()));
    let cache = over("far::batch", true, vec![nearer.clone(), further.clone()]);
    assert_eq!(cache.get_or_compute_many(&[1, 2, 3], text).len(), 3);
    cachekit_runtime::flush().wait();
    let first = [("get_many", 1), ("set", 3)];
    assert_eq!((nearer.asked(), further.asked()), (first.to_vec(), first.to_vec()));
    assert_eq!(cache.get_or_compute_many(&[3, 1], none).len(), 2);
    assert_eq!((nearer.asked(), further.asked()), (vec![], vec![]));

    let other = over("far::batch", true, vec![Counting::new(MemoryBytes::new()), further.clone()]);
    assert_eq!(
        other.get_or_compute_many(&[3, 1, 7], |missing| {
            assert_eq!(missing, [7]);
            text(missing)
        })[&7],
        "7"
    );
    cachekit_runtime::flush().wait();
    assert_eq!(further.asked(), [("get_many", 1), ("set", 1)]);
    let stats = other.stats();
    assert_eq!((stats.far.hits, stats.loads, stats.batches), (2, 1, 1));
    assert_eq!(other.get_many(&[1, 3, 9]), [Some("1".to_owned()), Some("3".to_owned()), None]);
    assert_eq!(further.asked(), [("get_many", 1)], "1 and 3 are near");
}

#[test]
fn a_shared_tier_is_asked_once_and_filled_once() {
    for near in [true, false] {
        let shared = Counting::new(OwnBackend::new(Clock::system()));
        let nodes = [over("far::batch", near, vec![shared.clone()]), over("far::batch", near, vec![shared.clone()])];
        assert_eq!(nodes[0].get_or_compute_many(&[1, 2, 1_000_000], text).len(), 2);
        cachekit_runtime::flush().wait();
        assert_eq!(
            shared.asked(),
            [("announce", 1), ("claim_many", 1), ("generation", 1), ("look_many", 1), ("store_many", 2)],
            "the last are the two values, and the witness that is given back"
        );
        let found: HashMap<u64, String> = nodes[1].get_or_compute_many(&[2, 1], none);
        assert_eq!(found[&2], "2");
        assert_eq!(shared.asked(), [("look_many", 1)]);
        assert_eq!(nodes[0].get_or_compute_many(&[1_000_000, 5], text).len(), 1);
        cachekit_runtime::flush().wait();
        assert_eq!(shared.asked(), [("claim_many", 1), ("look_many", 1), ("store_many", 2)]);
        assert_eq!(nodes[1].invalidate_many(&[1, 2]), Delivery::Shared);
        assert_eq!(nodes[1].get_many(&[1, 2, 5]), [None, None, Some("5".to_owned())]);
    }
}

#[test]
fn huge_lists_go_in_flushes() {
    let shared = Counting::new(OwnBackend::new(Clock::system()));
    let cache = over("far::batch", true, vec![shared.clone()]);
    let keys: Vec<u64> = (0..1_500).collect();
    let calls = AtomicUsize::new(0);
    let found = cache.get_or_compute_many(&keys, |missing| {
        calls.fetch_add(1, Ordering::SeqCst);
        text(missing)
    });
    cachekit_runtime::flush().wait();
    assert_eq!((found.len(), calls.load(Ordering::SeqCst)), (1_500, 1));
    assert_eq!(
        shared.asked(),
        [("announce", 1), ("claim_many", 3), ("generation", 1), ("look_many", 3), ("store_many", 3)]
    );
    let other = over("far::batch", true, vec![shared.clone()]);
    assert_eq!(other.get_or_compute_many(&keys, none).len(), 1_500);
    assert_eq!(shared.asked(), [("look_many", 3)]);
}

/// A batch of the keys 1 and 2 whose load has begun, and ends when it is told.
async fn loading_one_and_two(node: &Cache<u64, String>) -> (JoinHandle<HashMap<u64, String>>, Arc<Notify>) {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let call = tokio::spawn({
        let (node, asked, go) = (node.clone(), asked.clone(), go.clone());
        async move {
            let (asked, go) = (&asked, &go);
            let load = |missing: Vec<u64>| async move {
                asked.notify_one();
                go.notified().await;
                text(&missing)
            };
            node.get_or_compute_many_async(&[1, 2], load).await
        }
    });
    asked.notified().await;
    (call, go)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_by_another_node_during_the_load_keeps_that_element_out() {
    let shared = Counting::new(OwnBackend::new(Clock::system()));
    for near in [true, false] {
        let nodes = [over("far::batch", near, vec![shared.clone()]), over("far::batch", near, vec![shared.clone()])];
        let (call, go) = loading_one_and_two(&nodes[0]).await;
        nodes[1].invalidate_async(&1).await;
        go.notify_one();
        assert_eq!(call.await.unwrap().len(), 2, "who waits gets both");
        cachekit_runtime::flush().await;
        for node in &nodes {
            assert_eq!(node.get_many_async(&[1, 2]).await, [None, Some("2".to_owned())], "near: {near}");
        }
        nodes[0].clear_async().await;
    }
}

#[test]
fn redis_is_asked_in_one_flush_and_shares_with_single_calls() {
    let server = RedisServer::start();
    let nodes = [node("far::batch", &server).build(), node("far::batch", &server).build()];
    let keys: Vec<u64> = (0..400).collect();
    assert_eq!(nodes[0].get_or_compute(&7, || "single".to_owned()), "single");
    cachekit_runtime::flush().wait();
    let found = nodes[1].get_or_compute_many(&keys, |missing| {
        assert_eq!(missing.len(), 399);
        text(missing)
    });
    assert_eq!((&*found[&7], &*found[&8]), ("single", "8"));
    cachekit_runtime::flush().wait();
    let (gets, scripts) = (server.calls_of("get"), server.calls_of("evalsha"));
    let fresh = node("far::batch", &server).build();
    assert_eq!(fresh.get_or_compute_many(&keys, none).len(), 400);
    // Each once, and the generation; and what processes ask twice a second to hear of changes.
    let (gets, scripts) = (server.calls_of("get") - gets, server.calls_of("evalsha") - scripts);
    assert!((401..500).contains(&gets) && scripts == 0, "{gets} {scripts}");
    assert_eq!(fresh.get_or_compute(&399, || panic!("it is there")), "399");
    assert_eq!(nodes[0].invalidate_many(&keys), Delivery::Shared);
    assert_eq!(node("far::batch", &server).build().get_many(&keys), vec![None; 400]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_nodes_with_a_lock_compute_each_key_once() {
    let server = RedisServer::start();
    let lease = Duration::from_secs(60);
    let node = || node("far::batch_lock", &server).lock(lease).build();
    let nodes = [node(), node()];
    let loads = Arc::new(Mutex::new(Vec::new()));
    let start = std::time::Instant::now();
    let calls: Vec<_> = (0..2)
        .map(|at| {
            let (node, loads) = (nodes[at].clone(), loads.clone());
            tokio::spawn(async move {
                let mut keys: Vec<u64> = (0..40).collect();
                if at == 1 {
                    keys.reverse();
                }
                let load = |missing: Vec<u64>| {
                    let loads = loads.clone();
                    async move {
                        loads.lock().unwrap().extend_from_slice(&missing);
                        text(&missing)
                    }
                };
                node.get_or_compute_many_async::<HashMap<u64, String>, _>(&keys, load).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().len(), 40);
    }
    assert!(start.elapsed() < lease, "nobody waits for the end of a lease");
    let mut loaded = loads.lock().unwrap().clone();
    loaded.sort_unstable();
    assert_eq!(loaded, (0..40).collect::<Vec<_>>());
}

/// Who follows an element in whose load another node has invalidated it may have begun after that: it asks for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_of_an_outdated_element_asks_for_itself() {
    let shared = Counting::new(OwnBackend::new(Clock::system()));
    let nodes = [over("far::batch", false, vec![shared.clone()]), over("far::batch", false, vec![shared.clone()])];
    let (call, go) = loading_one_and_two(&nodes[0]).await;
    nodes[1].invalidate_async(&1).await;
    let follow = |key: u64| {
        let node = nodes[0].clone();
        tokio::spawn(async move { node.get_or_compute_async(&key, || async { "anew".to_owned() }).await })
    };
    let (one, two) = (follow(1), follow(2));
    until(|| nodes[0].stats().joins == 2).await;
    go.notify_one();
    assert_eq!(call.await.unwrap().len(), 2);
    assert_eq!((one.await.unwrap(), two.await.unwrap()), ("anew".to_owned(), "2".to_owned()));
}

/// Entries that are there and not valid have to be locked one by one: nobody holds some of them while it waits for the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_share_what_is_not_valid_any_more_do_not_wait_for_each_other() {
    let server = RedisServer::start();
    let lease = Duration::from_secs(60);
    let node = || node("far::batch_invalid", &server).lock(lease).build();
    let nodes = [node(), node()];
    let keys: Vec<u64> = (0..40).collect();
    assert_eq!(nodes[0].get_or_compute_many(&keys, text).len(), 40);
    cachekit_runtime::flush().await;
    // What is there is of another generation now.
    server.cli(&["UNLINK", "ck:default:s:g:{far/batch_invalid}"]);
    let fresh = [node(), node()];
    let loads = Arc::new(AtomicUsize::new(0));
    let start = std::time::Instant::now();
    let calls: Vec<_> = fresh
        .into_iter()
        .enumerate()
        .map(|(at, node)| {
            let (mut keys, loads) = (keys.clone(), loads.clone());
            if at == 1 {
                keys.reverse();
            }
            tokio::spawn(async move {
                let load = |missing: Vec<u64>| {
                    loads.fetch_add(missing.len(), Ordering::SeqCst);
                    async move { text(&missing) }
                };
                node.get_or_compute_many_async::<HashMap<u64, String>, _>(&keys, load).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().len(), 40);
    }
    assert!(start.elapsed() < lease / 4, "nobody waits for the end of a lease: {:?}", start.elapsed());
    assert_eq!(loads.load(Ordering::SeqCst), 40);
}

#[test]
fn of_all_nodes_one_refreshes_an_element() {
    let shared = Counting::new(OwnBackend::new(Clock::system()));
    let clock = cachekit_runtime::testing::TestClock::new();
    let node = || -> Cache<u64, String> {
        let builder = Cache::builder().name("far::batch_refresh").clock(clock.clock()).ttl(Duration::from_secs(1_000));
        builder.refresh_ahead(50.0).backends([Place::memory(), Place::own(shared.clone())]).build()
    };
    let nodes = [node(), node()];
    let loads = AtomicUsize::new(0);
    let call = |node: &Cache<u64, String>| {
        let found = node.get_or_compute_many(&[1, 2], |missing| {
            loads.fetch_add(missing.len(), Ordering::SeqCst);
            text(missing)
        });
        cachekit_runtime::flush().wait();
        assert_eq!(found.len(), 2);
    };
    nodes.iter().for_each(call);
    assert_eq!(loads.swap(0, Ordering::SeqCst), 2);
    clock.advance(Duration::from_secs(600));
    // Another process has the right to refresh the one.
    let address =
        cachekit_runtime::backend::Address::new("far/batch_refresh", "1", cachekit_runtime::backend::Fingerprint(0));
    let taken =
        cachekit_tests::drive::drive(shared.lease(&address, shared.inner.head(address.id()), Duration::from_secs(60)));
    assert!(taken.unwrap());
    call(&nodes[0]);
    assert_eq!(loads.load(Ordering::SeqCst), 1, "the other one alone");
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_locked_is_a_miss_of_the_nearer_tier_once() {
    let server = RedisServer::start();
    let places = || {
        let redis = Settings::new(server.url()).response_timeout(PATIENCE).open().expect("settings");
        [Place::own(MemoryBytes::new()), Place::own(redis)]
    };
    let node = || {
        let builder = Cache::builder().name("far::locked_once").ttl(Duration::from_secs(600)).timeout(PATIENCE);
        builder.lock(PATIENCE).backends(places()).build()
    };
    let (holder, node): (Cache<u64, String>, Cache<u64, String>) = (node(), node());
    let (held, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let holding = {
        let (held, go) = (held.clone(), go.clone());
        tokio::spawn(async move {
            let load = || async {
                held.notify_one();
                go.notified().await;
                "held".to_owned()
            };
            holder.get_or_compute_async(&1, load).await
        })
    };
    held.notified().await;
    let batch = {
        let node = node.clone();
        tokio::spawn(async move {
            let load = |missing: Vec<u64>| async move { text(&missing) };
            node.get_or_compute_many_async::<HashMap<u64, String>, _>(&[1, 2], load).await
        })
    };
    cachekit_tests::waiting::comes_true("it waits", || async { node.stats().far.lock_waits > 0 }).await;
    go.notify_one();
    assert_eq!(holding.await.unwrap(), "held");
    let found = batch.await.unwrap();
    assert_eq!((&*found[&1], &*found[&2]), ("held", "2"));
    let far = node.stats().far;
    assert_eq!((far.misses, far.hits), (3, 1), "2 is in neither tier, 1 not in the nearer");
}
