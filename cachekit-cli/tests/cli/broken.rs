//! A disk that is full, and a Redis that goes away, in the middle of a move: what is there is said, and it goes on from there.

use crate::{
    interrupted::{MANY, beside, ids, signal, start},
    shop::{self, Shop, User, said},
};
use cachekit_tests::{eventually, redis_server::RedisServer, watched};
use rustix::process::Signal;
use std::{
    fs,
    process::{Command, Output},
};

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_export_onto_a_full_disk_goes_on_when_there_is_room() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let (out, url) = (folder.path().join("out.jsonl"), server.url());
    let path = out.to_str().expect("a path");
    let limited = |blocks: u32| {
        // As a full disk: writing beyond so many blocks of 512 bytes fails.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(assert_cmd::cargo::cargo_bin("cachekit"))
            .args(["export", "--force", "--out", path, "--redis", &url])
            .output()
            .expect("a shell");
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        told(&output)
    };
    let text = limited(20);
    assert!(
        text.contains("out.jsonl cannot be written") && text.contains("cannot be resumed") && text.contains("--force"),
        "{text}"
    );
    let text = limited(2_000);
    assert!(
        text.contains("out.jsonl cannot be written") && text.contains("entries are in") && text.contains("--resume"),
        "{text}"
    );
    said(&["export", "--resume", "--out", path, "--redis", &url]);
    assert_eq!(ids(&out), (0..MANY).collect::<Vec<_>>());
}

#[test]
fn an_export_goes_on_when_the_redis_is_back() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let (out, url) = (folder.path().join("out.jsonl"), server.url());
    let export = ["export", "--out", out.to_str().expect("a path"), "--redis", &url];
    let mut lost = None;
    for _ in 0..20 {
        let mut child = start(&[&export[..], &["--force", "--timeout", "1s"]].concat());
        eventually("it notes how far it is, or ends", || {
            beside(&out, "resume").exists() || matches!(child.try_wait(), Ok(Some(_)))
        });
        signal(&child, Signal::STOP);
        let is_within = beside(&out, "resume").exists() && matches!(child.try_wait(), Ok(None));
        let paused = server.pause();
        signal(&child, Signal::CONT);
        let output = child.wait_with_output().expect("its end");
        drop(paused);
        lost = Some(output).filter(|output| is_within && !output.status.success());
        if lost.is_some() {
            break;
        }
    }
    let output = lost.expect("one of twenty exports lost its server");
    let text = told(&output);
    assert!(output.status.code() == Some(3) && text.contains("out.jsonl") && text.contains("--resume"), "{output:?}");
    said(&[&export[..], &["--resume"]].concat());
    assert_eq!(ids(&out), (0..MANY).collect::<Vec<_>>());
}

#[test]
fn an_import_goes_on_when_the_redis_is_back() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("in.jsonl");
    let path = lines.to_str().expect("a path");
    said(&["export", "--redis", &server.url(), "--out", path]);
    let half = fs::metadata(&lines).expect("the file").len() / 2;
    let other = RedisServer::start();
    let url = other.url();
    let mut lost = None;
    for _ in 0..20 {
        other.cli(&["FLUSHALL"]);
        let mut child = start(&["import", path, "--redis", &url, "--timeout", "1s"]);
        eventually("it has read half, or ends", || {
            watched::place_in(child.id(), &lines).is_some_and(|read| read >= half)
                || matches!(child.try_wait(), Ok(Some(_)))
        });
        let paused = other.pause();
        let output = child.wait_with_output().expect("its end");
        drop(paused);
        lost = Some(output).filter(|output| !output.status.success());
        if lost.is_some() {
            break;
        }
    }
    let output = lost.expect("one of twenty imports lost its server");
    let text = told(&output);
    assert!(
        output.status.code() == Some(3)
            && text.contains("lines of")
            && text.contains("in.jsonl")
            && text.contains("--resume"),
        "{output:?}"
    );
    let told = shop::json(&["import", path, "--resume", "--redis", &url]);
    assert_eq!(told["over"], 0, "{told}");
    let moved = Shop::in_redis(&url);
    for id in 0..MANY {
        assert_eq!(moved.user(id), Some(User::of(id)), "{id}");
    }
}
