//! A server that throws away what it has no room for, tags first or anything: that costs loads, and nothing that is not true any more is given.

use cachekit_runtime::{Builder, Cache, Delivery, Place, backend::redis::Settings, invalidate_tag_async};
use cachekit_tests::{
    node::Node,
    redis_server::RedisServer,
    waiting::{comes_true, eventually},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::Mutex;

/// What a tag's invalidation comes to depends on all servers of the process.
static TURN: Mutex<()> = Mutex::const_new(());

/// Longer than a server needs on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

fn redis(server: &RedisServer) -> Place {
    Place::own(Settings::new(server.url()).response_timeout(PATIENCE).open().expect("settings"))
}

/// With memory in front of it, if it is `near`.
fn node(name: &'static str, server: &RedisServer, tags: u64, near: bool) -> Node {
    let tagged = move |key: &u64| vec![format!("{name}:{}", key % tags)];
    let builder: Builder<u64, u64> = Cache::builder().name(name).ttl(Duration::from_secs(600)).timeout(PATIENCE);
    let places = near.then(Place::memory).into_iter().chain([redis(server)]);
    Node { cache: builder.tags_with(tagged).backends(places).build() }
}

async fn synced() {
    comes_true("an answer in time", || async { cachekit_runtime::sync().await.is_ok() }).await;
}

fn keys(server: &RedisServer, pattern: &str) -> Vec<String> {
    server.cli(&["KEYS", pattern]).lines().filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// Stores what nobody asks for, more in one go than one command would.
fn fill(server: &RedisServer, round: u64) {
    const FILL: &str = "for at=1,64 do redis.call('SET','junk:'..ARGV[1]..':'..at,string.rep('x',4096)) end";
    server.cli(&["EVAL", FILL, "0", &round.to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_whose_tags_were_evicted_are_misses() {
    const NAME: &str = "evicted";
    let _turn = TURN.lock().await;
    let settings = RedisServer::options().set("maxmemory", "6mb").set("maxmemory-policy", "allkeys-lru");
    let server = settings.set("maxmemory-samples", "64").start();
    let nodes = [true, true, false].map(|near| node(NAME, &server, 4, near));
    let source = AtomicU64::new(1);
    for round in 1..=3_u64 {
        for key in 0..20 {
            for node in &nodes {
                assert_eq!(node.call(key, &source).await, round, "of key {key}");
            }
        }
        nodes[0].hears(0, &source).await;
        cachekit_runtime::flush().await;
        let versions = |of: &[String]| of.iter().map(|tag| server.cli(&["GET", tag])).collect::<Vec<_>>();
        let (tags, data) = (keys(&server, "ck:default:s:t:*"), keys(&server, "ck:default:d:*"));
        assert_eq!((tags.len(), data.len()), (4, 20));
        let before = versions(&tags);
        // All but the tags is in use, so that they are what goes first, and then what was stored to fill it, of which the server has a lot.
        let used: Vec<String> =
            [data.clone(), keys(&server, "ck:default:s:[gb]:*"), keys(&server, "ck:default:f:*")].concat();
        let touch: Vec<&str> = ["TOUCH"].into_iter().chain(used.iter().map(String::as_str)).collect();
        let idle = |key: &str, seconds: u64| {
            eventually("the server's clock goes on", || {
                server.cli(&touch);
                server.cli(&["OBJECT", "IDLETIME", key]).parse::<u64>().is_ok_and(|idle| idle >= seconds)
            });
        };
        idle(&tags[0], 2);
        (0..12).for_each(|number| fill(&server, round * 10_000 + number));
        idle(&format!("junk:{}:1", round * 10_000 + 11), 2);
        let mut number = 12;
        while !keys(&server, "ck:default:s:t:*").is_empty() {
            number += 1;
            assert!(number < 1_000, "they are never evicted");
            fill(&server, round * 10_000 + number);
            server.cli(&touch);
        }
        assert!(server.info("evicted_keys").parse::<u64>().expect("a number") > 0);
        assert_eq!(keys(&server, "ck:default:d:*").len(), 20, "the entries are there still");
        // Nobody has invalidated anything, but of what has none of its tags nobody could say so.
        source.store(round + 1, Ordering::SeqCst);
        synced().await;
        for key in 0..20 {
            for node in &nodes {
                assert_eq!(node.call(key, &source).await, round + 1, "of key {key}");
            }
        }
        cachekit_runtime::flush().await;
        // Back, with versions that they never had, and good for invalidations as before.
        assert_eq!(keys(&server, "ck:default:s:t:*").len(), 4);
        assert!(versions(&tags).iter().all(|version| !before.contains(version)));
        source.store(round + 10, Ordering::SeqCst);
        for node in &nodes {
            assert_eq!(node.call(1, &source).await, round + 1, "a hit");
        }
        assert_eq!(invalidate_tag_async(&format!("{NAME}:1")).await, Delivery::Shared);
        synced().await;
        for node in &nodes {
            assert_eq!((node.call(1, &source).await, node.call(2, &source).await), (round + 10, round + 1));
        }
        source.store(round + 1, Ordering::SeqCst);
        assert_eq!(invalidate_tag_async(&format!("{NAME}:1")).await, Delivery::Shared);
        synced().await;
    }
}

/// Entries, tags, generations, sets of fingerprints, boot keys: whatever it is, at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_anything_is_evicted_nothing_is_older_than_a_sync_allows() {
    const NAME: &str = "evicting";
    const KEYS: u64 = 24;
    let _turn = TURN.lock().await;
    let server = RedisServer::options().set("maxmemory", "4mb").set("maxmemory-policy", "allkeys-random").start();
    let nodes = [true, true, false].map(|near| node(NAME, &server, 3, near));
    let sources: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(1)).collect();
    let evicted = || server.info("evicted_keys").parse::<u64>().expect("a number");
    let before = evicted();
    let mut lost = 0;
    for round in 0..120_u64 {
        for key in 0..KEYS {
            nodes[(round % 3) as usize].call(key, &sources[key as usize]).await;
        }
        // Of these keys, by name or by a tag that all of them have.
        let changed: Vec<u64> = match round % 2 {
            0 => (0..KEYS).filter(|key| key % 3 == round % 3).collect(),
            _ => vec![round % KEYS],
        };
        for key in &changed {
            sources[*key as usize].fetch_add(1, Ordering::SeqCst);
        }
        fill(&server, round);
        let delivery = match round % 2 {
            0 => invalidate_tag_async(&format!("{NAME}:{}", round % 3)).await,
            _ => nodes[(round % 3) as usize].cache.invalidate_async(&changed[0]).await,
        };
        assert_eq!(delivery, Delivery::Shared);
        fill(&server, 1_000 + round);
        synced().await;
        lost += 3 - keys(&server, "ck:default:s:t:*").len();
        for key in &changed {
            let now = sources[*key as usize].load(Ordering::SeqCst);
            for node in &nodes {
                assert_eq!(node.call(*key, &sources[*key as usize]).await, now, "key {key} in round {round}");
            }
        }
    }
    assert!(
        evicted() - before > 1_000 && lost > 30,
        "{} keys were evicted, a tag was missing {lost} times",
        evicted() - before
    );
    let hits: u64 = nodes[..2].iter().map(|node| node.cache.stats().hits).sum();
    assert!(hits > 0, "memory is never used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_is_prolonged_below_half_of_its_time() {
    const NAME: &str = "prolonged";
    const DAY: u64 = 24 * 3_600_000;
    let _turn = TURN.lock().await;
    let server = RedisServer::start();
    let tag = &*format!("ck:default:s:t:{{{NAME}:0}}");
    let left = || server.cli(&["PTTL", tag]).parse::<u64>().expect("a time");
    let source = AtomicU64::new(1);
    let first = node(NAME, &server, 1, true);
    first.call(1, &source).await;
    cachekit_runtime::flush().await;
    let version = server.cli(&["GET", tag]);
    assert!(left() > 59 * DAY, "{}", left());
    // As a process does that has not heard of the tag yet.
    for (key, days, prolonged) in [(2, 31, false), (3, 29, true), (4, 1, true)] {
        server.cli(&["PEXPIRE", tag, &(days * DAY).to_string()]);
        node(NAME, &server, 1, true).call(key, &source).await;
        assert_eq!(left() > 59 * DAY, prolonged, "{} of {days} days", left());
        assert_eq!(server.cli(&["GET", tag]), version);
    }
    source.store(2, Ordering::SeqCst);
    assert_eq!(first.call(1, &source).await, 1, "what has it is valid still");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_invalidate_a_tag_is_one_command_however_many_have_it() {
    const NAME: &str = "many";
    const KEYS: u64 = 5_000;
    let _turn = TURN.lock().await;
    let server = RedisServer::start();
    let nodes = [true, false].map(|near| node(NAME, &server, 1, near));
    let all: Vec<u64> = (0..KEYS).collect();
    let load = |missing: Vec<u64>| async move {
        missing.into_iter().map(|key| (key, key)).collect::<std::collections::HashMap<_, _>>()
    };
    for node in &nodes {
        assert_eq!(node.cache.get_or_compute_many_async(&all, load).await.len(), all.len());
        cachekit_runtime::flush().await;
    }
    assert_eq!(keys(&server, "ck:default:d:*").len(), all.len());
    let before = server.calls();
    assert_eq!(invalidate_tag_async(&format!("{NAME}:0")).await, Delivery::Shared);
    synced().await;
    let mut since = server.calls();
    since.retain(|name, count| {
        *count -= before.get(name).copied().unwrap_or(0);
        // What is asked twice a second, and by a `sync`.
        *count > 0 && !["get", "time", "ping", "info"].contains(&name.as_str())
    });
    // Each node tells the server, since each could have one of its own.
    let each = nodes.len() as u64;
    assert_eq!(since, [("publish", each), ("unlink", each)].map(|(name, count)| (name.to_owned(), count)).into());
    for node in &nodes {
        assert!(node.cache.get_many_async(&all).await.iter().all(Option::is_none));
    }
    assert_eq!(keys(&server, "ck:default:d:*").len(), all.len(), "what they take up goes with their time");
}
