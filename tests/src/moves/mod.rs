//! Entries that the command `cachekit` moves from a Redis into a file store and into another Redis, with each move interrupted in its middle and resumed: is anything lost, does
//! anything live longer or shorter, and does the memory of the command grow with what it moves?
//!
//! `cargo xtask move-figures` runs it. What is compared at the ends is what programs get, and what the servers say themselves.

mod ends;
mod step;

use crate::redis_server::RedisServer;
use ends::{End, fill};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Instant,
};
use step::{Ran, step};

/// What goes wrong with servers, files and processes.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// By how many milliseconds the end of an entry's time may differ: stores keep times by the millisecond, and clocks of servers are estimated.
const MAY_SHIFT: u64 = 1_000;

/// Ten times the entries may take so many times the memory, and some bytes.
const MAY_GROW: f64 = 1.25;
const MAY_GROW_BYTES: u64 = 16 << 20;

/// What is to be moved, and by which command.
#[derive(Debug)]
pub struct Plan {
    /// The command.
    pub command: PathBuf,
    /// How many entries. A tenth of them goes first, to compare memory.
    pub entries: u64,
}

/// All that was measured.
#[derive(Debug)]
pub struct Report {
    few: Moved,
    many: Moved,
}

/// One way from the first Redis to the last.
#[derive(Debug)]
struct Moved {
    entries: u64,
    filled: f64,
    bytes: u64,
    steps: Vec<Ran>,
    lost: usize,
    changed: usize,
    /// The most by which the end of an entry's time differs, in milliseconds.
    shifted: u64,
}

/// Moves a tenth of the entries, then all.
///
/// # Errors
/// Servers, files or the command fail, or a move ends before it could be interrupted.
///
/// # Panics
/// Where `redis-server` is missing.
pub fn run(plan: &Plan) -> Result<Report, Problem> {
    let few = moved(&plan.command, plan.entries / 10)?;
    Ok(Report { few, many: moved(&plan.command, plan.entries)? })
}

fn moved(command: &Path, entries: u64) -> Result<Moved, Problem> {
    let folder = tempfile::tempdir()?;
    let (first, last) = (RedisServer::start(), RedisServer::start());
    let began = Instant::now();
    fill(&first.url(), entries)?;
    let filled = began.elapsed().as_secs_f64();
    let [out, back, store] = ["out.jsonl", "back.jsonl", "store"].map(|name| folder.path().join(name));
    let (dir, from, into) = (store.display().to_string(), first.url(), last.url());
    let mut steps = vec![step(command, ("export", "Redis"), &["--redis", &from], &out, entries)?];
    let bytes = fs::metadata(&out)?.len();
    steps.push(step(command, ("import", "a file store"), &["--dir", &dir, "--create"], &out, entries)?);
    steps.push(step(command, ("export", "a file store"), &["--dir", &dir], &back, entries)?);
    steps.push(step(command, ("import", "Redis"), &["--redis", &into], &back, entries)?);
    let (before, after) = (End::of(&first)?, End::of(&last)?);
    let lost = before.missing_in(&after) + after.missing_in(&before);
    let changed = ends::changed(&into, entries)?;
    Ok(Moved { entries, filled, bytes, steps, lost, changed, shifted: before.most_shifted(&after) })
}

impl Report {
    /// What is not as it has to be.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for Moved { entries, lost, changed, shifted, .. } in [&self.few, &self.many] {
            if *lost + *changed > 0 {
                mistakes.push(format!(
                    "of {entries} entries {lost} are at one end alone, and {changed} values are not what they were"
                ));
            }
            if *shifted > MAY_SHIFT {
                mistakes.push(format!("of {entries} entries one ends {shifted} ms sooner or later than it did"));
            }
        }
        for (few, many) in self.few.steps.iter().zip(&self.many.steps) {
            if many.memory as f64 > few.memory as f64 * MAY_GROW + MAY_GROW_BYTES as f64 {
                let (few, much) = (mb(few.memory), mb(many.memory));
                mistakes.push(format!("{} takes {much} of memory for ten times what takes {few}", many.what));
            }
        }
        mistakes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (few, many) = (&self.few, &self.many);
        writeln!(
            f,
            "{} and {} entries; the lines have {} and {}",
            few.entries,
            many.entries,
            mb(few.bytes),
            mb(many.bytes)
        )?;
        writeln!(f, "filled in {:.1} s and {:.1} s\n", few.filled, many.filled)?;
        writeln!(f, "{:24}{:>10}{:>12}{:>10}{:>12}  interrupted after", "", "seconds", "memory", "seconds", "memory")?;
        for (few, many) in few.steps.iter().zip(&many.steps) {
            writeln!(
                f,
                "{:24}{:>10.1}{:>12}{:>10.1}{:>12}  {:.0} % and {:.0} %",
                few.what,
                few.seconds,
                mb(few.memory),
                many.seconds,
                mb(many.memory),
                few.interrupted,
                many.interrupted
            )?;
        }
        for Moved { entries, lost, changed, shifted, .. } in [few, many] {
            writeln!(
                f,
                "\nof {entries} entries {lost} were lost and {changed} values changed; the ends of their times differ by {shifted} ms at most"
            )?;
        }
        Ok(())
    }
}

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl FnOnce(&mut Moved)) -> Report {
        let ran = |memory| Ran { what: "export, Redis".to_owned(), seconds: 1.0, memory, interrupted: 50.0 };
        let moved = |entries, memory| Moved {
            entries,
            filled: 1.0,
            bytes: 1,
            steps: vec![ran(memory)],
            lost: 0,
            changed: 0,
            shifted: 3,
        };
        let mut many = moved(1_000, 100 << 20);
        change(&mut many);
        Report { few: moved(100, 80 << 20), many }
    }

    #[test]
    fn what_is_lost_changed_shifted_or_grows_is_a_mistake() {
        assert_eq!(report(|_| ()).mistakes(), [""; 0]);
        for (change, what) in [
            ((|moved| moved.lost = 1) as fn(&mut Moved), "1 are at one end alone"),
            (|moved| moved.changed = 2, "2 values are not"),
            (|moved| moved.shifted = 1_001, "1001 ms sooner or later"),
            (|moved| moved.steps[0].memory = 200 << 20, "of memory for ten times"),
        ] {
            let mistakes = report(change).mistakes();
            assert!(mistakes.len() == 1 && mistakes[0].contains(what), "{mistakes:?}");
        }
    }
}
