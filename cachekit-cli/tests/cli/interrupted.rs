//! Ctrl-C in the middle of a move or of a removal, and going on after it; and what it leaves behind.

use crate::shop::{self, Shop, User, said};
use cachekit_tests::{
    eventually,
    fault_proxy::{Fault, FaultProxy},
    redis_server::RedisServer,
    watched,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// Enough that a move takes many steps.
pub(crate) const MANY: u64 = 12_000;

pub(crate) fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("cachekit"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).expect("a signal");
}

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
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

/// Interrupted on the way, resumed, and each entry is in the file.
pub(crate) fn an_export_goes_on(store: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.jsonl");
    let export = [&["export", "--out", out.to_str().expect("a path")], store].concat();
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
    assert!(fs::metadata(&out).expect("the file").len() > before && !beside(&out, "resume").exists());
    assert_eq!(ids(&out), (0..MANY).collect::<Vec<_>>());
}

/// The keys in a file of lines, which are numbers. A walk over a Redis may meet one twice.
pub(crate) fn ids(lines: &Path) -> Vec<u64> {
    let text = fs::read_to_string(lines).expect("the file");
    let id = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("whole lines");
        line["key"].as_str().expect("a key").parse().expect("a number")
    };
    let mut ids: Vec<u64> = text.lines().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn an_export_of_a_redis_goes_on_where_it_was_interrupted() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(MANY);
    an_export_goes_on(&["--redis", &server.url()]);
}

/// A folder with many users in it, which nobody has open.
fn many() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::in_folder(folder.path());
    shop.fill_many(MANY);
    drop(shop);
    shop::closed(folder.path());
    folder
}

#[test]
fn an_export_of_a_file_store_goes_on_where_it_was_interrupted() {
    let folder = many();
    an_export_goes_on(&["--dir", folder.path().to_str().expect("a path")]);
}

#[test]
fn an_import_into_a_file_store_goes_on_where_it_was_interrupted() {
    let from = many();
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("in.jsonl");
    let path = lines.to_str().expect("a path");
    said(&["export", "--out", path, "--dir", from.path().to_str().expect("a path")]);
    let half = fs::metadata(&lines).expect("the file").len() / 2;
    let stores: Vec<_> = (0..20).map(|at| folder.path().join(format!("store{at}"))).collect();
    let interrupted = stores.iter().find(|store| {
        let mut child = start(&["import", path, "--create", "--dir", store.to_str().expect("a path")]);
        eventually("it has read half, or ends", || {
            watched::place_in(child.id(), &lines).is_some_and(|read| read >= half)
                || matches!(child.try_wait(), Ok(Some(_)))
        });
        signal(&child, Signal::INT);
        let output = child.wait_with_output().expect("its end");
        assert!(matches!(output.status.code(), Some(0 | 130)), "{output:?}");
        output.status.code() == Some(130)
    });
    let store = interrupted.expect("one of twenty imports was interrupted");
    let dir = store.to_str().expect("a path");
    let state = fs::read(beside(&lines, "imported")).expect("how far it is");
    let done = serde_json::from_slice::<serde_json::Value>(&state).expect("a document")["done"]["entries"].as_u64();
    assert!(done.is_some_and(|done| (1..MANY).contains(&done)), "{done:?}");
    let there = said(&["keys", "app/user", "--json", "--dir", dir]).lines().count() as u64;
    assert_eq!(Some(there), done, "what it says is stored is on the disk");
    let told = shop::json(&["import", path, "--resume", "--dir", dir]);
    assert_eq!((&told["entries"], &told["there"], &told["over"]), (&MANY.into(), &0.into(), &0.into()), "{told}");
    assert!(!beside(&lines, "imported").exists());
    let moved = Shop::in_folder(store);
    for id in 0..MANY {
        assert_eq!(moved.user(id), Some(User::of(id)), "{id}");
    }
}

/// What is removed one after the other is interrupted; it has said how much went, and that is what went.
fn a_removal_goes_on(arguments: &[&str], what: &str) {
    let server = RedisServer::start();
    let shop = Shop::in_redis(&server.url());
    let url = server.url();
    let arguments = [arguments, &["--yes", "--redis", &url]].concat();
    let all: Vec<u64> = (0..MANY).collect();
    let gone = || shop.users.get_many(&all).iter().filter(|user| user.is_none()).count() as u64;
    let mut interrupted = None;
    for _ in 0..20 {
        shop.fill_many(MANY);
        let mut child = start(&arguments);
        eventually("some are gone, or it ends", || gone() > 0 || matches!(child.try_wait(), Ok(Some(_))));
        signal(&child, Signal::INT);
        let output = child.wait_with_output().expect("its end");
        interrupted = Some(output).filter(|output| !output.status.success());
        if interrupted.is_some() {
            break;
        }
    }
    let output = interrupted.expect("one of twenty removals was interrupted");
    let (told, gone_now) = (String::from_utf8_lossy(&output.stderr).into_owned(), gone());
    let digits: String = told.split(what).next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    assert!(
        output.status.code() == Some(130) && told.contains("interrupted; ") && told.contains("next:"),
        "{output:?}"
    );
    assert!((1..MANY).contains(&gone_now) && digits == gone_now.to_string(), "{gone_now} are gone: {told}");
    said(&arguments);
    assert_eq!(gone(), MANY);
}

