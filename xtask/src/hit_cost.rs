//! `cargo xtask hit-cost`: what statistics and the sampled curve add to a hit, in instructions.
//!
//! One program is built three ways, in a crate of its own with nothing but cachekit, and callgrind counts what its first thread executes. Two runs of different
//! length leave out all that is not a call, and a third kind of run the loop around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::shell::Cmd;
use crate::{Result, workspace};

/// The bars, in instructions.
const MOST_OF_STATISTICS: f64 = 8.0;
const MOST_OF_A_CURVE: f64 = 5.0;

/// Calls of the shorter run; the longer one makes ten times as many.
const CALLS: u64 = 20_000;

/// Each cache has another seed for its hashes, so that some keys are found at the first place and some are not.
const RUNS: usize = 3;

/// What the program is asked for: `get` of a cache, a call of a function.
const KINDS: [(&str, &str); 2] = [("get", "`Cache::get`"), ("function", "`#[cache] fn(u64) -> u64`")];

/// A way to build and run it.
struct Way {
    name: &'static str,
    build: Build,
    sample: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Build {
    WithoutStatistics,
    AsShipped,
    WithAdvice,
}

const WAYS: [Way; 6] = [
    Way { name: "without statistics", build: Build::WithoutStatistics, sample: "off" },
    Way { name: "as shipped", build: Build::AsShipped, sample: "off" },
    Way { name: "with `advice`, no curve", build: Build::WithAdvice, sample: "off" },
    Way { name: "with a curve, key not in the sample", build: Build::WithAdvice, sample: "others" },
    Way { name: "with a curve, all keys in the mean", build: Build::WithAdvice, sample: "sparing" },
    Way { name: "with a curve, key in the sample", build: Build::WithAdvice, sample: "all" },
];

pub(crate) fn main(options: &[&str]) -> Result {
    let check = match options {
        [] => false,
        ["--check"] => true,
        [other, ..] => return Err(format!("unknown option `{other}`: write `--check`")),
    };
    if !Cmd::new("valgrind").arg("--version").succeeds() {
        return Err("instructions are counted by callgrind: run `apt-get install -y valgrind`".to_owned());
    }
    let mut programs = BTreeMap::new();
    for build in [Build::WithoutStatistics, Build::AsShipped, Build::WithAdvice] {
        programs.insert(build, build.program()?);
    }
    println!("instructions of a hit, of u64 keys and values in a cache with a bound; the loop is subtracted\n");
    print!("{:<38}", "");
    KINDS.iter().for_each(|(_, shown)| print!("{shown:>28}"));
    println!();
    let (mut rows, mut over) = (Vec::new(), Vec::new());
    for way in &WAYS {
        let program = &programs[&way.build];
        let around = per_call(program, "loop", "off")?;
        let counted = KINDS.iter().map(|(kind, _)| Ok(per_call(program, kind, way.sample)? - around));
        let counted: Vec<f64> = counted.collect::<Result<_>>()?;
        print!("{:<38}", way.name);
        counted.iter().for_each(|count| print!("{count:>28.1}"));
        println!();
        rows.push(counted);
    }
    println!();
    for (at, (_, shown)) in KINDS.iter().enumerate() {
        let bars = [
            ("statistics", rows[1][at] - rows[0][at], MOST_OF_STATISTICS),
            ("a curve", rows[4][at] - rows[1][at], MOST_OF_A_CURVE),
        ];
        for (what, costs, most) in bars {
            let line = format!("{shown}: {costs:.1} instructions more by {what}, of at most {most}");
            println!("{line}");
            if costs > most {
                over.push(line);
            }
        }
    }
    if check && !over.is_empty() { Err(over.join("\n")) } else { Ok(()) }
}

impl Build {
    fn name(self) -> &'static str {
        match self {
            Build::WithoutStatistics => "without-statistics",
            Build::AsShipped => "as-shipped",
            Build::WithAdvice => "with-advice",
        }
    }

    /// Builds the program as benchmarks are built.
    fn program(self) -> Result<PathBuf> {
        let root = workspace::root();
        let folder = workspace::target().join("hit-cost").join(self.name());
        let features = if self == Build::WithAdvice { ", features = [\"advice\"]" } else { "" };
        // An empty `[workspace]` keeps cargo from looking for ours above.
        let manifest = format!(
            "[package]\nname = \"hit-cost\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[features]\nadvice = []\n\n\
             [[bin]]\nname = \"hit-cost\"\npath = {program:?}\n\n[dependencies]\ncachekit = {{ path = {facade:?}{features} }}\n\n\
             [profile.release]\nlto = \"fat\"\ncodegen-units = 1\n",
            program = root.join("benches/benches/hit_cost.rs"),
            facade = root.join("cachekit"),
        );
        workspace::write(&folder.join("Cargo.toml"), &manifest)?;
        let flags = if self == Build::WithoutStatistics { "--cfg cachekit_no_statistics" } else { "" };
        let target = folder.join("target");
        let mut cmd = Cmd::cargo("build --release --quiet").dir(&folder).env("RUSTFLAGS", flags);
        cmd = cmd.env("CARGO_TARGET_DIR", target.display().to_string());
        if self == Build::WithAdvice {
            cmd = cmd.arg("--features").arg("advice");
        }
        println!("$ {cmd}");
        cmd.run()?;
        Ok(target.join("release/hit-cost"))
    }
}

/// The median of some runs.
fn per_call(program: &Path, kind: &str, sample: &str) -> Result<f64> {
    let run = |_| {
        let [short, long] = [CALLS, 10 * CALLS].map(|calls| counted(program, kind, sample, calls));
        Ok((long? as f64 - short? as f64) / (9 * CALLS) as f64)
    };
    let mut runs: Vec<f64> = (0..RUNS).map(run).collect::<Result<_>>()?;
    runs.sort_by(f64::total_cmp);
    Ok(runs[RUNS / 2])
}

/// What the first thread executes: others simulate what was sampled.
fn counted(program: &Path, kind: &str, sample: &str, calls: u64) -> Result<u64> {
    let folder = workspace::target().join("hit-cost/counts");
    workspace::remove_dir(&folder)?;
    let (all, first) = (folder.join("out"), folder.join("out-01"));
    workspace::write(&all, "")?;
    Cmd::new("valgrind")
        .arg("--quiet")
        .arg("--tool=callgrind")
        .arg("--separate-threads=yes")
        .arg(format!("--callgrind-out-file={}", all.display()))
        .arg(program.display().to_string())
        .arg(kind)
        .arg(sample)
        .arg(calls.to_string())
        .run()?;
    totals(&workspace::read(&first)?).ok_or_else(|| format!("no total in {}", first.display()))
}

/// `totals: 123456`
fn totals(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("totals: ")).and_then(|count| count.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        assert_eq!(totals("thread: 1\nevents: Ir\nfn=(1) main\n1 20\n\ntotals: 123456\n"), Some(123_456));
        assert_eq!(totals("thread: 1\n"), None);
    }

    #[test]
    fn another_option_is_an_error() {
        assert_eq!(main(&["--chek"]), Err("unknown option `--chek`: write `--check`".to_owned()));
    }
}
