//! Tiers that the configuration switches off or points elsewhere while calls go on, over real servers and stores.

use cachekit_runtime::{
    Cache, Delivery, Outcome, OutcomeKind, Place, Setting, Tier, flush, registry, reload_configuration,
};
use cachekit_tests::{
    child::{self, is_configured},
    redis_server::{RedisServer, calls_at},
    waiting::eventually,
};
use std::{fs, time::Duration};

/// Has this be what the file says of `shop::user`, and of nothing else but connections.
fn reload(tiers: &str) {
    let connections = std::env::var("TESTED_CONNECTIONS").expect("it was said");
    fs::write("cachekit.toml", format!("{connections}\n{tiers}")).expect("the file");
    reload_configuration().expect("no mistake");
}

fn cache(places: impl IntoIterator<Item = Place>) -> Cache<u64, u64> {
    Cache::builder().name("shop::user").ttl(Duration::from_secs(600)).backends(places).build()
}

/// What a call gives that would compute this.
fn call(cache: &Cache<u64, u64>, key: u64, value: u64) -> u64 {
    let given = cache.get_or_compute(&key, || value);
    flush().wait();
    given
}

#[test]
fn a_file_store_is_switched_off_and_pointed_elsewhere() {
    let connections = "[file]\ndirectory = 'here'";
    let test = "a_file_store_is_switched_off_and_pointed_elsewhere";
    if !is_configured(test, connections, |command, _| _ = command.env("TESTED_CONNECTIONS", connections)) {
        return;
    }
    let cache = cache([Place::memory(), Place::file()]);
    let drop_memory = || _ = cache.retain(|_, _| false);
    assert_eq!((call(&cache, 1, 10), call(&cache, 2, 20)), (10, 20));
    drop_memory();
    assert_eq!(call(&cache, 1, 11), 10, "from the store");

    reload("[caches.'shop::*'.tiers]\nfile = false");
    assert_eq!(cache.stats().entries, 0, "copies of it are dropped");
    assert_eq!(call(&cache, 1, 12), 12, "nobody looks there");
    drop_memory();
    assert_eq!(call(&cache, 1, 13), 13, "and nobody stores there");
    let tiers = registry::find("shop::user").expect("it is there").tiers();
    assert_eq!(
        tiers.iter().map(|tier| (tier.tier, tier.is_used)).collect::<Vec<_>>(),
        [(Tier::Memory, true), (Tier::File, false)]
    );
    // Told all the same: what it has of 1 is not to come back.
    assert_eq!(cache.invalidate(&1), Delivery::Queued);
    let is_told =
        || registry::find("shop::user").is_some_and(|any| any.tiers().iter().all(|tier| tier.undelivered == 0));
    eventually("the store is told", is_told);

    reload("[caches.'shop::user'.tiers]\nfile = 'there'");
    assert_eq!(call(&cache, 2, 22), 22, "another store");
    drop_memory();
    assert_eq!(call(&cache, 2, 23), 22);
    assert!(fs::metadata("there").is_ok_and(|there| there.is_dir()));
    cache.insert(3, 33);

    reload("");
    assert_eq!(call(&cache, 1, 14), 14, "it was invalidated while the store was off");
    assert_eq!(call(&cache, 2, 24), 20, "as it was");
    reload("[caches.'shop::user'.tiers]\nmemory = false");
    assert_eq!(call(&cache, 2, 25), 20);
    assert_eq!(cache.stats().entries, 0, "nothing is kept in memory");
}

