//! A tag of ten thousand entries is made stale under load, from four processes: each entry is loaded anew about once in all of them, and nobody waits for it.

use cachekit_runtime::{Cache, Place, flush, invalidate_tag_soft_async};
use cachekit_tests::{
    child,
    redis_server::RedisServer,
    waiting::{PATIENCE, comes_true},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const KEYS: u64 = 10_000;
const PROCESSES: u64 = 4;

/// The processes meet where all have left a file of this name.
async fn meet(place: &Path, what: &str, number: u64) {
    std::fs::write(place.join(format!("{what}.{number}")), "").expect("a file");
    comes_true(what, || async { (0..PROCESSES).all(|number| place.join(format!("{what}.{number}")).exists()) }).await;
}

/// By the clock of the machine, which all of them have.
fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis()).expect("a number")
}

#[test]
fn ten_thousand_entries_become_stale_under_load_from_four_processes() {
    const TEST: &str = "soft_redis::ten_thousand_entries_become_stale_under_load_from_four_processes";
    if let Some(role) = child::role() {
        let [number, url, place] = &role.split('|').collect::<Vec<_>>()[..] else { panic!("{role}") };
        return process(number.parse().expect("a number"), url, &PathBuf::from(place));
    }
    let server = RedisServer::start();
    let place = tempfile::tempdir().expect("a place");
    let run = |number: u64| {
        let role = format!("{number}|{}|{}", server.url(), place.path().display());
        child::run(TEST, &role, |_| {})
    };
    let said: Vec<String> = thread::scope(|scope| {
        let all: Vec<_> = (0..PROCESSES).map(|number| scope.spawn(move || run(number))).collect();
        all.into_iter().map(|child| child.join().expect("a process")).collect()
    });
    let sum = |what: &str| -> u64 {
        said.iter()
            .map(|text| {
                let line = text.lines().find_map(|line| line.trim().strip_prefix(what)).expect(what);
                line.trim().parse::<u64>().expect(what)
            })
            .sum()
    };
    let (loads, waited, stale) = (sum("loads:"), sum("waited:"), sum("stale:"));
    println!("{loads} loads of {KEYS} entries, {waited} of them waited for, {stale} stale values given");
    assert_eq!(waited, 0, "nobody waits for a load");
    assert!((KEYS..=KEYS + KEYS / 50).contains(&loads), "{loads}: about one for each entry");
    assert!(stale >= KEYS, "{stale}: they were read meanwhile");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn process(number: u64, url: &str, place: &Path) {
    let cache: Cache<u64, u64> = Cache::builder()
        .name("soft_redis::load")
        .capacity(2 * KEYS as usize)
        .ttl(Duration::from_secs(600))
        .stale_while_revalidate(Duration::from_secs(120))
        .timeout(Duration::from_secs(5))
        .tags_with(|key| vec![format!("some:{}", key % 16), "all".to_owned()])
        .backends([Place::memory(), Place::own(settings(url))])
        .build();
    let (loads, waited) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let call = |key: u64| {
        let (cache, loads, waited) = (cache.clone(), loads.clone(), waited.clone());
        async move {
            let caller = tokio::task::id();
            let load = move || async move {
                loads.fetch_add(1, Ordering::SeqCst);
                // A refresh is a task of its own.
                waited.fetch_add(u64::from(tokio::task::id() == caller), Ordering::SeqCst);
                let at = now();
                tokio::time::sleep(Duration::from_millis(20)).await; // sleeps: others have to meet the load
                at
            };
            cache.get_or_refresh_async(&key, load).await
        }
    };
    // Each loads a part, and then reads all.
    for part in [number..number + 1, 0..PROCESSES] {
        let keys: Vec<u64> = (0..KEYS).filter(|key| part.contains(&(key % PROCESSES))).collect();
        for some in keys.chunks(256) {
            let calls: Vec<_> = some.iter().map(|key| tokio::spawn(call(*key))).collect();
            for called in calls {
                called.await.expect("no panic");
            }
        }
        flush().await;
        meet(place, &format!("filled.{}", part.end - part.start), number).await;
    }
    let (loads_before, waited_before) = (loads.load(Ordering::SeqCst), waited.load(Ordering::SeqCst));
    meet(place, "begin", number).await;
    if number == 0 {
        let begin = now();
        cachekit_tests::waiting::shared(|| invalidate_tag_soft_async("all")).await;
        std::fs::write(place.join("softening"), begin.to_string()).expect("a file");
        std::fs::rename(place.join("softening"), place.join("softened")).expect("a file");
    }
    // In an order of its own, until everything is new.
    let (mut stale, mut is_new, mut begin) = (0_u64, vec![false; KEYS as usize], None);
    let stride = [1, 3, 7, 9_999][number as usize % 4];
    let deadline = Instant::now() + PATIENCE;
    while is_new.contains(&false) {
        assert!(Instant::now() < deadline, "not all values are new");
        let order: Vec<u64> = (0..KEYS).map(|at| at * stride % KEYS).collect();
        for some in order.chunks(64) {
            let calls: Vec<_> = some.iter().map(|key| (*key, tokio::spawn(call(*key)))).collect();
            for (key, called) in calls {
                let value = called.await.expect("no panic");
                if begin.is_none() {
                    begin =
                        std::fs::read_to_string(place.join("softened")).ok().and_then(|text| text.parse::<u64>().ok());
                }
                match begin {
                    Some(begin) if value >= begin => is_new[key as usize] = true,
                    Some(_) => stale += 1,
                    None => {}
                }
            }
        }
    }
    flush().await;
    let (made, waited) = (loads.load(Ordering::SeqCst) - loads_before, waited.load(Ordering::SeqCst) - waited_before);
    println!("\nloads: {made}\nwaited: {waited}\nstale: {stale}");
    meet(place, "ended", number).await;
}

fn settings(url: &str) -> cachekit_runtime::backend::redis::RedisBackend {
    cachekit_runtime::backend::redis::Settings::new(url)
        .response_timeout(Duration::from_secs(5))
        .open()
        .expect("settings")
}
