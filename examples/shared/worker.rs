//! One of the processes: two annotated functions, and a loop that calls them as it is told on its input.

use anyhow::{Context, Result, bail};
use cachekit::{Outcome, Tier, cache};
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// What makes this program such a process.
pub(crate) const ARGUMENT: &str = "worker";

/// How long it takes to compute a value.
const COMPUTING: Duration = Duration::from_millis(200);

#[derive(Clone, Serialize, Deserialize)]
struct Quote {
    city: String,
    /// Who has computed it, and when.
    by: u32,
    at: u128,
}

/// An async function over both: the memory of the process, and the Redis that all of them share.
#[cache(backend = ["memory", "redis"], codec = "postcard", ttl = "10m", near_ttl = "1s", timeout = "100ms")]
async fn quote(city: &str) -> Quote {
    tokio::time::sleep(COMPUTING).await;
    let at = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis());
    Quote { city: city.to_owned(), by: std::process::id(), at }
}

/// A sync function over a file.
#[cache(backend = "file", ttl = "1h")]
fn digest(name: &str) -> u64 {
    std::thread::sleep(COMPUTING);
    name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte))
}

/// The other end: reads calls, one a line, and writes answers.
#[tokio::main]
pub(crate) async fn run() -> Result<()> {
    for line in std::io::stdin().lines() {
        let line = line?;
        let (what, name) = line.split_once(' ').context("a call and its argument")?;
        let start = Instant::now();
        let answer = match what {
            "quote" => {
                let (quote, outcome) = quote::traced(name).await;
                format!("{} by {} at {:05}|{}", quote.city, quote.by, quote.at % 100_000, source(outcome))
            }
            "digest" => {
                let (digest, outcome) = digest::traced(name);
                format!("{digest:x}|{}", source(outcome))
            }
            "invalidate" => format!("{:?}|", quote::invalidate(name).await),
            _ => bail!("what is {what}?"),
        };
        let took = start.elapsed().as_micros();
        // So that the other process finds what this one has stored.
        cachekit::flush().await;
        println!("{answer}|{took}");
    }
    cachekit::shutdown().await;
    Ok(())
}

fn source(outcome: Outcome) -> &'static str {
    match outcome.tier {
        Some(Tier::Memory) => "memory",
        Some(Tier::File) => "file",
        Some(Tier::Redis) => "Redis",
        Some(_) => "elsewhere",
        None => "computed",
    }
}

/// This end of such a process.
pub(crate) struct Worker {
    name: &'static str,
    child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) value: String,
    /// What it came from.
    pub(crate) source: String,
    pub(crate) took: Duration,
    /// How much of it was no computing.
    pub(crate) waited: Duration,
}

impl Worker {
    pub(crate) fn start(name: &'static str, port: u16, folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Instead of `cachekit::configure()`, or a file `cachekit.toml`.
        command.env("CACHEKIT_REDIS_URL", format!("redis://127.0.0.1:{port}"));
        command.env("CACHEKIT_DIR", folder.join("cache"));
        let mut child = command.spawn()?;
        let calls = child.stdin.take().context("its input")?;
        let answers = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Worker { name, child, calls, answers })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    fn line(&mut self, call: &str) -> Result<String> {
        writeln!(self.calls, "{call}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The first part of an answer.
    pub(crate) fn ask(&mut self, call: &str) -> Result<String> {
        let line = self.line(call)?;
        Ok(line.split('|').next().unwrap_or_default().to_owned())
    }

    pub(crate) fn call(&mut self, call: &str) -> Result<Answer> {
        let line = self.line(call)?;
        let mut parts = line.split('|');
        let mut next = || parts.next().with_context(|| format!("{}: no answer to {call}", self.name));
        let (value, source, took) = (next()?.to_owned(), next()?.to_owned(), Duration::from_micros(next()?.parse()?));
        let waited = if source == "computed" { took.saturating_sub(COMPUTING) } else { took };
        Ok(Answer { value, source, took, waited })
    }

    /// Ends it, once it has done what it has begun.
    pub(crate) fn end(self) -> Result<()> {
        let Worker { mut child, calls, .. } = self;
        drop(calls);
        if child.wait()?.success() { Ok(()) } else { bail!("{} has failed", self.name) }
    }
}
