//! `#[cache(backend = "redis")]` on a Cluster and behind sentinels, from the configuration to the value. It is settled once in a process, so each case is
//! a child.

use cachekit::{Delivery, cache, configure, invalidate};
use cachekit_tests::{
    child,
    redis_server::{Cluster, RedisServer, Sentinels},
    waiting::comes_true,
};
use std::{
    path::PathBuf,
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

static TAGGED_LOADS: AtomicU64 = AtomicU64::new(0);

#[cache(
    backend = ["memory", "redis"],
    ttl = "600s",
    name = "users",
    version = 1,
    tags = ["team:{team}"],
    timeout = "20s"
)]
async fn user(id: u64, team: u64) -> u64 {
    TAGGED_LOADS.fetch_add(1, Ordering::Relaxed);
    id + team
}

#[invalidate(user(id, team))]
async fn change_user(id: u64, team: u64) {}

#[invalidate(tags = ["team:{team}"])]
async fn change_team(team: u64) {}

const FOLDER: &str = "FOLDER_OF_THE_TEST";

/// One process has copies in memory, another one changes what they are of by functions that say so.
async fn of_two_processes(role: &str) {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let is_there = |step: &'static str| {
        let file = folder.join(step);
        comes_true(step, move || {
            let is_there = file.exists();
            async move { is_there }
        })
    };
    let done = |step: &str| std::fs::write(folder.join(step), "").unwrap();
    let loads = || TAGGED_LOADS.load(Ordering::Relaxed);
    if role == "changes" {
        is_there("copied").await;
        change_user(1, 7).await;
        done("a user changed");
        is_there("seen").await;
        change_team(7).await;
        done("a team changed");
        return;
    }
    // Until it hears of changes nothing is a copy for longer than a look.
    comes_true("copies", || async {
        for id in 1..=3 {
            user(id, 7).await;
        }
        user(4, 8).await;
        user::stats().entries == 4
    })
    .await;
    assert_eq!(loads(), 4);
    done("copied");
    is_there("a user changed").await;
    comes_true("news of a key", || async { user(1, 7).await == 8 && loads() == 5 }).await;
    for id in 2..=3 {
        user(id, 7).await;
    }
    assert_eq!(loads(), 5, "the others are as they were");
    done("seen");
    is_there("a team changed").await;
    comes_true("news of a tag", || async {
        for id in 1..=3 {
            user(id, 7).await;
        }
        loads() == 8
    })
    .await;
    user(4, 8).await;
    assert_eq!(loads(), 8, "of another team");
}

#[test]
fn what_one_process_changes_another_sees() {
    if let Some(role) = child::role() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let settings = configure().redis(std::env::var(URL).unwrap()).redis_response_timeout(Duration::from_secs(20));
        settings.strict(true).apply().unwrap();
        return runtime.block_on(of_two_processes(&role));
    }
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    std::thread::scope(|threads| {
        for role in ["keeps", "changes"] {
            let (url, folder) = (server.url(), folder.path());
            threads.spawn(move || {
                child::run("what_one_process_changes_another_sees", role, |command| {
                    command.env(URL, url).env(FOLDER, folder).current_dir(folder);
                    child::unconfigured(command);
                })
            });
        }
    });
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
