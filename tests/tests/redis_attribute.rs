//! Annotated functions over a real Redis: several ids at once, and changes that are said while the server is down. The configuration is settled once in a
//! process, so each case is a child.

use cachekit::{cache, configure, invalidate, registry};
use cachekit_tests::{
    child,
    fault_proxy::{Fault, FaultProxy},
    redis_server::{RedisServer, calls_at},
    waiting::{comes_true, eventually},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const URL: &str = "SERVER_OF_THE_TEST";
const PORT: &str = "PORT_OF_THE_TEST";
const FOLDER: &str = "FOLDER_OF_THE_TEST";

/// Longer than anything here takes on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

fn configured(timeout: Duration) {
    let settings = configure().redis(std::env::var(URL).unwrap()).redis_response_timeout(timeout);
    settings.strict(true).apply().unwrap();
}

fn run(test: &str, role: &str, port: u16, folder: &Path) -> String {
    child::run(test, role, |command| {
        command
            .env(URL, format!("redis://127.0.0.1:{port}"))
            .env(PORT, port.to_string())
            .env(FOLDER, folder)
            .current_dir(folder);
        child::unconfigured(command);
    })
}

static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

fn note(ids: &[u64]) {
    ASKED.lock().unwrap().push(ids.to_vec());
}

fn asked() -> Vec<Vec<u64>> {
    std::mem::take(&mut ASKED.lock().unwrap())
}

fn all(ids: &[u64]) -> HashMap<u64, String> {
    note(ids);
    ids.iter().filter(|id| **id < 1_000).map(|id| (*id, format!("user {id}"))).collect()
}

#[cache(backend = ["memory", "redis"], ttl = "600s", name = "near_user", version = 1, timeout = "20s")]
async fn near_user(id: u64) -> Result<String, String> {
    note(&[id]);
    Ok(format!("user {id}"))
}

#[cache(batch, of = near_user)]
async fn near_users(ids: &[u64]) -> Result<HashMap<u64, String>, String> {
    Ok(all(ids))
}

#[cache(backend = "redis", ttl = "600s", name = "far_user", version = 1, timeout = "20s")]
fn far_user(id: u64) -> Result<String, String> {
    note(&[id]);
    Ok(format!("user {id}"))
}

#[cache(batch, of = far_user)]
fn far_users(ids: &[u64]) -> Result<HashMap<u64, String>, String> {
    Ok(all(ids))
}

#[cache(batch, backend = ["memory", "redis"], ttl = "600s", name = "alone", version = 1, timeout = "20s")]
fn alone(ids: &[u64]) -> Vec<Option<u64>> {
    note(ids);
    ids.iter().map(|id| (*id < 1_000).then(|| id * 2)).collect()
}

/// What the server was asked for.
struct Told {
    /// How often for a value, also by scripts.
    values: u64,
    scripts: u64,
    /// How often it found something to read in a connection.
    trips: u64,
}

impl Told {
    fn of(work: impl FnOnce()) -> Self {
        let server = std::env::var(PORT).unwrap().parse().unwrap();
        let figures = || {
            cachekit_runtime::flush().wait();
            let (calls, trips) = calls_at(server);
            let of = |name: &str| calls.get(name).copied().unwrap_or(0);
            [of("get"), of("evalsha"), trips]
        };
        let before = figures();
        work();
        let [values, scripts, trips] = figures();
        Told { values: values - before[0], scripts: scripts - before[1], trips: trips - before[2] }
    }

    /// So many were looked at in one go, and of these so many claimed and stored. Processes ask for something twice a second besides, and it takes more
    /// than one read to read much.
    #[track_caller]
    fn is(&self, looked: u64, filled: u64) {
        let Told { values, scripts, trips } = self;
        assert!((looked + filled..looked + filled + 40).contains(values), "{values} for {looked} and {filled}");
        // Beside those, once, what concerns all of them.
        let about_all = if filled == 0 { 0 } else { 4 };
        assert!((2 * filled..=2 * filled + about_all).contains(scripts), "{scripts} scripts");
        assert!(*trips < 40, "{trips}");
    }
}

fn batches(role: &str) {
    configured(PATIENCE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (near, far, ids) =
        (|ids: &[u64]| runtime.block_on(near_users(ids)).unwrap(), |ids: &[u64]| far_users(ids).unwrap(), 0..200);
    let ids: Vec<u64> = ids.collect();
    if role == "fills" {
        assert_eq!((near(&ids[..100]).len(), far(&ids[..100]).len(), alone(&ids[..100]).len()), (100, 100, 100));
        assert_eq!(asked(), vec![ids[..100].to_vec(); 3]);
        // What a single call has stored is found by the batch of the other process.
        assert_eq!((runtime.block_on(near_user(150)), far_user(151)), (Ok("user 150".into()), Ok("user 151".into())));
        cachekit_runtime::flush().wait();
        return;
    }
    // In any order, and with one twice.
    let wanted: Vec<u64> = ids.iter().rev().copied().chain([7, 5_000]).collect();
    let missing = |but: u64| -> Vec<u64> {
        wanted.iter().copied().filter(|id| (100..200).contains(id) && *id != but).chain([5_000]).collect()
    };
    for (batch, single) in [(&near as &dyn Fn(&[u64]) -> HashMap<u64, String>, 150), (&far, 151)] {
        let told = Told::of(|| assert_eq!(batch(&wanted).len(), 200));
        assert_eq!(asked(), [missing(single)], "exactly those that nobody had stored");
        told.is(201, 100);
    }
    let told = Told::of(|| assert_eq!(alone(&wanted).iter().flatten().count(), 201));
    assert_eq!(asked(), [missing(0)]);
    told.is(201, 101);
    // The second time: the one has all in memory, the other looks once more, in one go, and neither computes.
    eventually("it hears of changes, and keeps what it has read", || {
        let before = near_user::stats().hits;
        near(&ids);
        near_user::stats().hits == before + 200
    });
    Told::of(|| assert_eq!(near(&ids).len(), 200)).is(0, 0);
    Told::of(|| assert_eq!(far(&ids).len(), 200)).is(200, 0);
    assert!(asked().is_empty());
    // Single calls find what batches have stored, and what one of both invalidates the other computes.
    assert_eq!((runtime.block_on(near_user(199)), far_user(199)), (Ok("user 199".into()), Ok("user 199".into())));
    assert!(asked().is_empty());
    runtime.block_on(near_user::invalidate(3));
    far_user::invalidate(3);
    assert_eq!((near(&ids).len(), far(&ids).len()), (200, 200));
    assert_eq!(asked(), [[3], [3]]);
    runtime.block_on(near_users::invalidate_many(&[4]));
    far_users::invalidate_many(&[4]);
    assert_eq!((runtime.block_on(near_user(4)).unwrap(), far_user(4).unwrap()), ("user 4".into(), "user 4".to_owned()));
    assert_eq!(asked(), [[4], [4]]);
}

#[test]
fn a_batch_computes_what_is_missing_and_asks_each_tier_once() {
    const TEST: &str = "a_batch_computes_what_is_missing_and_asks_each_tier_once";
    if let Some(role) = child::role() {
        return batches(&role);
    }
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    for role in ["fills", "finds"] {
        run(TEST, role, server.port(), folder.path());
    }
}

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cache(backend = ["memory", "redis"], ttl = "600s", name = "account", version = 1)]
async fn account(id: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::SeqCst);
    id * 10
}

