//! `#[cache(backend = "redis")]` on a Cluster and behind sentinels, from the configuration to the value. It is settled once in a process, so each case is
//! a child.

use cachekit::{Delivery, cache, configure};
use cachekit_tests::{
    child,
    redis_server::{Cluster, Sentinels},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cache(backend = "redis", ttl = "60s", name = "squares", version = 1, timeout = "20s")]
async fn square(number: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::Relaxed);
    number * number
}

#[cache(backend = "redis", ttl = "60s", name = "cubes", version = 1, timeout = "20s")]
fn cube(number: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::Relaxed);
    number * number * number
}

const URL: &str = "TOPOLOGY_OF_THE_TEST";

const CALLS: u64 = 100;

/// The role of the child that fills, and of the one that finds.
fn both(test: &str, url: &str) {
    for role in ["fills", "finds"] {
        child::run(test, role, |command| {
            command.env(URL, url).current_dir(std::env::temp_dir());
            child::unconfigured(command);
        });
    }
}

fn in_the_child(role: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = std::env::var(URL).unwrap();
    let settings = configure().redis(url).redis_response_timeout(Duration::from_secs(20)).strict(true);
    settings.apply().unwrap();
    runtime.block_on(async {
        for number in 0..CALLS {
            assert_eq!(square(number).await, number * number);
        }
    });
    for number in 0..CALLS {
        assert_eq!(cube(number), number * number * number);
    }
    let loads = LOADS.load(Ordering::Relaxed);
    assert_eq!(loads, if role == "fills" { 2 * CALLS } else { 0 }, "{role}");
    if role == "fills" {
        return;
    }
    runtime.block_on(async {
        assert_eq!(square::invalidate(7).await, Delivery::Shared);
        assert_eq!((square(7).await, LOADS.load(Ordering::Relaxed)), (49, 1));
        assert_eq!(square(8).await, 64);
        assert_eq!(square::clear().await, Delivery::Shared);
        assert_eq!((square(8).await, LOADS.load(Ordering::Relaxed)), (64, 2));
    });
    assert_eq!(cube::invalidate(3), Delivery::Shared);
    assert_eq!((cube(3), LOADS.load(Ordering::Relaxed)), (27, 3));
}

#[test]
fn on_a_cluster() {
    if let Some(role) = child::role() {
        return in_the_child(&role);
    }
    let cluster = Cluster::start(3, 0);
    both("on_a_cluster", &cluster.url());
    for node in cluster.nodes() {
        // A third of those of one function; those of the other one may be swept already.
        assert!(node.cli(&["DBSIZE"]).parse::<u64>().unwrap() > CALLS / 5);
        assert_eq!(node.info_if_any("errorstat_CROSSSLOT"), None);
    }
}

#[test]
fn behind_sentinels() {
    if let Some(role) = child::role() {
        return in_the_child(&role);
    }
    let sentinels = Sentinels::start(1);
    both("behind_sentinels", &sentinels.url());
    assert!(sentinels.server(0).cli(&["DBSIZE"]).parse::<u64>().unwrap() > CALLS);
}