#[test]
fn an_invalidation_by_prefix_says_how_far_it_came() {
    a_removal_goes_on(&["invalidate", "app::user", "--prefix", ""], " keys were invalidated");
}

#[test]
fn a_removal_of_one_shape_says_how_far_it_came() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_users(1);
    let listed = shop::json(&["list", "--redis", &server.url()]);
    let fingerprint = listed["caches"][0]["shapes"][0].as_str().expect("digits").to_owned();
    a_removal_goes_on(&["clear", "app::user", "--fingerprint", &fingerprint], " entries were removed");
}

#[test]
fn what_is_read_from_a_trace_leaves_no_file_behind() {
    for command in ["simulate", "advise"] {
        let temporary = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
            .args([command, "-"])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut trace = child.stdin.take().expect("its input");
        trace.write_all("17\n18\n".repeat(100_000).as_bytes()).expect("written");
        // The file has no name, or none any more.
        let is_there = |link: fs::DirEntry| fs::read_link(link.path()).is_ok_and(|to| to.starts_with(temporary.path()));
        let descriptors = PathBuf::from(format!("/proc/{}/fd", child.id()));
        eventually("it has its file", || fs::read_dir(&descriptors).expect("its files").flatten().any(is_there));
        signal(&child, Signal::INT);
        assert_eq!(child.wait().expect("its end").signal(), Some(Signal::INT.as_raw()), "as shells count it, 130");
        assert_eq!(fs::read_dir(temporary.path()).expect("the folder").count(), 0, "{command}");
        drop(trace);
    }
}

#[test]
fn an_export_is_not_resumed_against_servers_that_have_started_anew() {
    let mut server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(3_000);
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
    Shop::in_redis(&server.url()).fill_many(MANY);
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
    // What it had is lost: going on would be to lose it.
    let (noted, old) = (beside(&lines, "imported"), fs::read_to_string(beside(&lines, "imported")).expect("the note"));
    let run_id = shop::json(&["stats", "--redis", &url])["servers"][0]["run_id"].as_str().expect("an id").to_owned();
    fs::write(&noted, old.replace(&run_id, "another")).expect("written");
    let (code, told) = shop::failed(&["import", path, "--resume", "--redis", &url]);
    assert!(code == 3 && told.contains("started anew") && told.contains("without `--resume`"), "{code} {told}");
    fs::write(&noted, old).expect("written");
    said(&["import", path, "--resume", "--redis", &url]);
    assert!(!beside(&lines, "imported").exists());
    let moved = Shop::in_redis(&url);
    for id in 0..MANY {
        assert_eq!(moved.user(id), Some(User::of(id)), "{id}");
    }
}

/// Its figures are of the time that it had.
fn is_a_short_bench(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(130) && told.contains("interrupted"), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds < 600.0), "{report}");
    let calls = |operation: &serde_json::Value| operation["calls"].as_u64().unwrap_or_default();
    assert!(report["operations"].as_array().expect("operations").iter().map(calls).sum::<u64>() > 0, "{report}");
}

#[test]
fn a_bench_that_is_interrupted_says_what_it_has_and_leaves_nothing() {
    let bench = ["bench", "--seconds", "600", "--callers", "2", "--keys", "100", "--reads", "10", "--json"];
    let (server, _shop) = shop::redis();
    let written = || server.cli(&["KEYS", "ck:cachekit-bench:d:*"]).lines().filter(|key| !key.is_empty()).count();
    let child = start(&[&bench[..], &["--redis", &server.url()]].concat());
    eventually("it writes", || written() > 10);
    signal(&child, Signal::INT);
    is_a_short_bench(&child.wait_with_output().expect("its end"));
    assert_eq!(written(), 0);

    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    let bytes = || -> u64 {
        let files = fs::read_dir(folder.path()).expect("the folder").flatten();
        files.filter_map(|file| file.metadata().ok()).map(|about| about.len()).sum()
    };
    let before = bytes();
    let child = start(&[&bench[..], &["--value-bytes", "100000", "--dir", dir]].concat());
    eventually("it writes", || bytes() > before + 5_000_000);
    signal(&child, Signal::INT);
    is_a_short_bench(&child.wait_with_output().expect("its end"));
    let listed = shop::json(&["list", "--dir", dir]);
    let names: Vec<&str> =
        listed["caches"].as_array().expect("caches").iter().filter_map(|cache| cache["cache"].as_str()).collect();
    assert_eq!(names, ["app/user", "page"], "{listed}");
}

#[test]
fn a_long_walk_that_is_interrupted_shows_nothing_of_a_part() {
    let server = RedisServer::start();
    Shop::in_redis(&server.url()).fill_many(MANY);
    let proxy = FaultProxy::before(server.port());
    // Each of its many pages takes that long.
    proxy.set(Fault::Delay(Duration::from_millis(200)));
    let url = server.url_at(proxy.port());
    for command in ["list", "stats", "doctor"] {
        let before = server.calls_of("scan");
        let child = start(&[command, "--timeout", "60s", "--redis", &url]);
        eventually("it walks", || server.calls_of("scan") > before);
        signal(&child, Signal::INT);
        let output = child.wait_with_output().expect("its end");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(130) && told.contains("interrupted"), "{command}: {output:?}");
        assert!(output.stdout.is_empty(), "{command}: {output:?}");
    }
    assert!(said(&["list", "--redis", &server.url()]).contains("12 000"), "all is there still");
}
