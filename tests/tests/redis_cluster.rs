//! A real Redis Cluster, whose slots move and whose nodes die: every answer is right or an error in time, and it works again afterwards.

use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, Claim, Failure, Fingerprint, HEAD, SharedBackend, Witness,
        redis::{RedisBackend, Settings},
    },
};
use cachekit_tests::{
    redis_server::{Cluster, RedisServer},
    waiting::{PATIENCE, failure, works_again},
};
use std::{
    collections::BTreeSet,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The response timeout where nodes fail.
const TIMEOUT: Duration = Duration::from_millis(150);

/// What a call may take then: the timeout, and a margin for a machine that does other things too.
const IN_TIME: Duration = TIMEOUT.saturating_mul(5);

/// The times of tests in which nothing fails, on a machine that does other things too.
fn open(url: String) -> RedisBackend {
    Settings::new(url).namespace("shop").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn impatient(url: String) -> RedisBackend {
    Settings::new(url).namespace("shop").connect_timeout(2 * TIMEOUT).response_timeout(TIMEOUT).open().unwrap()
}

fn address(number: usize) -> Address {
    Address::new("user", &number.to_string(), Fingerprint(7))
}

/// Its key in Redis.
fn key(number: usize) -> String {
    format!("ck:shop:d:{{user:{number}}}:0000000000000007")
}

fn value(number: usize) -> String {
    format!("value {number}")
}

async fn fill(backend: &RedisBackend, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        backend.set(&address(number), value(number).into(), None).await.unwrap();
    }
}

/// Every element of the batch is answered right.
async fn all_are_there(backend: &RedisBackend, addresses: &[Address]) {
    for (number, found) in backend.get_many(addresses).await.unwrap().into_iter().enumerate() {
        assert_eq!(found.as_deref(), Some(value(number).as_bytes()), "{number}");
    }
}

/// How often the nodes have given this error.
fn errors(cluster: &Cluster, code: &str) -> u64 {
    let of = |node: &RedisServer| -> Option<u64> {
        node.info_if_any(&format!("errorstat_{code}"))?.strip_prefix("count=")?.parse().ok()
    };
    cluster.nodes().iter().filter_map(of).sum()
}

/// How often the nodes have run this command, and how often they have refused to.
fn calls(cluster: &Cluster, command: &str) -> (u64, u64) {
    cluster.nodes().iter().fold((0, 0), |(run, refused), node| {
        let text = node.info_if_any(&format!("cmdstat_{command}")).unwrap_or_default();
        let figure = |name: &str| -> u64 {
            text.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse().ok()).unwrap_or(0)
        };
        (run + figure("calls"), refused + figure("rejected_calls"))
    })
}

/// It works before long; until then each try ends in time.
async fn comes<F: Future<Output = Result<(), Error>>>(what: &str, attempt: impl FnMut() -> F) {
    works_again(what, 3 * IN_TIME, attempt).await;
}

/// How many times a node has read from a connection. One flush of less than 16 KiB is one read.
fn reads(node: &RedisServer) -> u64 {
    node.info("total_reads_processed").parse().unwrap()
}

#[tokio::test]
async fn a_batch_is_one_flush_for_each_node() {
    let cluster = Cluster::start(3, 0);
    let backend = open(cluster.url_of(&[0]));
    let addresses: Vec<_> = (0..300).map(address).collect();
    fill(&backend, 0..300).await;
    // All are connected, and the map is known.
    all_are_there(&backend, &addresses).await;
    // What it costs to ask for the figure itself.
    let own: Vec<_> = cluster.nodes().iter().map(|node| (reads(node), reads(node))).map(|(a, b)| b - a).collect();
    let before: Vec<_> = cluster.nodes().iter().map(reads).collect();
    let gets = calls(&cluster, "get");
    all_are_there(&backend, &addresses).await;
    let after = calls(&cluster, "get");
    assert_eq!((after.0 - gets.0, after.1), (300, gets.1));
    let own_again: Vec<_> = cluster.nodes().iter().map(|node| (reads(node), reads(node))).map(|(a, b)| b - a).collect();
    assert_eq!(own, own_again);
    for (at, node) in cluster.nodes().iter().enumerate() {
        // Between the two figures: this batch, two questions for the calls, two for the reads, and this one.
        let all = reads(node) - before[at];
        assert_eq!(all, 1 + 5 * own[at], "node {at}");
        assert!(node.cli(&["DBSIZE"]).parse::<usize>().unwrap() > 50, "node {at} has nothing");
    }
    assert_eq!(errors(&cluster, "CROSSSLOT") + errors(&cluster, "MOVED"), 0);
}

