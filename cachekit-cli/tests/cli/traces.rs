//! `simulate` and `advise`.

use crate::shop::{cachekit, failed, json, said};
use cachekit_runtime::{Cache, advice::trace::Header, policy::Strategy};
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::Write,
    path::Path,
};

/// Popular keys and scans, always the same.
pub(crate) fn keys(requests: u64) -> Vec<u64> {
    let mut random = 1_u64;
    let draw = |at: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if at % 1_000 < 800 { ((random >> 33) % 300) * ((random >> 50) % 300) / 90 } else { 10_000 + at % 2_000 }
    };
    (0..requests).map(draw).collect()
}

pub(crate) fn text(keys: &[u64]) -> String {
    keys.iter().map(|key| format!("{key}\n")).collect()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("written")
}

/// Least recently used, in the plainest way.
pub(crate) fn lru(keys: &[u64], capacity: usize) -> u64 {
    let (mut last, mut by_use, mut hits) = (HashMap::new(), BTreeMap::new(), 0);
    for (at, key) in keys.iter().enumerate() {
        match last.insert(*key, at) {
            Some(before) => {
                hits += 1;
                by_use.remove(&before);
            }
            None if by_use.len() == capacity => {
                let (_, oldest) = by_use.pop_first().expect("one");
                last.remove(&oldest);
            }
            None => {}
        }
        by_use.insert(at, *key);
    }
    hits
}

pub(crate) fn hits(report: &Value, strategy: &str, capacity: u64) -> u64 {
    let results = report["results"].as_array().expect("results");
    let found = results.iter().find(|row| row["strategy"] == strategy && row["capacity"] == capacity);
    found.and_then(|row| row["hits"].as_u64()).unwrap_or_else(|| panic!("no {strategy} of {capacity}: {report}"))
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn lru_hits_what_the_plainest_lru_hits_and_nobody_beats_the_optimum() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = keys(20_000);
    let trace = write(folder.path(), "trace.txt", text(&keys).as_bytes());
    let report = json(&["simulate", &trace, "--size", "50,200", "--size", "100%"]);
    assert_eq!(report["requests"], 20_000);
    let distinct = report["distinct"].as_u64().expect("a number");
    for capacity in [50, 200] {
        assert_eq!(hits(&report, "lru", capacity), lru(&keys, capacity as usize));
    }
    for row in report["results"].as_array().expect("results") {
        let (capacity, own) = (row["capacity"].as_u64().expect("a size"), row["hits"].as_u64().expect("hits"));
        assert!(own <= hits(&report, "optimum", capacity), "{row}");
        if capacity == distinct {
            assert_eq!(own, 20_000 - distinct, "{row}");
        }
    }
    let names =
        report["results"].as_array().expect("results").iter().map(|row| row["strategy"].as_str().expect("a name"));
    let names: BTreeSet<&str> = names.collect();
    assert_eq!(names.len(), 10, "nine strategies and the optimum: {names:?}");
}

/// The table of `simulate`: its cells row by row, and where its percents stand. What it remarks is beside it.
fn table(arguments: &[&str]) -> (Vec<Vec<String>>, BTreeSet<Vec<usize>>) {
    let output = cachekit(&[&["simulate"], arguments].concat()).output().expect("it runs");
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("* the best strategy of the size"), "{output:?}");
    let (summary, table) = out.split_once("\n\n").expect("a line about the trace, and the table");
    assert!(summary.contains("requests of"), "{out}");
    // A cell may have single spaces in it.
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    let ends = table.lines().skip(1).map(|line| line.match_indices('%').map(|(at, _)| at).collect());
    (table.lines().map(cells).collect(), ends.collect())
}

