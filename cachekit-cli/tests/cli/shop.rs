//! A store with entries of two caches, made as programs make them; and the command.

use assert_cmd::Command;
use cachekit_runtime::{
    Cache, Place,
    backend::{Backend, FileBackend, redis::Settings},
    flush,
};
use cachekit_tests::redis_server::RedisServer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

/// The value of a cache, written as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) visits: u32,
}

impl User {
    pub(crate) fn of(id: u64) -> Self {
        User { name: format!("user {id}"), visits: (id % 7) as u32 }
    }
}

/// The caches of a program.
pub(crate) struct Shop {
    pub(crate) users: Cache<u64, User>,
    pub(crate) pages: Cache<(String, u32), String>,
}

/// How many users there are.
pub(crate) const USERS: u64 = 40;

impl Shop {
    pub(crate) fn over(backend: impl Backend) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let patient = Duration::from_secs(60);
        Shop {
            users: Cache::builder()
                .name("app::user")
                .ttl(Duration::from_secs(3_600))
                .timeout(patient)
                .backends([Place::own(backend.clone())])
                .build(),
            pages: Cache::builder()
                .name("page")
                .timeout(patient)
                .backends([Place::own(backend)])
                .codec(cachekit_runtime::codec::Raw)
                .build(),
        }
    }

    pub(crate) fn in_redis(url: &str) -> Self {
        Shop::over(Settings::new(url).response_timeout(Duration::from_secs(60)).open().expect("a backend"))
    }

    /// The users of another program, which keeps copies in memory.
    pub(crate) fn users_near(url: &str) -> Cache<u64, User> {
        let backend = Settings::new(url).response_timeout(Duration::from_secs(60)).open().expect("a backend");
        Cache::builder()
            .name("app::user")
            .ttl(Duration::from_secs(3_600))
            .timeout(Duration::from_secs(60))
            .backends([Place::memory(), Place::own(backend)])
            .build()
    }

    /// The users of a program of another shape.
    pub(crate) fn other_shape(url: &str) -> Cache<u64, String> {
        Cache::builder()
            .name("app::user")
            .timeout(Duration::from_secs(60))
            .backends([Place::own(Settings::new(url).open().expect("a backend"))])
            .build()
    }

    pub(crate) fn in_folder(folder: &Path) -> Self {
        Shop::over(FileBackend::builder(folder).open())
    }

    /// Every user has the tag of a team; two pages have none.
    pub(crate) fn fill(&self) {
        self.fill_users(USERS);
        for (path, language) in [("/index", 1), ("/ü \"x\"", 2)] {
            self.pages.get_or_compute(&(path.to_owned(), language), || format!("page {path}"));
        }
        flush().wait();
    }

    pub(crate) fn fill_users(&self, users: u64) {
        for id in 0..users {
            let team = format!("team:{}", id % 4);
            let call = self.users.call(&id).tags([team.as_str()]);
            call.get_or_compute(|| User::of(id));
        }
        flush().wait();
    }

    /// So many that a walk takes a while, of which one of ten has the tag of a team.
    pub(crate) fn fill_many(&self, users: u64) {
        let ids: Vec<u64> = (0..users).collect();
        for some in ids.chunks(500) {
            let (tagged, plain): (Vec<u64>, Vec<u64>) = some.iter().partition(|id| *id % 10 == 0);
            for id in tagged {
                let team = format!("team:{}", id % 4);
                self.users.call(&id).tags([team.as_str()]).get_or_compute(|| User::of(id));
            }
            let of = |missing: &[u64]| missing.iter().map(|id| Some(User::of(*id))).collect::<Vec<_>>();
            self.users.get_or_compute_many(&plain, of);
        }
        flush().wait();
    }

    /// What a program gets without computing.
    pub(crate) fn user(&self, id: u64) -> Option<User> {
        self.users.get(&id)
    }

    pub(crate) fn page(&self, path: &str, language: u32) -> Option<String> {
        self.pages.get(&(path.to_owned(), language))
    }
}

/// A Redis with the shop in it.
pub(crate) fn redis() -> (RedisServer, Shop) {
    let server = RedisServer::start();
    let shop = Shop::in_redis(&server.url());
    shop.fill();
    (server, shop)
}

/// A folder with the shop in it, which nobody has open.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::in_folder(folder.path());
    shop.fill();
    drop(shop);
    closed(folder.path());
    folder
}

/// Waits until nobody has the store open.
pub(crate) fn closed(folder: &Path) {
    cachekit_tests::eventually("the store is closed", || !folder.join("owner").exists());
}

/// The command, without what the machine's own environment says.
pub(crate) fn cachekit(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("cachekit").expect("the command");
    for name in [
        "CACHEKIT_CONFIG",
        "CACHEKIT_REDIS_URL",
        "CACHEKIT_DIR",
        "CACHEKIT_NAMESPACE",
        "CACHEKIT_MAX_VALUE_BYTES",
        "CACHEKIT_ADMIN_TOKEN",
        "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// What it prints, when it succeeds.
#[track_caller]
pub(crate) fn said(arguments: &[&str]) -> String {
    let output = cachekit(arguments).output().expect("it runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{arguments:?} ended with {:?}:\n{out}{err}", output.status.code());
    out
}

/// As JSON.
#[track_caller]
pub(crate) fn json(arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.push("--json");
    let text = said(&all);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The keys of what `keys --json` has said, which are numbers.
pub(crate) fn numbers(keys: &str) -> BTreeSet<u64> {
    let key = |line: &str| serde_json::from_str::<Value>(line).ok()?["key"].as_str()?.parse().ok();
    keys.lines().map(|line| key(line).unwrap_or_else(|| panic!("no number: {line}"))).collect()
}

/// With which code it ends, and what it says on the standard error.
pub(crate) fn failed(arguments: &[&str]) -> (i32, String) {
    let output = cachekit(arguments).output().expect("it runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}
