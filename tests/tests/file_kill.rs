//! `kill -9` at random moments of a write load: the store opens, no value is wrong, what was flushed is there, and what was invalidated never comes back.

use cachekit_runtime::backend::{Address, Backend, FileBackend};
use cachekit_tests::{
    drive::drive,
    file_load::{CACHES, KEYS, Promises, address},
};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const KILLS: u64 = 220;

/// A generator of numbers (xorshift, Marsaglia 2003), with a seed that a failure names.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn no_kill_leaves_a_wrong_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64 | 1);
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut promises = Promises::default();
    let (mut lines, mut while_opening, mut found, mut invalidations) = (0, 0, 0, 0);
    for kill in 0..KILLS {
        let mut child = start(folder.path(), (kill + 1) * 1_000_000, random.below(u64::MAX));
        let (heard, hears) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        // A pipe keeps what was said before the kill.
        let reader = thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| _ = heard.send(line)));
        // A tenth is killed while it opens, which repairs what the kill before has left.
        let moment =
            Duration::from_micros(if random.below(10) == 0 { random.below(10_000) } else { random.below(60_000) });
        let opens = if random.below(10) == 0 { None } else { hears.recv().ok() };
        let start = Instant::now();
        while start.elapsed() < moment {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the process ended by itself: {status}");
            }
            thread::yield_now();
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        reader.join().expect("it reads to the end");
        while_opening += usize::from(opens.is_none());
        for line in hears.try_iter().filter(|line| line != "open") {
            lines += 1;
            invalidations += usize::from(line.starts_with("removed") || line.starts_with("cleared"));
            promises.hear(&line);
        }
        found += check(folder.path(), &mut promises);
    }
    assert!(!folder.path().join("damaged.redb").exists(), "a store was given up");
    println!(
        "{KILLS} kills, {while_opening} of them while opening or soon after; {lines} lines, {invalidations} invalidations on the disk, {found} values found"
    );
    println!("at the end (found, not older than): {:?}", promises.count());
    assert!(lines > 10 * KILLS && invalidations as u64 > KILLS && found as u64 > KILLS, "the load was no load");
}

fn start(folder: &std::path::Path, first: u64, seed: u64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_file_process"))
        .args(["load".as_ref(), folder.as_os_str(), first.to_string().as_ref(), seed.to_string().as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the process of the tests")
}

/// Opens what the kill has left.
fn check(folder: &std::path::Path, promises: &mut Promises) -> usize {
    let backend = FileBackend::builder(folder).open();
    let all: Vec<(usize, usize)> = (0..CACHES).flat_map(|cache| (0..KEYS).map(move |key| (cache, key))).collect();
    let addresses: Vec<Address> = all.iter().map(|(cache, key)| address(*cache, *key)).collect();
    let found = drive(backend.get_many(&addresses)).expect("the store opens and is read");
    for ((cache, key), found) in all.iter().zip(&found) {
        promises.check(*cache, *key, found.as_ref());
    }
    found.iter().flatten().count()
}