#[test]
fn a_redis_is_switched_off_and_pointed_elsewhere() {
    let test = "a_redis_is_switched_off_and_pointed_elsewhere";
    if child::role().is_none() {
        let (one, other) = (RedisServer::start(), RedisServer::start());
        let connections = format!("[redis]\nurl = '{}'", one.url());
        is_configured(test, &connections, |command, _| {
            command.env("TESTED_CONNECTIONS", &connections).env("TESTED_OTHER", other.url());
        });
        let of = |server: &RedisServer| server.cli(&["KEYS", "ck:*:d:*"]).lines().filter(|key| !key.is_empty()).count();
        assert_eq!((of(&one), of(&other)), (2, 2));
        return;
    }
    let other = std::env::var("TESTED_OTHER").expect("it was said");
    let elsewhere = format!("[caches.'shop::user'.tiers]\nredis = '{other}'");
    let cache = cache([Place::memory(), Place::redis()]);
    // As another process has it.
    let copy = |places: [Place; 1]| -> Cache<u64, u64> {
        Cache::builder().name("shop::user").ttl(Duration::from_secs(600)).backends(places).build()
    };
    let at_first = copy([Place::redis()]);
    assert_eq!((call(&cache, 1, 10), call(&cache, 2, 20)), (10, 20));

    reload(&elsewhere);
    assert_eq!((call(&cache, 1, 11), call(&cache, 2, 21)), (11, 21), "another server");
    assert_eq!(call(&cache, 1, 12), 11);
    // What others change there is told.
    let beside = registry::find("shop::user").expect("it is there");
    assert!(beside.tiers().iter().any(|tier| tier.tier == Tier::Redis && !tier.is_used), "the first one is told still");
    assert_eq!(cache.invalidate(&1), Delivery::Queued);
    eventually("the first server is told", || beside.tiers().iter().all(|tier| tier.undelivered == 0));
    assert_eq!(at_first.get(&1), None, "also where nobody looks any more");
    assert_eq!(call(&cache, 1, 13), 13);

    reload("[caches.'shop::user'.tiers]\nredis = false");
    assert_eq!((call(&cache, 1, 14), call(&cache, 2, 24)), (14, 24), "memory alone");
    assert_eq!(call(&cache, 1, 15), 14);

    reload("");
    assert_eq!(call(&cache, 1, 16), 16, "it was invalidated meanwhile");
    assert_eq!(call(&cache, 2, 26), 20, "as the first server has it");
    // A copy near by hears of what others do there.
    assert_eq!(call(&cache, 2, 27), 20);
    at_first.invalidate(&2);
    eventually("the copy has gone", || cache.get(&2).is_none());
    assert_eq!(call(&cache, 2, 28), 28);
}

#[test]
fn calls_go_on_while_tiers_come_and_go() {
    let connections = "[file]\ndirectory = 'here'";
    let test = "calls_go_on_while_tiers_come_and_go";
    if !is_configured(test, connections, |command, _| _ = command.env("TESTED_CONNECTIONS", connections)) {
        return;
    }
    let cache = cache([Place::memory(), Place::file()]);
    let versions: Vec<std::sync::atomic::AtomicU64> = (0..16).map(|_| Default::default()).collect();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..60 {
                let tiers = ["file = false", "file = 'there'", "memory = false", ""][round % 4];
                reload(&format!("[caches.'shop::user'.tiers]\n{tiers}"));
            }
            is_over.store(true, std::sync::atomic::Ordering::Release);
        });
        // Each key has one thread that changes it: what it reads after its own invalidation is what is true.
        for thread in 0..2_u64 {
            let (cache, versions, is_over) = (&cache, &versions, &is_over);
            scope.spawn(move || {
                let mut round = 0;
                while !is_over.load(std::sync::atomic::Ordering::Acquire) {
                    round += 1;
                    let key = (round % 8) * 2 + thread;
                    let version = &versions[key as usize];
                    if round % 3 == 0 {
                        version.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        cache.invalidate(&key);
                    }
                    let now = version.load(std::sync::atomic::Ordering::SeqCst);
                    let given = cache.get_or_compute(&key, || version.load(std::sync::atomic::Ordering::SeqCst));
                    assert_eq!(given, now, "{key} in round {round}");
                }
            });
        }
    });
}

#[test]
fn what_a_file_has_beside_a_redis_counts_for_nothing_without_it() {
    let test = "what_a_file_has_beside_a_redis_counts_for_nothing_without_it";
    if child::role().is_none() {
        let server = RedisServer::start();
        let connections = format!("[redis]\nurl = '{}'\n[file]\ndirectory = 'here'", server.url());
        is_configured(test, &connections, |command, _| _ = command.env("TESTED_CONNECTIONS", &connections));
        return;
    }
    let cache = cache([Place::memory(), Place::file(), Place::redis()]);
    let other: Cache<u64, u64> =
        Cache::builder().name("shop::user").ttl(Duration::from_secs(600)).backends([Place::redis()]).build();
    assert_eq!((call(&cache, 1, 10), call(&cache, 2, 20)), (10, 20));
    // As another process does it, which knows nothing of this one's file.
    assert_eq!(other.invalidate(&1), Delivery::Shared);
    reload("[caches.'shop::user'.tiers]\nredis = false");
    assert_eq!(call(&cache, 1, 11), 11, "another has invalidated it");
    assert_eq!(call(&cache, 1, 12), 11, "what was stored since counts");
    cache.retain(|_, _| false);
    assert_eq!(call(&cache, 1, 13), 11, "also in the file");
    reload("");
    assert_eq!(call(&cache, 2, 21), 20, "Redis has it still");
}