#[test]
fn the_table_has_a_row_for_each_strategy_and_a_star_for_the_best_of_each_size() {
    let folder = tempfile::tempdir().expect("a folder");
    // By hand: of two entries fifo loses 1 once to 3, which lru does not. The optimum may leave out what comes, and keeps 1.
    let trace = write(folder.path(), "small.txt", b"1\n2\n1\n3\n1\n4\n1\n5\n");
    let (rows, ends) = table(&[&trace, "--size", "5,1", "--size", "2", "--strategy", "lru,fifo"]);
    let row = |name: &str, cells: [&str; 3]| [name].into_iter().chain(cells).map(str::to_owned).collect::<Vec<_>>();
    let wanted = [
        row("entries", ["1", "2", "5"]),
        row("optimum", ["37.50 %", "37.50 %", "37.50 %"]),
        row("lru", ["0.00 %*", "37.50 %*", "37.50 %*"]),
        row("fifo", ["0.00 %*", "25.00 %", "37.50 %*"]),
        row("room for all", ["37.50 %", "37.50 %", "37.50 %"]),
    ];
    assert_eq!(rows, wanted);
    assert_eq!(ends.len(), 1, "numbers stand below one another: {ends:?}");

    // All of them: what the document says, in its order.
    let trace = write(folder.path(), "trace.txt", text(&keys(5_000)).as_bytes());
    let arguments = [&trace, "--size", "20,200,900"];
    let (rows, ends) = table(&arguments);
    let report = json(&[&["simulate"], &arguments[..]].concat());
    let best = |capacity: u64| {
        let results = report["results"].as_array().expect("results");
        let ours = results.iter().filter(|row| row["strategy"] != "optimum" && row["capacity"] == capacity);
        ours.filter_map(|row| row["hits"].as_u64()).max().expect("a strategy")
    };
    let names = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];
    let names: Vec<&str> = ["optimum"].into_iter().chain(names).collect();
    assert_eq!(rows[0], row("entries", ["20", "200", "900"]));
    assert_eq!((rows.len(), ends.len()), (names.len() + 2, 1));
    for (name, shown) in names.iter().zip(&rows[1..]) {
        let cells = [20, 200, 900].map(|capacity| {
            let hits = hits(&report, name, capacity);
            let star = if *name != "optimum" && hits == best(capacity) { "*" } else { "" };
            format!("{:.2} %{star}", hits as f64 / 50.0)
        });
        assert_eq!(*shown, row(name, cells.each_ref().map(String::as_str)));
    }
}

/// The curves of a plot: their names, and how many points each has.
pub(crate) fn curves(svg: &str) -> BTreeMap<&str, usize> {
    let curve = |line: &'_ str| -> Option<(usize, usize, usize)> {
        let points = line.strip_prefix("<polyline points=\"")?.split('"').next()?.split(' ').count();
        let begin = line.find("<title>")? + "<title>".len();
        Some((points, begin, line.find("</title>")?))
    };
    svg.lines().filter_map(|line| curve(line).map(|(points, begin, end)| (&line[begin..end], points))).collect()
}

#[test]
fn a_plot_has_a_curve_for_each_strategy_with_a_point_for_each_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = write(folder.path(), "trace.txt", text(&keys(5_000)).as_bytes());
    let plot = folder.path().join("curve.svg");
    let path = plot.to_str().expect("a path");
    let report = json(&["simulate", &trace, "--size", "20,200,900", "--svg", path]);
    let svg = fs::read_to_string(&plot).expect("a plot");
    let rows = report["results"].as_array().expect("results");
    let names: BTreeMap<&str, usize> = rows.iter().map(|row| (row["strategy"].as_str().expect("a name"), 3)).collect();
    assert_eq!((names.len(), curves(&svg)), (10, names), "{svg}");
    for row in rows {
        let (name, size) = (row["strategy"].as_str().expect("a name"), &row["capacity"]);
        let point = format!(
            "<title>{name}, {size} entries: {:.2} %</title>",
            100.0 * row["hit_ratio"].as_f64().expect("a ratio")
        );
        assert_eq!(svg.matches(&point).count(), 1, "{point} in {svg}");
    }
    // Better curves stand higher: SVG counts from above.
    let height = |name: &str| -> f64 {
        let point = svg.lines().find(|line| line.contains(&format!("<title>{name}, 200 entries"))).expect("a point");
        point
            .split("cy=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .and_then(|y| y.parse().ok())
            .expect("a height")
    };
    assert!(height("optimum") < height("lru") && hits(&report, "optimum", 200) > hits(&report, "lru", 200), "{svg}");
}

#[test]
fn a_trace_gives_the_same_figures_in_each_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = write(folder.path(), "trace.txt", text(&keys(30_000)).as_bytes());
    // Above 2048 entries a cache has several shards, and adaptive samples.
    let run = || said(&["simulate", &trace, "--size", "20,200,2100", "--no-optimum", "--json"]);
    assert_eq!(run(), run());
}

