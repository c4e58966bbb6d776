//! A process that uses the file backend, for tests that need one: to kill it, to have it own a store, to give it a disk that is full or a folder that it
//! may not use.

use cachekit_runtime::{
    Error,
    backend::{Address, Backend, Failure, FileBackend, Fingerprint},
};
use cachekit_tests::{
    drive::drive,
    file_load::{CACHES, KEYS, address, value},
};
use std::{
    io::{BufRead, Write, stdin, stdout},
    path::Path,
    process::exit,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["load", folder, first, seed] => load(folder.as_ref(), number(first), number(seed)),
        ["hold", folder] => hold(folder.as_ref()),
        ["fill", folder] => fill(folder.as_ref()),
        ["denied", folder] => denied(folder.as_ref()),
        _ => {
            eprintln!("load FOLDER FIRST SEED | hold FOLDER | fill FOLDER | denied FOLDER");
            exit(2)
        }
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|error| panic!("{word}: {error}"))
}

/// A line at once, so that it is read although this process is killed next.
fn say(line: &str) {
    let mut out = stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).expect("the parent reads");
}

fn heard() -> String {
    let mut line = String::new();
    stdin().lock().read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// Random changes until it is killed; each is said before it begins, and those that promise something also when they are done. See `file_load`.
fn load(folder: &Path, first: u64, seed: u64) {
    let backend = FileBackend::builder(folder).open();
    drive(backend.ping()).expect("the store opens");
    say("open");
    let version = AtomicU64::new(first);
    thread::scope(|scope| {
        for cache in 0..CACHES {
            let (backend, version) = (&backend, &version);
            scope.spawn(move || change(backend, version, cache, seed));
        }
    });
}

fn change(backend: &FileBackend, version: &AtomicU64, cache: usize, seed: u64) {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (cache as u64 + 1) << 32 | 1;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    loop {
        let (what, key) = (next() % 64, (next() % KEYS as u64) as usize);
        let version = version.fetch_add(1, Ordering::Relaxed);
        match what {
            0 => {
                say(&format!("clears {cache} {version}"));
                drive(backend.clear(address(cache, key).cache())).expect("cleared");
                say(&format!("cleared {cache} {version}"));
            }
            1..6 => {
                say(&format!("removes {cache} {key} {version}"));
                // Another shape, which reaches this one.
                let shape = address(cache, key).with_fingerprint(Fingerprint(next()));
                drive(backend.remove_many(&[shape])).expect("removed");
                say(&format!("removed {cache} {key} {version}"));
            }
            6 => {
                drive(backend.flush()).expect("flushed");
                say(&format!("flushed {cache} {version}"));
            }
            _ => {
                say(&format!("sets {cache} {key} {version}"));
                let ttl = version.is_multiple_of(2).then_some(Duration::from_secs(86_400));
                match drive(backend.set(&address(cache, key), value(cache, key, version), ttl)) {
                    Ok(()) | Err(Error::Backend { failure: Failure::Busy, .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

/// Owns the store until its input ends.
fn hold(folder: &Path) {
    let backend = FileBackend::builder(folder).open();
    drive(backend.set(&address(0, 1), "of the owner".into(), None)).expect("stored");
    drive(backend.flush()).expect("flushed");
    say("open");
    heard();
}

/// Stores and invalidates until the disk is full, looks and invalidates then, and goes on when there is room again.
fn fill(folder: &Path) {
    let mut backend = FileBackend::builder(folder).open();
    let entry = |n: u64| Address::new("fill", &n.to_string(), Fingerprint(1));
    let victim = |n: u64| Address::new("victims", &n.to_string(), Fingerprint(1));
    let bytes = |n: u64| vec![n as u8; 50_000];
    value_that_was_replaced(&backend);
    for n in 0..1_000 {
        drive(backend.set(&victim(n), "small".into(), None)).expect("room for the small ones");
    }
    drive(backend.set(&entry(0), bytes(0).into(), None)).expect("room for one");
    drive(backend.flush()).expect("room for one");
    let mut end = None;
    for n in 1..1_000 {
        // Both in one transaction, most of the time.
        let set = drive(backend.set(&entry(n), bytes(n).into(), None));
        let invalidates = set.is_ok();
        let done = set.and_then(|()| drive(backend.remove_many(&[victim(n)])));
        if let Err(full) = done {
            end = Some((n, full, invalidates));
            break;
        }
    }
    let (last, error, invalidates) = end.expect("the disk is full some time");
    let not_writable = matches!(&error, Error::Backend { failure: Failure::NotWritable, .. });
    assert!(not_writable, "{error}");
    // The store is opened again, and then it is read although nothing can be written.
    let read = patiently(|| drive(backend.get(&entry(0))).ok());
    assert_eq!(read.as_deref(), Some(&*bytes(0)), "a full disk is read");
    let scanned = drive(backend.scan(Some("victims"), None, 2_000)).expect("a full disk is scanned").entries;
    assert!(scanned.len() >= 900, "{}", scanned.len());
    let refused = drive(backend.set(&entry(1_001), "x".into(), None)).expect_err("it is full");
    assert_eq!(refused, error);
    assert_eq!(drive(backend.ping()), Err(error.clone()));
    drive(backend.remove_many(&[entry(0)])).expect_err("it is full");
    let gone = |backend: &FileBackend, when: &str| {
        for address in [entry(0), victim(last - 1)].into_iter().chain(invalidates.then(|| victim(last))) {
            let found = patiently(|| drive(backend.get(&address)).ok());
            assert_eq!(found, None, "{address}, {when}");
        }
    };
    gone(&backend, "while the disk is full");
    say(&format!("full {error}"));
    heard();
    patiently(|| drive(backend.set(&entry(1_002), bytes(7).into(), None)).ok());
    drive(backend.flush()).expect("there is room again");
    gone(&backend, "when there is room");
    drop(backend);
    backend = FileBackend::builder(folder).open();
    gone(&backend, "after a restart");
    assert_eq!(drive(backend.get(&entry(1_002))), Ok(Some(bytes(7).into())));
    say("recovered");
}

/// What is seen but not yet on the disk is lost when a write fails, and what it had replaced does not come back.
fn value_that_was_replaced(backend: &FileBackend) {
    let address = Address::new("replaced", "1", Fingerprint(1));
    let large = Address::new("replaced", "2", Fingerprint(1));
    drive(backend.set(&address, "old".into(), None)).expect("room");
    drive(backend.flush()).expect("room");
    drive(backend.set(&address, "new".into(), None)).expect("room");
    // Into the table, and not onto the disk.
    drive(backend.scan(None, None, 1)).expect("scanned");
    drive(backend.set(&large, vec![1; 12 << 20].into(), None)).expect("it is not written yet");
    drive(backend.flush()).expect_err("there is no room for it");
    let found = patiently(|| drive(backend.get(&address)).ok());
    assert_ne!(found.as_deref(), Some(&b"old"[..]), "it was replaced");
    patiently(|| drive(backend.set(&large, "small".into(), None)).ok());
    drive(backend.flush()).expect("room");
    assert_ne!(drive(backend.get(&address)), Ok(Some("old".into())), "it was replaced");
}

/// A folder that cannot be used, and then can.
fn denied(folder: &Path) {
    let backend = FileBackend::builder(folder).open();
    let error = drive(backend.set(&address(0, 0), "value".into(), None)).expect_err("the folder cannot be used");
    assert!(matches!(&error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
    assert_eq!(drive(backend.get(&address(0, 0))), Err(error.clone()));
    say(&format!("denied {error}"));
    heard();
    patiently(|| drive(backend.set(&address(0, 0), "value".into(), None)).ok());
    drive(backend.flush()).expect("the folder can be used");
    say("recovered");
}

/// Polls the real disk until there is an answer.
fn patiently<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it does not happen");
        thread::yield_now();
    }
}
