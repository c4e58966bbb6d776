//! `doctor`.

use crate::shop::{self, failed, json, said};
use cachekit_tests::redis_server::RedisServer;
use serde_json::Value;
use std::{fs, time::Duration};

fn verdict<'a>(report: &'a Value, what: &str) -> (&'a str, &'a str) {
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["what"].as_str().is_some_and(|name| name.starts_with(what)));
    let check = check.unwrap_or_else(|| panic!("no {what}: {report}"));
    (check["verdict"].as_str().unwrap_or_default(), check["found"].as_str().unwrap_or_default())
}

#[test]
fn a_healthy_redis_is_said_to_be_one() {
    let (server, _shop) = shop::redis();
    let report = json(&["doctor", "--redis", &server.url()]);
    assert_eq!(report["healthy"], true, "{report}");
    for what in ["connection", "version", "clock", "tracking", "shapes"] {
        assert_eq!(verdict(&report, what).0, "fine", "{report}");
    }
    assert_eq!(verdict(&report, "memory").0, "note", "a server without a bound: {report}");
    let text = said(&["doctor", "--redis", &server.url()]);
    assert!(text.contains("tracking") && text.contains("next: set `maxmemory`"), "{text}");
}

#[test]
fn what_is_configured_is_found_and_mistakes_have_their_line() {
    let folder = shop::folder();
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("cachekit.toml"), format!("[file]\ndirectory = {:?}\n", folder.path())).expect("a file");
    let output = shop::cachekit(&["doctor", "--json"]).current_dir(dir.path()).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(verdict(&report, "connection").0, "fine", "{report}");
    fs::write(dir.path().join("cachekit.toml"), "namespace = 'shop'\n[redis]\nulr = 'redis://app:hunter2@h'\n")
        .expect("a file");
    let output = shop::cachekit(&["doctor"]).current_dir(dir.path()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("line 3")
            && text.contains("`ulr` is no setting of `[redis]`: did you mean `url`?")
            && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn the_settings_of_caches_are_checked_as_programs_read_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let doctor = |file: &str, variable: Option<(&str, &str)>| {
        fs::write(dir.path().join("cachekit.toml"), file).expect("a file");
        let output = shop::cachekit(&["doctor"]).current_dir(dir.path()).envs(variable).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let good = "[defaults]\nttl = '30s'\n[caches.'app::*']\nstrategy = 'lru'\n[caches.user.tiers]\nredis = false\n";
    assert_eq!(doctor(good, None).0, Some(0));
    let (code, text) = doctor("[defaults]\nttl = 30\n[caches.user]\ncapcity = 5\n", None);
    assert_eq!(code, Some(1), "{text}");
    for expected in ["line 2: `ttl`: a time has a unit", "line 4: `capcity` is no setting", "did you mean `capacity`?"]
    {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    let (code, text) = doctor("[caches.user]\nstrategy = 'lur'\n", None);
    assert!(
        code == Some(0) && text.contains("line 2: the strategy `lur` is none of cachekit's: did you mean `lru`?"),
        "{text}"
    );
    let (code, text) = doctor(good, Some(("CACHEKIT_CACHE_USER_TLL", "5s")));
    assert!(code == Some(1) && text.contains("did you mean `CACHEKIT_CACHE_USER_TTL`?"), "{text}");
}

#[test]
fn what_a_user_may_not_do_is_named() {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "app", "on", ">hunter2", "~ck:*", "&*", "+@all", "-client|tracking", "-info"]);
    let url = format!("redis://app:hunter2@127.0.0.1:{}", server.port());
    let output = shop::cachekit(&["doctor", "--json", "--redis", &url]).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(verdict(&report, "tracking").0, "note", "{report}");
    assert_eq!(verdict(&report, "version").0, "wrong", "{report}");
    assert!(!report.to_string().contains("hunter2"), "{report}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_server_that_is_not_there_says_what_to_do() {
    let mut server = RedisServer::start();
    let url = server.url();
    server.kill();
    let (code, told) = failed(&["list", "--redis", &url]);
    assert!(code == 3 && told.contains("cachekit doctor"), "{code} {told}");
    let output = shop::cachekit(&["doctor", "--redis", &url]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_shape_that_a_later_program_has_left_behind_is_found() {
    let (server, shop) = shop::redis();
    let url = server.url();
    let other: cachekit_runtime::Cache<u64, String> = cachekit_runtime::Cache::builder()
        .name("app::user")
        .timeout(Duration::from_secs(60))
        .backends([cachekit_runtime::Place::own(
            cachekit_runtime::backend::redis::Settings::new(&url).open().expect("a backend"),
        )])
        .build();
    other.get_or_compute(&1, || "of a later program".to_owned());
    cachekit_runtime::flush().wait();
    let report = json(&["doctor", "--redis", &url]);
    assert_eq!(verdict(&report, "shapes").0, "fine", "a rolling deploy may be under way: {report}");
    let report = json(&["doctor", "--unused-for", "0s", "--redis", &url]);
    let (verdict, found) = verdict(&report, "shape ");
    assert!(verdict == "note" && found.starts_with("40 entries"), "{report}");
    drop(shop);
}

#[test]
fn what_no_program_of_this_version_reads_is_reported() {
    let (server, _shop) = shop::redis();
    let url = server.url();
    assert!(!json(&["doctor", "--redis", &url]).to_string().contains("cannot be read"));
    let key = server.cli(&["KEYS", "ck:default:d:{app/user:7}:*"]);
    server.cli(&["SET", &key, "of a version to come"]);
    let report = json(&["doctor", "--redis", &url]);
    let (verdict, found) = verdict(&report, "entries of app/user");
    assert_eq!((verdict, found), ("note", "1 cannot be read by this version"), "{report}");
    assert_eq!(json(&["list", "--redis", &url])["caches"][0]["foreign"], 1);
}