#[test]
fn every_form_of_a_trace_gives_the_same_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = keys(5_000);
    let plain = text(&keys);
    let csv: String =
        keys.iter().fold("time,\"the key\",size\r\n".to_owned(), |csv, key| csv + &format!("1,\"k,{key}\",2\r\n"));
    let log: String = keys
        .iter()
        .map(|key| {
            format!(
                "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /item/{key} HTTP/1.1\" 200 2326 \"-\" \"agent\"\n\
                 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"POST /item/{key} HTTP/1.1\" 200 1\n"
            )
        })
        .collect();
    let two_frames = |text: &str| {
        let (one, other) = text.as_bytes().split_at(text.len() / 2);
        [compress_to_vec(one, CompressionLevel::Fastest), compress_to_vec(other, CompressionLevel::Fastest)].concat()
    };
    let two_members = |text: &str| {
        let (one, other) = text.split_at(text.len() / 2);
        [gzip(one.as_bytes()), gzip(other.as_bytes())].concat()
    };
    let column = ["--column", "the key"];
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("a.txt", plain.clone().into_bytes(), &[]),
        ("crlf.txt", plain.replace('\n', "\r\n").into_bytes(), &[]),
        ("a.txt.gz", two_members(&plain), &[]),
        ("a.txt.zst", two_frames(&plain), &[]),
        // Told by its bytes, whatever it is called.
        ("zstd", two_frames(&plain), &[]),
        ("a.csv", csv.clone().into_bytes(), &column),
        ("a.csv.zst", two_frames(&csv), &column),
        ("access.log", log.clone().into_bytes(), &[]),
        ("access.log.gz", two_members(&log), &["--format", "access-log"]),
    ];
    let mut first = None;
    for (name, bytes, more) in cases {
        let trace = write(folder.path(), name, &bytes);
        let arguments =
            [&["simulate", &trace, "--size", "100", "--strategy", "lru,s3-tinylfu", "--no-optimum"], more].concat();
        let report = json(&arguments);
        let figures = (report["requests"].clone(), report["distinct"].clone(), report["results"].clone());
        assert_eq!(report["skipped"], if name.starts_with("access") { 5_000 } else { 0 }, "{name}");
        assert_eq!(&figures, first.get_or_insert(figures.clone()), "{name}");
    }
    let output = cachekit(&["simulate", "-", "--size", "100", "--strategy", "lru", "--json"])
        .write_stdin(plain)
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(report["requests"], 5_000);
}

/// A cache, and what its own statistics count, are what the simulation of its trace says.
#[test]
fn what_a_live_cache_has_recorded_is_simulated_with_the_same_hits() {
    let folder = tempfile::tempdir().expect("a folder");
    for (one_in, name) in [(1, "all.cktrace"), (4, "sample.cktrace")] {
        let path = folder.path().join(name);
        let cache: Cache<u64, ()> = Cache::builder().capacity(500).strategy(Strategy::Lru).build();
        let file = fs::File::create(&path).expect("a file");
        let recording = cache.record_trace(file, &Header::one_in(one_in), u64::MAX).expect("a recording");
        for key in keys(5_000) {
            cache.get_or_compute(&key, || ());
        }
        let recorded = recording.stop().expect("its end");
        assert_eq!(recorded.dropped, 0, "5000 accesses have room");
        let path = path.to_str().expect("a path");
        let report = json(&["simulate", path, "--size", "500", "--strategy", "lru", "--no-optimum"]);
        assert_eq!(report["requests"].as_u64(), Some(recorded.accesses), "{report}");
        match one_in {
            1 => assert_eq!(hits(&report, "lru", 500), cache.stats().hits, "{report}"),
            // A size that has room for the sample has room for all.
            _ => {
                assert!(report["rate"].as_f64().is_some_and(|rate| (rate - 0.25).abs() < 1e-9), "{report}");
                let whole = json(&["simulate", path, "--size", "100%", "--strategy", "lru", "--no-optimum"]);
                let first = whole["distinct"].as_u64().expect("keys");
                assert_eq!(whole["results"][0]["hits"].as_u64(), Some(recorded.accesses - first), "{whole}");
                assert_eq!(whole["results"][0]["capacity"].as_u64(), Some(4 * first), "{whole}");
            }
        }
    }
}

#[test]
fn what_is_no_trace_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = write(folder.path(), "a.csv", b"time,object,size\n1,a,2\n");
    let empty = write(folder.path(), "empty.txt", b"\n\n");
    let log = write(folder.path(), "no.log", b"nothing\n");
    let damaged = write(folder.path(), "damaged.gz", &gzip(text(&keys(5_000)).as_bytes())[..200]);
    for (arguments, code, what) in [
        (vec!["simulate", &csv], 5, "--column` with one of time, object, size"),
        (vec!["simulate", &csv, "--column", "7"], 5, "no column \"7\""),
        (vec!["simulate", &empty], 5, "has no requests"),
        (vec!["simulate", &log, "--format", "access-log"], 5, "none of the 1 lines"),
        (vec!["simulate", &damaged], 5, "next:"),
        (vec!["simulate", "/nowhere/at/all"], 5, "/nowhere/at/all"),
        (vec!["simulate", &csv, "--strategy", "LRU"], 2, "use \"lru\""),
        (vec!["simulate", &csv, "--size", "0"], 2, "at least one entry"),
        (vec!["advise", &csv, "--now", "x"], 2, "10k"),
    ] {
        let (ended, told) = failed(&arguments);
        assert!(ended == code && told.contains(what), "{arguments:?}: {ended} {told}");
    }
}

