//! `export` and `import` of many entries from a Redis into a file store and back, interrupted and resumed; and how long the command takes to start.
//!
//! `cargo bench -p cachekit-cli --bench moving -- [ENTRIES]`; a million without a number. Fails where an entry or a ttl is lost on the way.

use cachekit_runtime::{Cache, Place, backend::redis::Settings, flush};
use cachekit_tests::redis_server::RedisServer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, File},
    hash::{Hash, Hasher},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const COMMAND: &str = env!("CARGO_BIN_EXE_cachekit");
const MILLION: u64 = 1_000_000;
const FILLERS: u64 = 8;
const STARTS: usize = 200;

/// Of an entry on its way, in milliseconds: stores keep times by the millisecond, and clocks of servers are asked.
const MAY_SHIFT: u64 = 1_500;

type Problem = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Problem> {
    let given = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let entries = given.map_or(Ok(MILLION), |number| number.parse())?;
    starts()?;
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (first, back) = (RedisServer::start(), RedisServer::start());
    let began = Instant::now();
    fill(&first.url(), entries)?;
    println!("{entries} entries with ttl and tag in a Redis, in {:.0} s", began.elapsed().as_secs_f64());
    let [out, between, last, store] = ["out.jsonl", "between.jsonl", "last.jsonl", "store"].map(at);
    step("export, Redis", true, &["export", "--redis", &first.url(), "--out", &out])?;
    println!("{:>62.1} MB of lines", fs::metadata(&out)?.len() as f64 / 1e6);
    step("import, file store", true, &["import", &out, "--dir", &store, "--create"])?;
    step("export, file store", true, &["export", "--dir", &store, "--out", &between])?;
    step("import, Redis", true, &["import", &between, "--redis", &back.url()])?;
    step("export, Redis", false, &["export", "--redis", &back.url(), "--out", &last])?;
    let (before, after) = (read(Path::new(&out))?, read(Path::new(&last))?);
    let is_shifted = |(one, other): (&Entry, &Entry)| one.expires.abs_diff(other.expires) > MAY_SHIFT;
    let same = before.iter().zip(&after).filter(|(one, other)| (one.key, one.rest) == (other.key, other.rest)).count();
    let shifted = before.iter().zip(&after).filter(|pair| is_shifted(*pair)).count();
    let most = before.iter().zip(&after).map(|(one, other)| one.expires.abs_diff(other.expires)).max();
    println!("{same} of {entries} came back as they were; ttls moved by {} ms at most", most.unwrap_or(0));
    let is_whole = before.len() as u64 == entries && after.len() as u64 == entries && same as u64 == entries;
    if is_whole && shifted == 0 {
        Ok(())
    } else {
        Err(format!("{shifted} ttls moved, {same} entries are the same").into())
    }
}

/// The time to print the help, the process included.
fn starts() -> Result<(), Problem> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let began = Instant::now();
        let status = Command::new(COMMAND).arg("--help").stdout(Stdio::null()).status()?;
        times.push(began.elapsed());
        if !status.success() {
            return Err("`cachekit --help` failed".into());
        }
    }
    times.sort_unstable();
    let of = |part: usize| times.get(STARTS * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    let size = fs::metadata(COMMAND)?.len() as f64 / 1e6;
    println!(
        "cachekit --help: {:.1} ms (median of {STARTS}; 90 %: {:.1} ms); the binary has {size:.1} MB",
        of(50),
        of(90)
    );
    Ok(())
}

fn fill(url: &str, entries: u64) -> Result<(), Problem> {
    let patient = Duration::from_secs(60);
    let backend = Arc::new(Settings::new(url).response_timeout(patient).open()?);
    let users: Cache<u64, String> = Cache::builder()
        .name("app::user")
        .ttl(Duration::from_secs(86_400))
        .jitter(Duration::from_secs(3_600))
        .timeout(patient)
        .backends([Place::own(backend)])
        .build();
    thread::scope(|scope| {
        for part in 0..FILLERS {
            let users = &users;
            scope.spawn(move || {
                for id in (part..entries).step_by(FILLERS as usize) {
                    let call = users.call(&id).tags([format!("team:{}", id % 1_000)]);
                    call.get_or_compute(|| format!("the user with the number {id}, and what else is known of them"));
                }
            });
        }
    });
    flush().wait();
    Ok(())
}

/// Runs a move, says how long it took and the most memory that it had; interrupted in between if that is wanted.
fn step(name: &str, is_interrupted: bool, arguments: &[&str]) -> Result<(), Problem> {
    let began = Instant::now();
    let mut child = start(arguments)?;
    let mut most = 0;
    let mut resumed = "";
    if is_interrupted {
        // sleeps: the interruption has to come in the middle of a real move
        thread::sleep(Duration::from_secs(2));
        most = memory(&child);
        let was_running = child.try_wait()?.is_none();
        kill_process(Pid::from_child(&child), Signal::INT)?;
        let code = child.wait()?.code();
        if was_running && code == Some(130) {
            resumed = ", interrupted and resumed";
            child = start(&[arguments, &["--resume"]].concat())?;
        } else if code != Some(0) {
            return Err(format!("{name}: ended with {code:?} when it was interrupted").into());
        }
    }
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        most = most.max(memory(&child));
        // sleeps: the memory of another process is looked at now and then
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        return Err(format!("{name}: {status}").into());
    }
    println!("{name:<20}{:>6.1} s{:>10.1} MB at most{resumed}", began.elapsed().as_secs_f64(), most as f64 / 1e3);
    Ok(())
}

fn start(arguments: &[&str]) -> Result<Child, Problem> {
    Ok(Command::new(COMMAND).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// The most that it has had resident so far, in kB; 0 once it has ended.
fn memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// An entry of an export, as far as it is compared.
struct Entry {
    key: u64,
    expires: u64,
    /// A hash of the other parts.
    rest: u64,
}

/// By key.
fn read(path: &Path) -> Result<Vec<Entry>, Problem> {
    let mut entries = Vec::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let (key, expires) = (line["key"].as_str().unwrap_or_default().parse()?, line["expires"].as_u64());
        let mut rest = DefaultHasher::new();
        for name in ["cache", "fingerprint", "codec", "tags", "entry"] {
            line[name].to_string().hash(&mut rest);
        }
        entries.push(Entry { key, expires: expires.ok_or("an entry has no ttl")?, rest: rest.finish() });
    }
    entries.sort_unstable_by_key(|entry| entry.key);
    Ok(entries)
}
