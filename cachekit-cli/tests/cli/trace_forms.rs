//! What traces are in, how much of them is read, and what is said and kept of it.

use crate::{
    shop::{cachekit, failed, json, said},
    traces::{gzip, hits, keys, lru, text, write},
};
use cachekit_runtime::{Cache, advice::trace::Header, policy::Strategy};
use cachekit_tests::watched;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// The keys as a live cache of 500 entries records them, of one of so many.
pub(crate) fn recorded(path: &Path, one_in: u32) -> String {
    let cache: Cache<u64, ()> = Cache::builder().capacity(500).strategy(Strategy::Lru).build();
    let file = File::create(path).expect("a file");
    let recording = cache.record_trace(file, &Header::one_in(one_in), u64::MAX).expect("a recording");
    for key in keys(5_000) {
        cache.get_or_compute(&key, || ());
    }
    assert_eq!(recording.stop().expect("its end").dropped, 0, "5000 accesses have room");
    path.to_str().expect("a path").to_owned()
}

fn figures(report: &Value) -> (Value, Value, Value) {
    (report["requests"].clone(), report["distinct"].clone(), report["results"].clone())
}

const LRU: [&str; 5] = ["--size", "100", "--strategy", "lru", "--no-optimum"];

fn simulated(trace: &str) -> Value {
    json(&[&["simulate", trace], &LRU[..]].concat())
}

#[test]
fn an_access_log_is_one_whatever_comes_first_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = |request: &str, status: u32| {
        format!("10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"{request}\" {status} 2326 \"-\" \"agent\"\n")
    };
    let gets: String = keys(2_000).iter().map(|key| line(&format!("GET /item/{key} HTTP/1.1"), 200)).collect();
    let plain = simulated(&write(folder.path(), "keys.txt", text(&keys(2_000)).as_bytes()));
    for (name, first) in [
        ("post", line("POST /cart HTTP/1.1", 201)),
        ("options", line("OPTIONS * HTTP/1.0", 200).repeat(20)),
        ("malformed", line("\\x16\\x03\\x01", 400) + &line("-", 408) + &line("", 400)),
        ("blank", "\n\n".to_owned() + &line("POST /cart HTTP/1.1", 201)),
    ] {
        let skipped = first.lines().filter(|line| !line.is_empty()).count();
        for (kind, bytes) in
            [("log", (first.clone() + &gets).into_bytes()), ("log.gz", gzip((first.clone() + &gets).as_bytes()))]
        {
            let report = simulated(&write(folder.path(), &format!("{name}.{kind}"), &bytes));
            assert_eq!(report["skipped"], skipped, "{name}.{kind}: {report}");
            assert_eq!(figures(&report), figures(&plain), "{name}.{kind}");
        }
    }
    // One that comes by and by.
    let output = cachekit(&[&["simulate", "-", "--json"], &LRU[..]].concat())
        .write_stdin(line("POST /cart HTTP/1.1", 201) + &gets)
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(figures(&report), figures(&plain));
}

#[test]
fn a_recording_that_was_cut_is_said_to_be_one_and_may_be_compressed() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = recorded(&folder.path().join("all.cktrace"), 1);
    let bytes = fs::read(&whole).expect("the file");
    let report = simulated(&whole);
    assert_eq!((&report["requests"], &report["is_cut"]), (&5_000.into(), &false.into()), "{report}");
    for (name, bytes) in [("all.gz", gzip(&bytes)), ("all.zst", compress_to_vec(&bytes[..], CompressionLevel::Fastest))]
    {
        let packed = simulated(&write(folder.path(), name, &bytes));
        assert_eq!((figures(&packed), &packed["is_cut"]), (figures(&report), &false.into()), "{name}");
    }
    let cut = write(folder.path(), "cut.cktrace", &bytes[..bytes.len() - 5]);
    let report = simulated(&cut);
    assert_eq!(report["is_cut"], true, "{report}");
    assert!(report["requests"].as_u64().is_some_and(|requests| (1..5_000).contains(&requests)), "{report}");
    assert_eq!(json(&["advise", &cut])["is_cut"], true);
    for command in ["simulate", "advise"] {
        assert!(said(&[command, &cut]).contains("its end is missing"), "{command}");
        assert!(!said(&[command, &whole]).contains("is missing"), "{command}");
    }
}