#[test]
fn advice_saves_what_the_simulation_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = write(folder.path(), "trace.txt", text(&keys(20_000)).as_bytes());
    let plot = folder.path().join("advice.svg");
    let arguments = ["advise", &trace, "--now", "40", "--strategy", "fifo", "--load-time", "10ms"];
    let advice = json(&[&arguments[..], &["--svg", plot.to_str().expect("a path")]].concat());
    let (now, knee) = (&advice["now"], &advice["knee"]);
    let capacity = knee["capacity"].as_u64().expect("a size").to_string();
    let simulated = json(&["simulate", &trace, "--size", "40", "--size", &capacity, "--no-optimum"]);
    let of = |setting: &Value| {
        hits(&simulated, setting["strategy"].as_str().expect("a name"), setting["capacity"].as_u64().expect("a size"))
            as i64
    };
    let saved = of(knee) - of(now);
    assert!(saved > 0 && knee["hit_ratio"].as_f64() < advice["most"].as_f64(), "{advice}");
    assert_eq!(
        (advice["saved_loads"].as_i64(), advice["saved_ms"].as_i64()),
        (Some(saved), Some(saved * 10)),
        "{advice}"
    );
    assert!(advice["same_room"]["hit_ratio"].as_f64() >= now["hit_ratio"].as_f64(), "{advice}");
    assert!(advice["same_hits"]["capacity"].as_u64() <= Some(40), "{advice}");
    let text = said(&arguments);
    assert!(text.contains("Set: strategy = ") && text.contains("It saves"), "{text}");
    let svg = fs::read_to_string(plot).expect("a plot");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let shown = curves(&svg);
    let names = BTreeSet::from(["fifo", "lru", knee["strategy"].as_str().expect("a name")]);
    assert_eq!(shown.keys().copied().collect::<BTreeSet<_>>(), names);
    let points: BTreeSet<usize> = shown.values().copied().collect();
    assert!(points.len() == 1 && points.iter().all(|points| *points > 10), "a point for each size: {shown:?}");
    for (what, setting) in [("knee", knee), ("now", now)] {
        let mark = format!(
            "{what}: {} entries, {:.1} %",
            setting["capacity"],
            100.0 * setting["hit_ratio"].as_f64().expect("a ratio")
        );
        assert!(svg.contains(&mark), "no {mark} in {svg}");
    }
}

/// What a sample of the keys saves is a part of what is saved.
#[test]
fn advice_from_a_sample_is_about_all_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = crate::trace_forms::recorded(&folder.path().join("sample.cktrace"), 4);
    let arguments = ["advise", &trace, "--now", "100", "--strategy", "fifo", "--load-time", "10ms"];
    let advice = json(&arguments);
    let (now, knee) = (&advice["now"], &advice["knee"]);
    let capacity = knee["capacity"].as_u64().expect("a size").to_string();
    let simulated = json(&["simulate", &trace, "--size", "100", "--size", &capacity, "--no-optimum"]);
    let of = |setting: &Value| {
        hits(&simulated, setting["strategy"].as_str().expect("a name"), setting["capacity"].as_u64().expect("a size"))
    };
    let (requests, rate) =
        (simulated["requests"].as_u64().expect("a number"), advice["rate"].as_f64().expect("a part"));
    assert!((rate - 0.25).abs() < 1e-9 && advice["requests"].as_u64() == Some(4 * requests), "{advice}");
    let saved = 4 * (of(knee) - of(now));
    assert!(saved > 0 && advice["saved_loads"].as_u64() == Some(saved), "{saved}: {advice}");
    assert_eq!(advice["saved_ms"].as_u64(), Some(10 * saved), "{advice}");
    let text = said(&arguments);
    let about = format!("It saves about {} loads of {} requests", shown(saved), shown(4 * requests));
    assert!(text.contains(&about), "no {about:?} in {text}");
}

/// As tables show numbers.
fn shown(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        _ => format!("{} {:03}", number / 1_000, number % 1_000),
    }
}
