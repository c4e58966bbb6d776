//! The flags of the benchmarks.

use std::{fmt::Display, path::PathBuf, process::exit, str::FromStr, thread};

/// What the command line asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    /// How often each contestant gets its turn.
    pub rounds: usize,
    /// Calls per turn and thread.
    pub ops: usize,
    /// Distinct keys, all of them cached before the first turn.
    pub keys: usize,
    /// The most entries that a cache is filled with, where the benchmark is not to choose.
    pub entries: Option<usize>,
    /// Runs only what has a name that contains one of these; the references always run.
    pub only: Vec<String>,
    /// Thread counts.
    pub threads: Vec<usize>,
    /// Coarser, in seconds.
    pub quick: bool,
    /// Also counts instructions per call, with callgrind.
    pub instructions: bool,
    /// A sample has at most one key in so many.
    pub one_in: usize,
    /// The folder of the traces.
    pub traces: Option<PathBuf>,
    /// For a process that the benchmark starts itself: one contestant by its number, for so many calls, and nothing else.
    pub once: Option<(usize, usize)>,
}

impl Default for Args {
    fn default() -> Args {
        Args {
            rounds: 25,
            ops: 200_000,
            keys: 1_000,
            entries: None,
            only: Vec::new(),
            threads: thread_counts(thread::available_parallelism().map_or(1, usize::from)),
            quick: false,
            instructions: false,
            one_in: 1,
            traces: None,
            once: None,
        }
    }
}

impl Args {
    /// Reads the process's command line; prints the usage and ends the process where it cannot be understood. A flag that the usage does not name is
    /// unknown.
    #[must_use]
    pub fn parse(usage: &str) -> Args {
        Self::read(std::env::args().skip(1), usage).unwrap_or_else(|problem| {
            eprintln!("{problem}\n{usage}");
            exit(2)
        })
    }

    /// Whether something is wanted that has these names.
    #[must_use]
    pub fn wants(&self, names: &[&str]) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| names.iter().any(|name| name.contains(part.as_str())))
    }

    fn read(mut words: impl Iterator<Item = String>, usage: &str) -> Result<Args, String> {
        let mut args = Args::default();
        while let Some(word) = words.next() {
            let internal = ["--bench", "--once"].contains(&word.as_str());
            if !internal && !usage.split_whitespace().any(|known| known == word) {
                return Err(format!("unknown flag `{word}`"));
            }
            match word.as_str() {
                // Given by cargo to every benchmark.
                "--bench" => {}
                "--quick" => (args.quick, args.rounds, args.ops, args.entries) = (true, 7, 50_000, Some(100_000)),
                "--rounds" => args.rounds = number(&word, words.next())?,
                "--ops" => args.ops = number(&word, words.next())?,
                "--keys" => args.keys = number(&word, words.next())?,
                "--entries" => args.entries = Some(number(&word, words.next())?),
                "--only" => args.only = list(&word, words.next())?,
                "--threads" => args.threads = list(&word, words.next())?,
                "--instructions" => args.instructions = true,
                "--one-in" => args.one_in = number(&word, words.next())?,
                "--traces" => args.traces = Some(words.next().ok_or("`--traces` needs a folder")?.into()),
                "--once" => args.once = Some((number(&word, words.next())?, number(&word, words.next())?)),
                other => return Err(format!("unknown flag `{other}`")),
            }
        }
        if [args.rounds, args.ops, args.keys, args.one_in, args.entries.unwrap_or(1)].contains(&0)
            || args.threads.contains(&0)
        {
            return Err("all numbers must be at least 1".to_owned());
        }
        Ok(args)
    }
}

/// One, two, and the powers of two as far as the machine has that many hardware threads.
fn thread_counts(available: usize) -> Vec<usize> {
    (0..usize::BITS).map(|power| 1 << power).take_while(|count| *count <= available.max(2)).collect()
}

fn number<T: FromStr<Err: Display>>(flag: &str, text: Option<String>) -> Result<T, String> {
    let text = text.ok_or_else(|| format!("`{flag}` needs a number"))?;
    text.parse().map_err(|error| format!("`{flag} {text}`: {error}"))
}

fn list<T: FromStr<Err: Display>>(flag: &str, text: Option<String>) -> Result<Vec<T>, String> {
    text.ok_or_else(|| format!("`{flag}` needs a list"))?
        .split(',')
        .map(|part| number(flag, Some(part.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &str = "  --quick\n  --ops N\n  --rounds N\n  --only A,B\n  --threads 1,2  thread counts";

    fn read(line: &str) -> Result<Args, String> {
        Args::read(line.split_whitespace().map(str::to_owned), USAGE)
    }

    #[test]
    fn flags_are_read() {
        let args = read("--bench --quick --ops 9 --only moka,ours --threads 2").expect("all of them known");
        assert_eq!((args.rounds, args.ops, args.keys), (7, 9, 1_000));
        assert_eq!((&args.only, &args.threads), (&vec!["moka".to_owned(), "ours".to_owned()], &vec![2]));
        assert!(args.wants(&["of ours", "x"]) && !args.wants(&["cached"]));
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for line in ["--rouns 3", "--rounds", "--rounds x", "--ops 0", "--threads 1,0", "--keys 3"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn two_threads_run_even_where_there_is_one() {
        assert_eq!(thread_counts(1), [1, 2]);
        assert_eq!(thread_counts(12), [1, 2, 4, 8]);
    }
}