#[tokio::test]
async fn a_slot_that_moves_is_followed_element_by_element() {
    let cluster = Cluster::start(3, 0);
    let backend = open(cluster.url());
    let addresses: Vec<_> = (0..60).map(address).collect();
    fill(&backend, 0..60).await;
    all_are_there(&backend, &addresses).await;
    let mut moved = BTreeSet::new();
    for number in 0..8 {
        let slot = cluster.slot(&key(number));
        if !moved.insert(slot) {
            continue;
        }
        let to = (cluster.owner_seen_by(0, slot) + 1) % 3;
        // On its way, but no key has moved: the old owner answers.
        let from = cluster.begin_move(slot, to);
        let asked = errors(&cluster, "ASK");
        all_are_there(&backend, &addresses).await;
        assert_eq!(errors(&cluster, "ASK"), asked);
        // The keys are there already: the old owner says where.
        while cluster.move_keys(slot, from, to, 10) > 0 {}
        let (run, refused) = calls(&cluster, "get");
        all_are_there(&backend, &addresses).await;
        let of_slot = (0..60).filter(|number| cluster.slot(&key(*number)) == slot).count() as u64;
        assert_eq!(errors(&cluster, "ASK"), asked + of_slot);
        // Those alone were asked twice, and no server has run one twice.
        assert_eq!(calls(&cluster, "get"), (run + 60, refused + of_slot));
        assert_eq!(backend.get(&address(number)).await.unwrap().as_deref(), Some(value(number).as_bytes()));
        // The new owner.
        cluster.end_move(slot, from, to);
        let moves = errors(&cluster, "MOVED");
        assert_eq!(backend.get(&address(number)).await.unwrap().as_deref(), Some(value(number).as_bytes()));
        assert_eq!(errors(&cluster, "MOVED"), moves + 1);
        all_are_there(&backend, &addresses).await;
    }
    assert!(moved.len() >= 7);
}

/// A command with several keys runs on neither node while its slot is on its way.
#[tokio::test]
async fn an_invalidation_reaches_an_entry_on_its_way() {
    let cluster = Cluster::start(3, 0);
    let (backend, other) = (open(cluster.url()), open(cluster.url()));
    for keys_move in [false, true] {
        for number in 0..3 {
            fill(&other, [number]).await;
            let slot = cluster.slot(&key(number));
            let to = (cluster.owner_seen_by(0, slot) + 1) % 3;
            let from = cluster.begin_move(slot, to);
            if keys_move {
                while cluster.move_keys(slot, from, to, 10) > 0 {}
            }
            let refused = errors(&cluster, "TRYAGAIN");
            backend.remove_many(&[address(number), address(number + 100)]).await.unwrap();
            assert!(errors(&cluster, "TRYAGAIN") > refused, "the script ran");
            assert_eq!(other.get(&address(number)).await.unwrap(), None);
            cluster.move_slot(slot, to);
            assert_eq!(other.get(&address(number)).await.unwrap(), None);
        }
    }
    // Neither an entry nor a signal is left.
    let left: Vec<_> = cluster.nodes().iter().map(|node| node.cli(&["KEYS", "ck:shop:[ds]:{*"])).collect();
    assert!(left.iter().all(String::is_empty), "{left:?}");
}

