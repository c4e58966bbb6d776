//! One move of the command: interrupted in its middle, and resumed.

use super::Problem;
use crate::watched;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the process.
const LOOKS: Duration = Duration::from_millis(2);

/// A move that was made.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) what: String,
    /// Of both runs together.
    pub(super) seconds: f64,
    /// The most that either run had resident, in bytes.
    pub(super) memory: u64,
    /// After so many percent.
    pub(super) interrupted: f64,
}

/// Moves all entries between a store and the file of lines. The first run gets a SIGINT once half of them are moved.
pub(super) fn step(
    command: &Path,
    (kind, place): (&str, &str),
    store: &[&str],
    lines: &Path,
    entries: u64,
) -> Result<Ran, Problem> {
    let what = format!("{kind}, {place}");
    let path = lines.display().to_string();
    let own: &[&str] = if kind == "export" { &["export", "--out", &path] } else { &["import", &path] };
    let begin = |more: &[&str]| {
        let mut command = Command::new(command);
        command.args([own, store, more].concat()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        for name in ["CACHEKIT_CONFIG", "CACHEKIT_REDIS_URL", "CACHEKIT_DIR", "CACHEKIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.spawn()
    };
    let done = |pid: u32| match kind {
        "export" => exported(lines).map(|moved| moved as f64 / entries as f64),
        _ => Some(watched::place_in(pid, lines)? as f64 / fs::metadata(lines).ok()?.len() as f64),
    };
    let began = Instant::now();
    let mut child = begin(&[])?;
    let (mut memory, mut interrupted) = (0, 0.0);
    let status = watch(&mut child, |child| {
        memory = watched::most_memory(child.id()).unwrap_or(0).max(memory);
        let part = done(child.id()).unwrap_or(0.0);
        if interrupted == 0.0 && part >= 0.5 {
            interrupted = 100.0 * part;
            kill_process(Pid::from_child(child), Signal::INT)?;
        }
        Ok(())
    })?;
    if status.code() != Some(130) {
        return Err(format!(
            "{what}: the first run was to be interrupted, and ended with {status}: {}",
            said(&mut child)
        )
        .into());
    }
    let mut child = begin(&["--resume"])?;
    let status = watch(&mut child, |child| {
        memory = watched::most_memory(child.id()).unwrap_or(0).max(memory);
        Ok(())
    })?;
    if !status.success() {
        return Err(format!("{what}: resumed, it ended with {status}: {}", said(&mut child)).into());
    }
    Ok(Ran { what, seconds: began.elapsed().as_secs_f64(), memory, interrupted })
}

/// How many entries an export has noted so far.
fn exported(lines: &Path) -> Option<u64> {
    let text = fs::read(format!("{}.resume", lines.display())).ok()?;
    serde_json::from_slice::<Value>(&text).ok()?["done"]["entries"].as_u64()
}

fn watch(child: &mut Child, mut look: impl FnMut(&Child) -> Result<(), Problem>) -> Result<ExitStatus, Problem> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        look(child)?;
        thread::sleep(LOOKS); // sleeps: another process is looked at now and then
    }
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut from) = child.stderr.take() {
        std::io::Read::read_to_string(&mut from, &mut text).ok();
    }
    text
}
