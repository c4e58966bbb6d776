//! Ctrl-C in the middle of a move, and going on after it.

use crate::shop::{self, Shop, User, said};
use cachekit_tests::{eventually, redis_server::RedisServer};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// Enough that a move takes many steps.
const MANY: u64 = 12_000;

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("cachekit"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).expect("a signal");
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", path.display()))
}

/// Starts it, stops it once it has noted how far it is, and interrupts it there. `None`: it was done before.
fn interrupted(arguments: &[&str], note: &Path) -> Option<Output> {
    let mut child = start(arguments);
    eventually("it notes how far it is, or ends", || note.exists() || matches!(child.try_wait(), Ok(Some(_))));
    signal(&child, Signal::STOP);
    let is_within = note.exists() && matches!(child.try_wait(), Ok(None));
    signal(&child, Signal::INT);
    signal(&child, Signal::CONT);
    let output = child.wait_with_output().expect("its end");
    is_within.then_some(output).filter(|output| !output.status.success())
}

#[test]
fn an_export_goes_on_where_it_was_interrupted() {
    let server = RedisServer::start();
    let shop = Shop::in_redis(&server.url());
    shop.fill_users(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.jsonl");
    let url = server.url();
    let export = ["export", "--redis", &url, "--out", out.to_str().expect("a path")];
    let mut ended = None;
    // An interruption may come too late on a machine that stops for a while.
    for _ in 0..20 {
        ended = interrupted(&[&export[..], &["--force"]].concat(), &beside(&out, "resume"));
        if ended.is_some() {
            break;
        }
    }
    let output = ended.expect("one of twenty exports was interrupted");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(130) && told.contains("--resume"), "{output:?}");
    // As if it had been killed within a line.
    let before = fs::metadata(&out).expect("the file").len();
    fs::OpenOptions::new().append(true).open(&out).expect("the file").write_all(b"{\"half").expect("written");
    said(&[&export[..], &["--resume"]].concat());
    let text = fs::read_to_string(&out).expect("the file");
    assert!(text.len() as u64 > before && !beside(&out, "resume").exists());
    let mut ids: Vec<u64> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("whole lines")["key"]
                .as_str()
                .expect("a key")
                .parse()
                .expect("a number")
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, (0..MANY).collect::<Vec<_>>());
}

#[test]
fn an_export_is_not_resumed_against_servers_that_have_started_anew() {
    let mut server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_users(3_000);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.jsonl");
    let url = server.url();
    let export = ["export", "--redis", &url, "--out", out.to_str().expect("a path")];
    let mut is_interrupted = false;
    for _ in 0..20 {
        is_interrupted |= interrupted(&[&export[..], &["--force"]].concat(), &beside(&out, "resume")).is_some();
        if is_interrupted {
            break;
        }
    }
    assert!(is_interrupted);
    let text = fs::read(&out).expect("the file");
    fs::write(&out, &text[..3]).expect("written");
    let (code, told) = shop::failed(&[&export[..], &["--resume"]].concat());
    assert!(code == 5 && told.contains("shorter") && told.contains("--force"), "{code} {told}");
    fs::write(&out, &text).expect("written");
    server.restart();
    let (code, told) = shop::failed(&[&export[..], &["--resume"]].concat());
    assert!(code == 3 && told.contains("started anew") && told.contains("--force"), "{code} {told}");
}

#[test]
fn an_import_goes_on_where_it_was_interrupted() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_users(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("in.jsonl");
    let path = lines.to_str().expect("a path");
    said(&["export", "--redis", &server.url(), "--out", path]);
    let (other, mut is_interrupted) = (RedisServer::start(), false);
    let url = other.url();
    for _ in 0..20 {
        other.cli(&["FLUSHALL"]);
        let child = start(&["import", path, "--redis", &url]);
        eventually("some entries are there", || other.cli(&["DBSIZE"]).parse::<u64>().is_ok_and(|keys| keys > 100));
        signal(&child, Signal::INT);
        let output = child.wait_with_output().expect("its end");
        is_interrupted = output.status.code() == Some(130);
        if is_interrupted {
            assert!(String::from_utf8_lossy(&output.stderr).contains("--resume"), "{output:?}");
            break;
        }
    }
    assert!(is_interrupted && beside(&lines, "imported").exists());
    let (code, told) = shop::failed(&["import", path, "--resume", "--redis", &server.url()]);
    assert!(code == 2 && told.contains("was into"), "{code} {told}");
    let text = fs::read(&lines).expect("the file");
    fs::write(&lines, [&text[..], b"\n"].concat()).expect("written");
    let (code, told) = shop::failed(&["import", path, "--resume", "--redis", &url]);
    assert!(code == 5 && told.contains("is not the file"), "{code} {told}");
    fs::write(&lines, &text).expect("written");
    said(&["import", path, "--resume", "--redis", &url]);
    assert!(!beside(&lines, "imported").exists());
    let moved = Shop::in_redis(&url);
    for id in 0..MANY {
        assert_eq!(moved.user(id), Some(User::of(id)), "{id}");
    }
}