#[invalidate(account(id))]
async fn change_account(id: u64) -> Result<u64, String> {
    Ok(id + 1)
}

#[invalidate(account(id))]
async fn fail_to_change_account(id: u64) -> Result<u64, String> {
    Err(format!("{id} is closed"))
}

struct Steps(PathBuf);

impl Steps {
    async fn come(&self, step: &'static str) {
        comes_true(step, || async { self.0.join(step).exists() }).await;
    }

    fn done(&self, step: &str) {
        std::fs::write(self.0.join(step), "").unwrap();
    }
}

async fn copies() {
    comes_true("copies in memory", || async {
        let before = account::stats().hits;
        for id in 1..=3 {
            account(id).await;
        }
        account::stats().hits == before + 3
    })
    .await;
}

async fn of_two_processes(role: &str) {
    let steps = Steps(std::env::var(FOLDER).unwrap().into());
    let loads = || LOADS.load(Ordering::SeqCst);
    if role == "keeps" {
        copies().await;
        assert_eq!(loads(), 3);
        steps.done("kept");
        steps.come("delivered").await;
        comes_true("the news", || async { account(1).await == 10 && loads() == 4 }).await;
        for _ in 0..20 {
            assert_eq!((account(2).await, account(3).await), (20, 30));
        }
        assert_eq!(loads(), 4, "nobody has changed the others");
        return;
    }
    steps.come("kept").await;
    copies().await;
    assert_eq!(loads(), 0, "the other process has stored them");
    steps.done("copied");
    steps.come("down").await;
    let start = Instant::now();
    assert_eq!(change_account(1).await, Ok(2));
    assert_eq!(fail_to_change_account(2).await, Err("2 is closed".to_owned()), "changes nothing");
    assert!(start.elapsed() < 4 * Duration::from_millis(250), "it waits for nobody: {:?}", start.elapsed());
    assert_eq!(account::get(1).await, None, "the copy has gone at once");
    assert_eq!((account(1).await, loads()), (10, 1));
    let undelivered =
        || -> usize { registry::find("account").unwrap().tiers().iter().map(|tier| tier.undelivered).sum() };
    assert_eq!(undelivered(), 1);
    steps.done("changed");
    comes_true("the delivery", || async { undelivered() == 0 }).await;
    steps.done("delivered");
}

#[test]
fn what_a_function_changes_in_an_outage_is_delivered_after_it() {
    const TEST: &str = "what_a_function_changes_in_an_outage_is_delivered_after_it";
    if let Some(role) = child::role() {
        configured(Duration::from_millis(250));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(of_two_processes(&role));
    }
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    // What it has stays, and nothing is on its way while it is down.
    let proxy = FaultProxy::before(server.port());
    thread::scope(|threads| {
        for role in ["keeps", "changes"] {
            let (port, folder) = (proxy.port(), folder.path());
            threads.spawn(move || run(TEST, role, port, folder));
        }
        let steps = Steps(folder.path().to_owned());
        eventually("both have copies", || folder.path().join("copied").exists());
        proxy.set(Fault::Refused);
        steps.done("down");
        eventually("it has changed", || folder.path().join("changed").exists());
        proxy.set(Fault::None);
    });
}