#[test]
fn one_shard_a_limit_and_threads_are_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = 1_u64;
    // Of more keys than there is room for.
    let keys: Vec<u64> = (0..30_000)
        .map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((random >> 33) % 100) * ((random >> 45) % 100)
        })
        .collect();
    let trace = write(folder.path(), "trace.txt", text(&keys).as_bytes());
    let size = ["--size", "2100", "--strategy", "lru", "--no-optimum"];
    let of = |more: &[&str]| json(&[&["simulate", &trace], &size[..], more].concat());
    let one = hits(&of(&["--one-shard"]), "lru", 2_100);
    assert_eq!(one, lru(&keys, 2_100));
    assert_ne!(one, hits(&of(&[]), "lru", 2_100), "a live cache of that size is divided");
    let limited = of(&["--limit", "20k", "--one-shard"]);
    assert_eq!((&limited["requests"], hits(&limited, "lru", 2_100)), (&20_000.into(), lru(&keys[..20_000], 2_100)));
    let all = |threads: &str| {
        let child = Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
            .args(["simulate", &trace, "--json", "--threads", threads])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let (pid, mut most) = (child.id(), 0);
        let output = thread::scope(|scope| {
            let output = scope.spawn(|| child.wait_with_output().expect("its end"));
            while !output.is_finished() {
                most = watched::threads(pid).unwrap_or(0).max(most);
                thread::sleep(Duration::from_millis(1)); // sleeps: between looks at another process
            }
            output.join().expect("its output")
        });
        (most, output.stdout)
    };
    let ((one, alone), (three, together)) = (all("1"), all("3"));
    assert_eq!((one, three), (2, 4), "beside the one that reads");
    assert_eq!(alone, together);
}

/// The most memory that the command has had.
fn memory(arguments: &[&str]) -> u64 {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut most = 0;
    while matches!(child.try_wait(), Ok(None)) {
        most = watched::most_memory(child.id()).unwrap_or(0).max(most);
        thread::sleep(Duration::from_millis(1)); // sleeps: between looks at another process
    }
    assert!(child.wait().expect("its end").success());
    most
}

#[test]
fn memory_grows_with_the_keys_and_with_the_requests_for_the_optimum_alone() {
    const KEYS: u64 = 20_000;
    const MARGIN: u64 = 3 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let trace = |name: &str, requests: u64| {
        let path = folder.path().join(name);
        let mut file = BufWriter::new(File::create(&path).expect("a file"));
        for at in 0..requests {
            writeln!(file, "{}", at * 7 % KEYS).expect("written");
        }
        file.flush().expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let (few, many) = (trace("few.txt", 500_000), trace("many.txt", 2_500_000));
    let of = |trace: &str, more: &[&str]| {
        memory(&[&["simulate", trace, "--size", "100", "--strategy", "fifo", "--threads", "1"], more].concat())
    };
    let (one, five) = (of(&few, &["--no-optimum"]), of(&many, &["--no-optimum"]));
    assert!(five < one + MARGIN, "{one} and {five} bytes");
    let (one, five) = (of(&few, &[]), of(&many, &[]));
    let more = five.saturating_sub(one);
    // Four bytes a request.
    assert!((8_000_000 - MARGIN..8_000_000 + MARGIN).contains(&more), "{one} and {five} bytes");
}

#[test]
fn a_plot_does_not_take_the_place_of_something_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = write(folder.path(), "trace.txt", text(&keys(1_000)).as_bytes());
    let mine = write(folder.path(), "mine.txt", b"my own words");
    for command in ["simulate", "advise"] {
        let (code, told) = failed(&[command, &trace, "--svg", &mine]);
        assert!(code == 5 && told.contains("is no plot") && told.contains("another file"), "{code} {told}");
        assert_eq!(fs::read_to_string(&mine).expect("it"), "my own words");
    }
    for before in ["", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"] {
        let plot = write(folder.path(), "plot.svg", before.as_bytes());
        said(&["simulate", &trace, "--strategy", "lru", "--svg", &plot]);
        assert!(fs::read_to_string(&plot).expect("a plot").contains("<polyline"));
    }
}
