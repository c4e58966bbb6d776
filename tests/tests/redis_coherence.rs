//! Memory in front of a Cluster, and of a master that Sentinels name, on several nodes: through failovers and moving slots.

use cachekit_runtime::{Cache, Delivery, Place, backend::redis::Settings, invalidate_tag_async};
use cachekit_tests::{
    child::fails_without,
    fault_proxy::{Fault, FaultProxy},
    lag::Lag,
    node::Node,
    redis_server::{Cluster, RedisServer, Sentinels},
    waiting::{comes_by, comes_true},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What the table promises where a connection is lost or a slot moves, with a margin of four.
const BOUND: Duration = Duration::from_secs(4 * 3);

/// A node of the cache of this name.
fn node(url: &str) -> Node {
    let settings = Settings::new(url).connect_timeout(Duration::from_millis(500));
    Node::new("coherence", settings.response_timeout(Duration::from_millis(250)).open().expect("settings"))
}

fn sources(keys: usize) -> Vec<AtomicU64> {
    (0..keys).map(|_| AtomicU64::new(1)).collect()
}

/// Changes each key on one node and looks at it on the other, which has to see it within the bound, and at once after a `sync`.
async fn agree(one: &Node, other: &Node, sources: &[AtomicU64]) {
    for key in 0..sources.len() as u64 {
        other.call(key, &sources[key as usize]).await;
        let version = sources[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
        let delivery = one.cache.invalidate_async(&key).await;
        assert_eq!(one.call(key, &sources[key as usize]).await, version, "who invalidates sees it at once");
        let start = Instant::now();
        if delivery == Delivery::Shared && cachekit_runtime::sync().await.is_ok() {
            assert_eq!(other.call(key, &sources[key as usize]).await, version, "key {key} after a sync");
        } else {
            comes_true("the news", || async { other.call(key, &sources[key as usize]).await == version }).await;
            assert!(start.elapsed() < BOUND, "key {key}: {:?}", start.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_slots_move() {
    let cluster = Cluster::start(3, 0);
    let [one, other] = [(); 2].map(|()| node(&cluster.url()));
    let sources = sources(24);
    for key in 0..24 {
        other.hears(key, &sources[key as usize]).await;
    }
    agree(&one, &other, &sources).await;
    for key in 0..12_u64 {
        let slot = cluster.slot(&format!("ck:default:s:{{coherence:{key}}}"));
        let from = cluster.owner_seen_by(0, slot);
        other.hears(key, &sources[key as usize]).await;
        cluster.move_slot(slot, (from + 1) % 3);
        // The other one has not been told that the slot has moved.
        let version = sources[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
        comes_true("an invalidation", || async { one.cache.invalidate_async(&key).await == Delivery::Shared }).await;
        let start = Instant::now();
        comes_true("the news", || async { other.call(key, &sources[key as usize]).await == version }).await;
        assert!(start.elapsed() < BOUND, "key {key}: {:?}", start.elapsed());
    }
    agree(&one, &other, &sources).await;
}

/// Masters that are known already tell of whatever is invalidated in them. From this one nobody hears who has not seen that slots have moved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_to_a_master_that_had_none() {
    const NEW: usize = 2;
    let cluster = Cluster::with_spare(RedisServer::options(), 2, 0, 1);
    let [one, other] = [(); 2].map(|()| node(&cluster.url()));
    let sources = sources(4);
    for key in 0..4_u64 {
        other.hears(key, &sources[key as usize]).await;
        cluster.move_slot(cluster.slot(&format!("ck:default:s:{{coherence:{key}}}")), NEW);
        let version = sources[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
        comes_true("an invalidation", || async { one.cache.invalidate_async(&key).await == Delivery::Shared }).await;
        let start = Instant::now();
        comes_by("slots", "the news", || async { other.call(key, &sources[key as usize]).await == version }).await;
        assert!(start.elapsed() < BOUND, "key {key}: {:?}", start.elapsed());
    }
    agree(&one, &other, &sources).await;
}

#[test]
fn without_a_look_at_the_slots_a_new_master_is_not_heard() {
    fails_without("slots", "slots_that_move_to_a_master_that_had_none", "in vain: the news");
}

/// Three moments of each slot: before its keys move, half way, and when it has arrived and not everybody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_slots_move_under_load() {
    const KEYS: u64 = 24;
    let cluster = Cluster::start(3, 0);
    let nodes: Arc<Vec<Node>> = Arc::new((0..3).map(|_| node(&cluster.url())).collect());
    let sources = Arc::new(sources(KEYS as usize));
    for node in nodes.iter() {
        node.hears(0, &sources[0]).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..6_u64)
        .map(|task| {
            let (nodes, sources, stop) = (nodes.clone(), sources.clone(), stop.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(Ordering::Relaxed) {
                    let (node, key) = (&nodes[(calls % 3) as usize], (calls * 7 + task) % KEYS);
                    let seen = node.call(key, &sources[key as usize]).await;
                    assert!(seen <= sources[key as usize].load(Ordering::SeqCst));
                    // Keys that do not move are changed too.
                    if calls % 64 == 0 && key >= KEYS / 2 {
                        sources[key as usize].fetch_add(1, Ordering::SeqCst);
                        node.cache.invalidate_async(&key).await;
                    }
                    calls += 1;
                    tokio::task::yield_now().await;
                }
                calls
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for key in 0..KEYS / 2 {
        let slot = cluster.slot(&format!("ck:default:s:{{coherence:{key}}}"));
        let to = (cluster.owner_seen_by(0, slot) + 1) % 3;
        let from = cluster.begin_move(slot, to);
        for moment in 0..3 {
            let source = &sources[key as usize];
            let writer = &nodes[(moment + key as usize) % 3];
            for node in nodes.iter() {
                node.call(key, source).await;
            }
            match moment {
                0 => {}
                1 => while cluster.move_keys(slot, from, to, 1) > 0 {},
                _ => cluster.end_move(slot, from, to),
            }
            let version = source.fetch_add(1, Ordering::SeqCst) + 1;
            comes_true("an invalidation", || async { writer.cache.invalidate_async(&key).await == Delivery::Shared })
                .await;
            let start = Instant::now();
            comes_true("its news", || async {
                let mut seen = 0;
                for node in nodes.iter() {
                    seen += u8::from(node.call(key, source).await == version);
                }
                seen == 3
            })
            .await;
            longest = longest.max(start.elapsed());
        }
    }
    assert!(longest < BOUND, "{longest:?}");
    stop.store(true, Ordering::Relaxed);
    for task in load {
        assert!(task.await.expect("no call was wrong") > 500);
    }
    for node in nodes.iter() {
        // Each sees in the end what anybody has changed under load, in memory or not.
        for key in 0..KEYS {
            let source = &sources[key as usize];
            comes_true("all news", || async { node.call(key, source).await == source.load(Ordering::SeqCst) }).await;
        }
        let stats = node.cache.stats();
        assert!(stats.hits > stats.misses.total(), "{stats}");
    }
    agree(&nodes[0], &nodes[1], &sources).await;
}

/// A tag, or the generation of a cache, is on one master, and most of what it is about on the others, which have not been away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_comes_back_with_old_data_makes_nothing_valid_on_the_others() {
    const TAG: &str = "coherence_old";
    let mut cluster = Cluster::start(3, 0);
    for is_clear in [false, true] {
        let tagged = |url: &str| {
            let settings = Settings::new(url).response_timeout(Duration::from_secs(5)).open().expect("settings");
            Node::with("old", settings, |builder| builder.tags_with(|_| vec![TAG.to_owned()]))
        };
        let (node, source) = (tagged(&cluster.url()), AtomicU64::new(1));
        for key in 0..24 {
            node.hears(key, &source).await;
        }
        cachekit_runtime::flush().await;
        let control = if is_clear { "g:{old}".to_owned() } else { format!("t:{{{TAG}}}") };
        let master = cluster.owner_seen_by(0, cluster.slot(&format!("ck:default:s:{control}")));
        cluster.node(master).cli(&["SAVE"]);
        // A process that started in the same second as the snapshot was taken cannot be told from one before.
        tokio::time::sleep(Duration::from_millis(1_100)).await; // sleeps: the server's own clock has to go on
        source.store(2, Ordering::SeqCst);
        comes_true("an invalidation", || async {
            let told = if is_clear { node.cache.clear_async().await } else { invalidate_tag_async(TAG).await };
            told == Delivery::Shared
        })
        .await;
        // Nobody is left who could repeat it.
        drop(node);
        cluster.kill(master);
        cluster.restart(master);
        cluster.wait_until_well();
        let heir = tagged(&cluster.url());
        for key in 0..24 {
            assert_eq!(heir.call(key, &source).await, 2, "key {key}, {control} is back");
        }
        heir.hears(0, &source).await;
        heir.cache.clear_async().await;
    }
}

/// By how many connections each running node of the cluster is heard.
fn hearing(cluster: &Cluster, running: &[usize]) -> Vec<usize> {
    let count = |at: &usize| {
        let clients = cluster.node(*at).cli(&["CLIENT", "LIST", "TYPE", "pubsub"]);
        clients.lines().filter(|line| !line.is_empty()).count()
    };
    running.iter().map(count).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_master_is_heard_by_one_connection_of_a_process() {
    let mut cluster = Cluster::start(3, 3);
    let settings = Settings::new(cluster.url()).connect_timeout(Duration::from_millis(500));
    let redis = Arc::new(settings.response_timeout(Duration::from_millis(250)).open().expect("settings"));
    // As the caches of a process have it: one backend for all.
    let caches: Vec<Node> = ["heard_a", "heard_b", "heard_c"]
        .map(|name| {
            let places = [Place::memory(), Place::own(redis.clone())];
            Node { cache: Cache::builder().name(name).ttl(Duration::from_secs(600)).backends(places).build() }
        })
        .into();
    let source = AtomicU64::new(1);
    for node in &caches {
        for key in 0..24 {
            node.hears(key, &source).await;
        }
    }
    let all: Vec<usize> = (0..12).collect();
    let expected: Vec<usize> = all.iter().map(|at| usize::from(*at < 3)).collect();
    assert_eq!(hearing(&cluster, &all), expected, "no replica, and no master twice");
    // It is another one afterwards, and not one more.
    for at in 0..3 {
        cluster.node(at).cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        let slot = cluster.slot(&format!("ck:default:s:{{heard_a:{at}}}"));
        cluster.move_slot(slot, (cluster.owner_seen_by(0, slot) + 1) % 3);
    }
    for node in &caches {
        node.hears(0, &source).await;
    }
    comes_true("all are heard again", || async { hearing(&cluster, &all) == expected }).await;
    cluster.kill(1);
    let heir = cluster.wait_for_failover(1);
    let running: Vec<usize> = all.iter().copied().filter(|at| *at != 1).collect();
    let expected: Vec<usize> = running.iter().map(|at| usize::from([0, 2, heir].contains(at))).collect();
    comes_true("the heir is heard", || async { hearing(&cluster, &running) == expected }).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let now = hearing(&cluster, &running);
        assert!(now.iter().zip(&expected).all(|(now, most)| now <= most), "{now:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_masters_die() {
    let mut cluster = Cluster::start(3, 3);
    let [one, other] = [(); 2].map(|()| node(&cluster.url()));
    let sources = sources(24);
    for key in 0..24 {
        other.hears(key, &sources[key as usize]).await;
    }
    for dies in 0..2 {
        cluster.kill(dies);
        // During the failover: an invalidation that was not delivered is delivered when there is a master.
        for key in 0..24_u64 {
            sources[key as usize].fetch_add(1, Ordering::SeqCst);
            one.cache.invalidate_async(&key).await;
            assert_eq!(one.call(key, &sources[key as usize]).await, sources[key as usize].load(Ordering::SeqCst));
        }
        assert!(cluster.wait_for_failover(dies) >= 3, "a replica");
        for key in 0..24_u64 {
            comes_true("what was invalidated during the failover", || async {
                other.call(key, &sources[key as usize]).await == sources[key as usize].load(Ordering::SeqCst)
            })
            .await;
        }
        other.hears(0, &sources[0]).await;
        comes_true("the cluster", || async { one.cache.invalidate_async(&0).await == Delivery::Shared }).await;
        agree(&one, &other, &sources).await;
        cluster.restart(dies);
        cluster.wait_until_well();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_that_a_failover_lost_is_repeated() {
    // The replica never hears of it: replication stops before.
    let mut sentinels = Sentinels::start(1);
    let [one, other] = [(); 2].map(|()| node(&sentinels.url()));
    let sources = sources(4);
    for key in 0..4 {
        one.hears(key, &sources[key as usize]).await;
        other.hears(key, &sources[key as usize]).await;
    }
    cachekit_runtime::flush().await;
    comes_true("the replica", || async {
        let text = sentinels.server(1).cli(&["KEYS", "ck:default:d:*"]);
        text.lines().count() == 4
    })
    .await;
    // Otherwise it would find the invalidations in its socket when it goes on.
    let replica = sentinels.server(1).pause();
    sentinels.server(0).cli(&["CLIENT", "KILL", "TYPE", "replica"]);
    for key in 0..4_u64 {
        sources[key as usize].store(2, Ordering::SeqCst);
        assert_eq!(one.cache.invalidate_async(&key).await, Delivery::Shared);
    }
    // It is acknowledged, and goes with the server.
    let first = sentinels.server(0).pid();
    kill(first);
    drop(replica);
    sentinels.wait_for_failover(0);
    for key in 0..4_u64 {
        comes_by("journal", "it is repeated", || async {
            other.call(key, &sources[key as usize]).await == 2 && one.call(key, &sources[key as usize]).await == 2
        })
        .await;
        comes_by("journal", "it stays so", || async {
            other.hears(key, &sources[key as usize]).await;
            other.call(key, &sources[key as usize]).await == 2
        })
        .await;
    }
    agree(&one, &other, &sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_master_with_a_client_on_its_side() {
    let sentinels = Sentinels::start(1);
    let proxies: Vec<_> = sentinels.sentinels().iter().map(|sentinel| FaultProxy::before(sentinel.port())).collect();
    let ports: Vec<u16> = proxies.iter().map(FaultProxy::port).collect();
    // The one that stays on its side hears nothing of the sentinels any more.
    let (one, other) = (node(&sentinels.url_with(&ports)), node(&sentinels.url()));
    let sources = sources(8);
    for key in 0..8 {
        one.hears(key, &sources[key as usize]).await;
        other.hears(key, &sources[key as usize]).await;
    }
    cachekit_runtime::flush().await;
    comes_true("the replica", || async { sentinels.server(1).cli(&["KEYS", "ck:default:d:*"]).lines().count() == 8 })
        .await;
    proxies.iter().for_each(|proxy| proxy.set(Fault::Refused));
    sentinels.depose(1);
    comes_true("the other goes over", || async {
        other.call(0, &sources[0]).await;
        // Sentinels hear something too.
        let hearing = sentinels.server(1).cli(&["CLIENT", "LIST", "TYPE", "pubsub"]);
        hearing.lines().filter(|line| !line.contains("name=sentinel")).count() == 1
    })
    .await;
    for key in 0..8_u64 {
        sources[key as usize].store(2, Ordering::SeqCst);
        assert_eq!(one.cache.invalidate_async(&key).await, Delivery::Shared, "it is a master for this one");
        assert_eq!(one.call(key, &sources[key as usize]).await, 2, "who invalidates sees it at once");
    }
    // The others are told when it has stepped down: by the one that was on its side.
    sentinels.step_down(0, 1);
    proxies.iter().for_each(|proxy| proxy.set(Fault::None));
    for key in 0..8_u64 {
        comes_by("journal", "it is repeated", || async {
            one.call(key, &sources[key as usize]).await == 2 && other.call(key, &sources[key as usize]).await == 2
        })
        .await;
    }
    agree(&one, &other, &sources).await;
}

#[test]
fn without_the_journal_what_a_failover_lost_stays_lost() {
    fails_without("journal", "an_invalidation_that_a_failover_lost_is_repeated", "in vain: it");
}

#[test]
fn without_the_journal_what_a_deposed_master_took_stays_lost() {
    fails_without("journal", "a_deposed_master_with_a_client_on_its_side", "in vain: it");
}

/// `kill -9`, of a server that something else looks at meanwhile.
fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "kill -9 {pid}");
}

/// How often a master was called since, but for who asks.
fn since(before: &BTreeMap<String, u64>, master: &RedisServer) -> BTreeMap<String, u64> {
    let since = master.calls().into_iter().map(|(name, count)| {
        let count = count - before.get(&name).copied().unwrap_or(0);
        (name, count)
    });
    since.filter(|(name, count)| name != "info" && *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_process_costs_each_master_little() {
    // A beat, sent at once, and the look at the map.
    let idle = ["get", "time", "cluster|info", "cluster|slots"];
    let cluster = Cluster::start(3, 0);
    let one = node(&cluster.url());
    one.hears(1, &AtomicU64::new(1)).await;
    let lag = Lag::watch();
    let masters: Vec<&RedisServer> = (0..3).map(|master| cluster.node(master)).collect();
    for master in &masters {
        comes_true("nothing but that for a while", || async {
            let before = master.calls();
            tokio::time::sleep(Duration::from_millis(1_500)).await; // sleeps: what nobody calls for is what counts
            since(&before, master).keys().all(|name| idle.contains(&name.as_str()))
        })
        .await;
    }
    let lost = lag.settled().await;
    // What is sent at once is read at once. Who asks how much that was is two reads more.
    let reads = |master: &RedisServer| master.info("total_reads_processed").parse::<u64>().expect("a number");
    let before: Vec<_> = masters.iter().map(|master| (reads(master), master.calls(), Instant::now())).collect();
    tokio::time::sleep(Duration::from_secs(10)).await; // sleeps: as above
    let after: Vec<_> =
        masters.iter().zip(&before).map(|(master, (_, calls, _))| (since(calls, master), reads(master))).collect();
    // On a busy machine answers are late, which is asked about.
    let lates = (lag.settled().await - lost).as_secs_f64() * 10.0;
    for ((calls, reads), (reads_before, _, start)) in after.into_iter().zip(before) {
        let (seconds, commands, trips) =
            (start.elapsed().as_secs_f64(), calls.values().sum::<u64>(), reads - reads_before);
        // A beat may fall on either end; what else there is, such as a question after a late answer, is a trip of its own.
        assert!(
            commands as f64 <= 7.0 * (seconds + 1.0) + 2.0 * lates,
            "{commands} commands in {seconds} s: {calls:?}"
        );
        assert!(trips as f64 <= 3.0 * (seconds + 1.0) + 4.0 + lates, "{trips} trips in {seconds} s: {calls:?}");
        assert!(calls.get("time").is_some_and(|beats| *beats as f64 >= seconds), "it does not listen: {calls:?}");
    }
}