#[test]
fn what_a_file_has_from_before_a_restart_is_compared_before_it_is_used() {
    const TEST: &str = "what_a_file_has_from_before_a_restart_is_compared_before_it_is_used";
    let near_redis = || cache([Place::file(), Place::redis()]);
    let server = match child::role().as_deref() {
        None => RedisServer::start(),
        Some("fills") => {
            let cache = near_redis();
            for key in 1..=3 {
                assert_eq!(call(&cache, key, 10 * key), 10 * key);
            }
            return;
        }
        // It knows nothing of the other one's file.
        Some("invalidates") => return assert_eq!(cache([Place::redis()]).invalidate(&1), Delivery::Shared),
        Some("begins anew") => {
            let cache = near_redis();
            let port = std::env::var("TESTED_PORT").expect("it was said").parse().expect("a port");
            let heads = || calls_at(port).0.get("getrange").copied().unwrap_or(0);
            let (before, mut outcome) = (heads(), Outcome::new());
            assert_eq!(cache.call(&2).traced(&mut outcome).get_or_compute(|| 21), 20);
            assert_eq!((outcome.kind, outcome.tier), (OutcomeKind::Hit, Some(Tier::File)));
            assert_eq!(heads() - before, 1, "the head was looked at");
            assert_eq!(call(&cache, 1, 11), 11, "it was invalidated meanwhile");
            assert_eq!((call(&cache, 1, 12), call(&cache, 2, 22)), (11, 20));
            return;
        }
        Some(_) => {
            let cache = near_redis();
            return assert_eq!(call(&cache, 3, 31), 31, "there is nobody who could say that it is true still");
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("[redis]\nurl = '{}'\n[file]\ndirectory = 'here'", server.url());
    fs::write(folder.path().join("cachekit.toml"), file).expect("the file");
    let run = |role: &str| {
        child::run(TEST, role, |command| {
            command.current_dir(folder.path()).env("TESTED_PORT", server.port().to_string());
            child::unconfigured(command);
        });
    };
    ["fills", "invalidates", "begins anew"].into_iter().for_each(run);
    let paused = server.pause();
    run("without");
    drop(paused);
}

#[test]
fn a_tier_that_nobody_has_described_is_declared_all_the_same() {
    let connections = "[file]\ndirectory = 'here'";
    let test = "a_tier_that_nobody_has_described_is_declared_all_the_same";
    if !is_configured(test, connections, |command, _| _ = command.env("TESTED_CONNECTIONS", connections)) {
        return;
    }
    let cache = cache([Place::memory(), Place::file(), Place::redis()]);
    let off = "[caches.'shop::user'.tiers]\nredis = false";
    reload(off);
    assert_eq!(call(&cache, 1, 10), 10);
    reload(&format!("{off}\nfile = 'there'"));
    assert_eq!(call(&cache, 1, 11), 11, "it has been read again");
}

#[test]
fn whoever_reloads_first_may_still_say_where_backends_are() {
    let test = "whoever_reloads_first_may_still_say_where_backends_are";
    if !is_configured(test, "[caches.'shop::user']\nttl = '5s'", |_, _| {}) {
        return;
    }
    reload_configuration().expect("no mistake");
    cachekit_runtime::configure().directory("here").apply().expect("nobody has used a backend");
    let cache = cache([Place::memory(), Place::file()]);
    assert_eq!(call(&cache, 1, 10), 10);
    assert!(fs::metadata("here").is_ok_and(|here| here.is_dir()));
}

#[test]
fn one_tier_stays_whatever_is_taken_back() {
    let connections = "[file]\ndirectory = 'here'";
    let test = "one_tier_stays_whatever_is_taken_back";
    if !is_configured(test, connections, |command, _| _ = command.env("TESTED_CONNECTIONS", connections)) {
        return;
    }
    let cache = cache([Place::memory(), Place::file()]);
    let used = || -> Vec<Tier> {
        let tiers = registry::find("shop::user").expect("it is there").tiers();
        tiers.iter().filter(|tier| tier.is_used).map(|tier| tier.tier).collect()
    };
    reload("[caches.'shop::user'.tiers]\nmemory = false");
    assert_eq!((call(&cache, 1, 10), used()), (10, vec![Tier::File]));
    cache.set_tier(Tier::Memory, true).expect("the code declares it");
    cache.set_tier(Tier::File, false).expect("the memory stays");
    assert_eq!((call(&cache, 1, 11), used()), (11, vec![Tier::Memory]));

    cache.take_back(Setting::Tier(Tier::Memory));
    assert_eq!(used(), [Tier::File], "the file says so, and what was said of the other one leaves none");
    assert_eq!(call(&cache, 1, 12), 10);
    cache.take_back(Setting::Tier(Tier::File));
    assert_eq!(used(), [Tier::File]);

    // The other way to come there: the configuration becomes another one beside a change in use.
    reload("");
    cache.set_tier(Tier::Memory, false).expect("the store stays");
    assert_eq!(used(), [Tier::File]);
    reload("[caches.'shop::user'.tiers]\nfile = false");
    assert_eq!(used(), [Tier::Memory]);
    let by_memory = call(&cache, 2, 20);
    assert_eq!((by_memory, call(&cache, 2, 21)), (20, 20));
}
