//! A Cluster of which one master fails: the others' entries are there as ever, and it costs its own callers nothing once it is known.

use cachekit_runtime::{Builder, Cache, Delivery, Place, backend::redis::Settings, invalidate_tag_async};
use cachekit_tests::{
    Hand,
    redis_server::{Cluster, RedisServer},
    waiting::{PATIENCE, comes_true},
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Between four fifths of it, when a batch gives up on a silent node, and all of it, when its caller does, a busy machine has to get something done.
const TIMEOUT: Duration = Duration::from_secs(2);
const KEYS: u64 = 48;

/// A cache without memory in front of the cluster, and its keys by whether the master that has them will fail. What concerns the whole cache is on another one.
struct Scene {
    cluster: Cluster,
    cache: Cache<u64, u64>,
    fails: usize,
    well: Vec<u64>,
    ill: Vec<u64>,
    loads: AtomicU64,
}

impl Scene {
    fn new(name: &'static str) -> Self {
        // Nobody takes the place of a master that is silent for so long.
        let options = RedisServer::options().user("app on >secret ~* &* +@all");
        let options = options.set("cluster-require-full-coverage", "no");
        let cluster = Cluster::with(options.set("cluster-node-timeout", "120000"), 3, 0);
        let owner = |key: &str| cluster.owner_seen_by(0, cluster.slot(key));
        let fails = (owner(&format!("ck:default:s:g:{{{name}}}")) + 1) % 3;
        let is_ill = |key: &u64| owner(&format!("ck:default:s:{{{name}:{key}}}")) == fails;
        let (ill, well): (Vec<u64>, Vec<u64>) = (0..KEYS).partition(is_ill);
        assert!(ill.len() >= 4 && well.len() >= 8, "{ill:?} {well:?}");
        let cache = node(&cluster, name, |builder| builder);
        Scene { cluster, cache, fails, well, ill, loads: AtomicU64::new(0) }
    }

    /// A tag whose version the master has that will fail.
    fn ill_tag(&self) -> String {
        let owner =
            |tag: &String| self.cluster.owner_seen_by(0, self.cluster.slot(&format!("ck:default:s:t:{{{tag}}}")));
        (0..).map(|number| format!("masters_{number}")).find(|tag| owner(tag) == self.fails).expect("one of three")
    }

    async fn call(&self, key: u64) -> u64 {
        let load = || async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            key
        };
        self.cache.get_or_compute_async(&key, load).await
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    async fn fill(&self) {
        for key in 0..KEYS {
            comes_true("it is stored", || async {
                self.call(key).await;
                self.cache.get_async(&key).await == Some(key)
            })
            .await;
        }
    }
}

/// As another process has it.
fn node(
    cluster: &Cluster,
    name: &'static str,
    set: impl FnOnce(Builder<u64, u64>) -> Builder<u64, u64>,
) -> Cache<u64, u64> {
    let url = cluster.url().replace("redis-cluster://", "redis-cluster://app:secret@");
    let settings = Settings::new(url).connect_timeout(TIMEOUT).response_timeout(TIMEOUT);
    let places = [Place::own(settings.open().expect("settings"))];
    set(Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(TIMEOUT).backends(places)).build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_others_are_to_be_told_does_not_wait_for_one_that_is_gone() {
    let mut scene = Scene::new("told");
    let tag = scene.ill_tag();
    let (key, named) = (scene.well[0], tag.clone());
    let tagged = node(&scene.cluster, "told", |builder| builder.tags_with(move |_| vec![named.clone()]));
    let ill = scene.ill[0];
    assert_eq!(tagged.get_or_compute_async(&ill, || async { ill }).await, ill);
    scene.fill().await;
    scene.cluster.kill(scene.fails);
    assert_eq!(invalidate_tag_async(&tag).await, Delivery::Queued);
    // Its caller goes away before the first question is answered.
    drop(Hand::pending(tagged.invalidate_async(&key)));
    comes_true("another process sees it", || async { scene.cache.get_async(&key).await.is_none() }).await;
    scene.cluster.restart(scene.fails);
    comes_true("the tag is delivered", || async { invalidate_tag_async(&tag).await == Delivery::Shared }).await;
}

/// What people have to set right again takes until they have, and nothing away from the other masters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_refuses_us_costs_the_others_nothing() {
    for (name, command, refuses) in [
        ("refused", "get", vec!["ACL", "SETUSER", "app", "-get"]),
        ("rotated", "auth", vec!["ACL", "SETUSER", "app", "resetpass", ">other"]),
    ] {
        let scene = Scene::new(name);
        scene.fill().await;
        let server = scene.cluster.node(scene.fails);
        assert_eq!(server.cli(&refuses), "OK");
        server.cli(&["CLIENT", "KILL", "USER", "app"]);
        let before = server.calls_of(command);
        for round in 0..4 {
            for (at, key) in scene.well.iter().enumerate() {
                let ill = scene.ill[at % scene.ill.len()];
                assert_eq!(scene.call(ill).await, ill);
                let loads = scene.loads();
                assert_eq!(scene.call(*key).await, *key);
                assert_eq!(scene.loads(), loads, "{name}, round {round}: {key} is in a master that is well");
                assert_eq!(scene.cache.invalidate_async(key).await, Delivery::Shared, "{name}, round {round}");
                scene.call(*key).await;
            }
        }
        // Who has heard it asks no more, but by the connections that find out whether something has changed.
        let asked = server.calls_of(command) - before;
        assert!(asked <= 24, "{name}: asked {asked} times");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_full_is_not_asked_for_each_fill() {
    let scene = Scene::new("full");
    scene.fill().await;
    let server = scene.cluster.node(scene.fails);
    for key in &scene.ill {
        assert_eq!(scene.cache.invalidate_async(key).await, Delivery::Shared);
    }
    assert_eq!(server.cli(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let (before, start) = ((server.calls_of("evalsha"), scene.loads()), Instant::now());
    for round in 0..200 {
        let (ill, well) = (scene.ill[round % scene.ill.len()], scene.well[round % scene.well.len()]);
        assert_eq!(scene.call(ill).await, ill);
        assert_eq!(scene.call(well).await, well);
    }
    assert_eq!(scene.loads() - before.1, 200, "what is in the others is there");
    // One to know it, and one after each pause of about a second, which double.
    let pauses = 2 + start.elapsed().as_millis() / 800;
    let asked = server.calls_of("evalsha") - before.0;
    assert!(u128::from(asked) <= pauses, "{asked} fills in {:?}", start.elapsed());
    for key in &scene.ill {
        assert_eq!(scene.cache.invalidate_async(key).await, Delivery::Shared, "which it takes all the same");
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    scene.fill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_silent_costs_the_others_nothing() {
    let scene = Scene::new("silent");
    scene.fill().await;
    let paused = scene.cluster.pause(scene.fails);
    let (mut slow, start) = (0, Instant::now());
    for _ in 0..4 {
        // So many one after another that a breaker over all masters would open.
        for ill in &scene.ill {
            let asked = Instant::now();
            assert_eq!(scene.call(*ill).await, *ill);
            slow += u32::from(asked.elapsed() > TIMEOUT / 2);
        }
        for (at, key) in scene.well.iter().enumerate() {
            let (before, ill) = (scene.loads(), scene.ill[at % scene.ill.len()]);
            assert_eq!(scene.call(*key).await, *key);
            assert_eq!(scene.loads(), before, "{key} is in a master that is well: {}", scene.cache.stats());
            assert_eq!(scene.cache.invalidate_async(key).await, Delivery::Shared, "{key}");
            assert_eq!(scene.call(*key).await, *key);
            assert_eq!(scene.loads(), before + 1);
            // In between, what is in the one that is silent: computed, after a while at once.
            let asked = Instant::now();
            assert_eq!(scene.call(ill).await, ill);
            slow += u32::from(asked.elapsed() > TIMEOUT / 2);
        }
    }
    assert!(slow <= 12, "{slow} calls waited for the master that is silent, in {:?}", start.elapsed());
    assert_eq!(scene.cache.invalidate_async(&scene.ill[0]).await, Delivery::Queued);
    assert_eq!(scene.cache.invalidate_many_async(&scene.well).await, Delivery::Shared);
    let healthy = scene.cache.stats().far;
    drop(paused);
    // Nobody has to call for it to be found well.
    comes_true("it takes invalidations again", || async {
        scene.cache.invalidate_async(&scene.ill[0]).await == Delivery::Shared
    })
    .await;
    let before = scene.loads();
    comes_true("its entries are used", || async {
        let loads = scene.loads();
        for key in &scene.ill {
            scene.call(*key).await;
        }
        scene.loads() == loads
    })
    .await;
    assert!(scene.loads() > before && start.elapsed() < PATIENCE, "{healthy:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_keeps_what_the_others_have() {
    let scene = Scene::new("batches");
    scene.fill().await;
    let paused = scene.cluster.pause(scene.fails);
    let all: Vec<u64> = (0..KEYS).collect();
    for round in 0..8 {
        let asked = std::sync::Mutex::new(Vec::new());
        let load = |missing: Vec<u64>| {
            asked.lock().expect("no panic").extend_from_slice(&missing);
            let loaded: HashMap<u64, u64> = missing.iter().map(|key| (*key, *key)).collect();
            async move { loaded }
        };
        let found = scene.cache.get_or_compute_many_async(&all, load).await;
        assert_eq!(found.len(), all.len());
        let mut asked = asked.into_inner().expect("no panic");
        asked.sort_unstable();
        assert_eq!(
            asked, scene.ill,
            "round {round}: the body is asked for what the silent master has, and nothing else"
        );
        let got = scene.cache.get_many_async(&all).await;
        let there: Vec<u64> = got.into_iter().flatten().collect();
        assert_eq!(there, scene.well, "round {round}");
    }
    // Of several invalidations those are delivered that can be.
    assert_eq!(scene.cache.invalidate_many_async(&all).await, Delivery::Queued);
    for key in &scene.well {
        let before = scene.loads();
        assert_eq!((scene.call(*key).await, scene.loads()), (*key, before + 1));
        assert_eq!((scene.call(*key).await, scene.loads()), (*key, before + 1), "{key}: it is read and stored again");
    }
    drop(paused);
    comes_true("the rest is delivered", || async {
        scene.cache.invalidate_many_async(&scene.ill).await == Delivery::Shared
    })
    .await;
}