/// A fill of an entry on its way stores at the new place, with the witness from the old one.
#[tokio::test]
async fn a_fill_goes_on_while_its_slot_moves() {
    let cluster = Cluster::start(3, 0);
    let backend = open(cluster.url());
    for (number, is_invalidated) in [(1, false), (2, true)] {
        let head = Witness([number as u8; HEAD]);
        assert_eq!(backend.claim(&address(number), head, PATIENCE).await.unwrap(), Claim::Ours);
        let slot = cluster.slot(&key(number));
        let to = (cluster.owner_seen_by(0, slot) + 1) % 3;
        let from = cluster.begin_move(slot, to);
        while cluster.move_keys(slot, from, to, 10) > 0 {}
        if is_invalidated {
            backend.remove_many(&[address(number)]).await.unwrap();
        }
        let stored = backend.store(&address(number), head, Some("new".into()), None).await.unwrap();
        assert_eq!(stored, !is_invalidated);
        cluster.end_move(slot, from, to);
        assert_eq!(backend.get(&address(number)).await.unwrap().is_some(), !is_invalidated);
    }
}

/// Writers, readers and invalidations while slots go round: nobody sees another key's value, or an older one than was written last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_under_load() {
    const KEYS: usize = 40;
    let cluster = Cluster::start(3, 0);
    let backend = open(cluster.url());
    let stop = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicU64::new(0));
    // Each writer has its own keys, so that it knows what has to be there.
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (backend, stop, rounds) = (backend.clone(), stop.clone(), rounds.clone());
            tokio::spawn(async move {
                let addresses: Vec<_> = (0..KEYS).map(|at| address(writer * KEYS + at)).collect();
                let mut round = 0;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    for (at, address) in addresses.iter().enumerate() {
                        backend.set(address, format!("{at} {round}").into(), None).await.unwrap();
                    }
                    for (at, found) in backend.get_many(&addresses).await.unwrap().into_iter().enumerate() {
                        assert_eq!(found.as_deref(), Some(format!("{at} {round}").as_bytes()));
                    }
                    backend.remove_many(&addresses[..KEYS / 2]).await.unwrap();
                    for (at, found) in backend.get_many(&addresses).await.unwrap().into_iter().enumerate() {
                        assert_eq!(found.is_some(), at >= KEYS / 2, "{at}");
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let cluster = tokio::task::spawn_blocking({
        let rounds = rounds.clone();
        move || {
            for turn in 0..3 {
                for number in (0..4 * KEYS).step_by(11) {
                    let slot = cluster.slot(&key(number));
                    cluster.move_slot(slot, (cluster.owner_seen_by(0, slot) + 1) % 3);
                }
                let before = rounds.load(Ordering::Relaxed);
                cachekit_tests::eventually("more rounds", || rounds.load(Ordering::Relaxed) > before + turn);
            }
            cluster
        }
    })
    .await
    .unwrap();
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(errors(&cluster, "MOVED") > 0);
    assert_eq!(errors(&cluster, "CROSSSLOT"), 0);
}

#[tokio::test]
async fn a_replica_takes_over_from_a_dead_master() {
    let mut cluster = Cluster::start(3, 1);
    // The seed is the one that dies.
    let backend = impatient(cluster.url_of(&[0]));
    let addresses: Vec<_> = (0..100).map(address).collect();
    fill(&backend, 0..100).await;
    cluster.wait_until_well();
    cluster.kill(0);
    let mut failed = 0;
    let mut last = Ok(());
    // Calls meanwhile end in time, and no answer is wrong.
    let heir = loop {
        for (number, address) in addresses.iter().enumerate() {
            let start = Instant::now();
            last = match backend.get(address).await {
                Ok(found) => {
                    assert_eq!(found.as_deref(), Some(value(number).as_bytes()), "{number}");
                    last
                }
                Err(error) => {
                    failed += 1;
                    Err(error)
                }
            };
            assert!(start.elapsed() <= IN_TIME, "{:?}", start.elapsed());
        }
        if let Some(heir) = (3..6).find(|at| *at % 3 == 0 && cluster.is_master(*at)) {
            break heir;
        }
    };
    assert!(failed > 0, "nobody noticed: {last:?}");
    assert_eq!(cluster.wait_for_failover(0), heir);
    comes("the keys of the dead master", || async {
        for (number, found) in backend.get_many(&addresses).await?.into_iter().enumerate() {
            assert_eq!(found.as_deref(), Some(value(number).as_bytes()), "{number}");
        }
        backend.set(&address(1), value(1).into(), None).await?;
        backend.remove_many(&addresses[50..60]).await?;
        backend.ping().await
    })
    .await;
    fill(&backend, 50..60).await;
    // The dead one comes back as a replica: it is asked nothing, and says who is the master if it were.
    cluster.restart(0);
    cluster.wait_until_well();
    assert!(!cluster.is_master(0));
    all_are_there(&backend, &addresses).await;
    let scanned = scan(&backend).await;
    assert_eq!(scanned.len(), 100);
}

#[tokio::test]
async fn a_replica_takes_over_from_a_master_that_hangs() {
    let mut cluster = Cluster::start(3, 1);
    let backend = impatient(cluster.url());
    let addresses: Vec<_> = (0..100).map(address).collect();
    fill(&backend, 0..100).await;
    cluster.wait_until_well();
    let numbers: Vec<_> =
        (0..100).filter(|number| cluster.owner_seen_by(1, cluster.slot(&key(*number))) == 0).collect();
    assert!(numbers.len() > 10);
    let pid = cluster.node(0).pid();
    cluster.be_quick();
    signal(pid, "STOP");
    let start = Instant::now();
    let (kind, _) = failure(backend.get(&address(numbers[0])).await);
    assert!(start.elapsed() <= IN_TIME, "{:?}", start.elapsed());
    assert_eq!(kind, Failure::Timeout);
    assert_eq!(cluster.wait_for_failover(0), 3);
    comes("the keys of the master that hangs", || async {
        for (number, found) in backend.get_many(&addresses).await?.into_iter().enumerate() {
            assert_eq!(found.as_deref(), Some(value(number).as_bytes()), "{number}");
        }
        Ok(())
    })
    .await;
    backend.set(&address(numbers[0]), "newer".into(), None).await.unwrap();
    signal(pid, "CONT");
    // It steps down as soon as it hears of its heir; nobody reads from it.
    cluster.wait_until_well();
    assert!(!cluster.is_master(0));
    assert_eq!(backend.get(&address(numbers[0])).await.unwrap().as_deref(), Some(&b"newer"[..]));
}

fn signal(pid: u32, signal: &str) {
    let done = std::process::Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(done.is_ok_and(|status| status.success()), "kill -{signal}");
}

/// Without replicas the cluster refuses everything when a master is gone, and says so.
#[tokio::test]
async fn a_cluster_that_is_down_is_busy_and_comes_back() {
    let mut cluster = Cluster::start(3, 0);
    let backend = impatient(cluster.url());
    fill(&backend, 0..30).await;
    cluster.kill(2);
    let alive = (0..30).find(|number| cluster.owner_seen_by(0, cluster.slot(&key(*number))) == 0).unwrap();
    comes("the others to refuse", || async {
        match backend.get(&address(alive)).await {
            Err(Error::Backend { failure: Failure::Busy, .. }) => Ok(()),
            Err(other) => Err(other),
            Ok(_) => Err(Error::backend("test", Failure::Other, "answered still")),
        }
    })
    .await;
    cluster.restart(2);
    cluster.wait_until_well();
    comes("all of them", || async {
        backend.set(&address(1), value(1).into(), None).await?;
        backend.ping().await?;
        let found = backend.get_many(&(0..30).map(address).collect::<Vec<_>>()).await?;
        // Nothing was kept on disk by the one that died.
        assert!(found.iter().flatten().count() >= 10);
        Ok(())
    })
    .await;
}

async fn scan(backend: &RedisBackend) -> BTreeSet<String> {
    let (mut all, mut from) = (BTreeSet::new(), None);
    loop {
        let page = backend.scan(Some("user"), from, 7).await.unwrap();
        assert!(page.entries.len() <= 7);
        all.extend(page.entries.into_iter().map(|entry| entry.address.id().to_owned()));
        from = page.next;
        if from.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn a_scan_walks_over_all_masters_also_over_a_new_one() {
    let mut cluster = Cluster::start(3, 1);
    let backend = open(cluster.url());
    fill(&backend, 0..300).await;
    cluster.wait_until_well();
    assert_eq!(scan(&backend).await.len(), 300);
    // The master that the walk is at dies on the way.
    let first = backend.scan(None, None, 5).await.unwrap();
    let number: usize = first.entries[0].address.id().rsplit(':').next().unwrap().parse().unwrap();
    let at = cluster.owner_seen_by(1, cluster.slot(&key(number)));
    cluster.kill(at);
    let heir = cluster.wait_for_failover(at);
    // Until the map is known the walk fails; where it goes on is the same cursor.
    let (mut met, mut from) = (BTreeSet::new(), first.next.clone());
    met.extend(first.entries.iter().map(|entry| entry.address.id().to_owned()));
    let deadline = Instant::now() + PATIENCE;
    while let Some(cursor) = from.clone() {
        match backend.scan(None, Some(cursor), 50).await {
            Ok(page) => {
                met.extend(page.entries.into_iter().map(|entry| entry.address.id().to_owned()));
                from = page.next;
            }
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
    assert_eq!(met.len(), 300);
    assert!(cluster.is_master(heir));
    backend.clear("user").await.unwrap();
    assert!(scan(&backend).await.is_empty());
}

/// A node that has forgotten its scripts gets the text of those calls alone that it refused.
#[tokio::test]
async fn scripts_are_known_node_by_node() {
    let cluster = Cluster::start(3, 0);
    let backend = open(cluster.url());
    let addresses: Vec<_> = (0..60).map(address).collect();
    fill(&backend, 0..60).await;
    backend.remove_many(&addresses).await.unwrap();
    fill(&backend, 0..60).await;
    cluster.node(1).cli(&["SCRIPT", "FLUSH"]);
    let before = calls(&cluster, "eval");
    backend.remove_many(&addresses).await.unwrap();
    let of_node = addresses.len() as u64;
    let evals = calls(&cluster, "eval").0 - before.0;
    assert!(evals > 0 && evals < of_node, "{evals}");
    assert!(backend.get_many(&addresses).await.unwrap().iter().all(Option::is_none));
    cluster.node(2).cli(&["SCRIPT", "FLUSH"]);
    fill(&backend, 0..60).await;
    all_are_there(&backend, &addresses).await;
}

#[tokio::test]
async fn what_is_no_cluster_is_said() {
    let server = RedisServer::start();
    let backend = impatient(format!("redis-cluster://127.0.0.1:{}", server.port()));
    let (kind, message) = failure(backend.get(&address(1)).await);
    assert_eq!(kind, Failure::Misconfigured, "{message}");
    assert!(message.contains("no node of a cluster") && message.contains("redis://"), "{message}");
    drop(server);
    let backend = impatient("redis-cluster://127.0.0.1:1,127.0.0.1:2".to_owned());
    let (kind, message) = failure(backend.get(&address(1)).await);
    assert_eq!(kind, Failure::Unreachable, "{message}");
}

#[tokio::test]
async fn the_password_is_used_everywhere_and_shown_nowhere() {
    let cluster = Cluster::with(RedisServer::options().password("hunter2"), 3, 0);
    let backend = open(cluster.url_of(&[2]));
    fill(&backend, 0..60).await;
    all_are_there(&backend, &(0..60).map(address).collect::<Vec<_>>()).await;
    assert!(!format!("{backend:?}").contains("hunter2"));
    let wrong = impatient(cluster.url().replace("hunter2", "hunter3"));
    for result in [wrong.get(&address(1)).await, wrong.get(&address(1)).await] {
        let (kind, message) = failure(result);
        assert_eq!(kind, Failure::Misconfigured, "{message}");
        assert!(!message.contains("hunter"), "{message}");
    }
    // A seed that is gone, and a wrong one, do no harm.
    let port = cluster.node(1).port();
    let some = impatient(format!("redis-cluster://:hunter2@127.0.0.1:1,127.0.0.1:{port}"));
    all_are_there(&some, &(0..60).map(address).collect::<Vec<_>>()).await;
}
