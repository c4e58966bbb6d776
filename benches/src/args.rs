//! The flags of a benchmark.

use std::{fmt::Display, process::exit, str::FromStr};

/// What the command line asked for.
#[derive(Debug, Clone)]
pub struct Args {
    /// How often each contestant gets its turn.
    pub rounds: usize,
    /// Calls per turn and thread.
    pub ops: usize,
    /// Distinct keys, all of them cached before the first turn.
    pub keys: usize,
    /// Runs only the contestants or functions whose name contains one of these; the references always run.
    pub only: Vec<String>,
    /// Thread counts.
    pub threads: Vec<usize>,
    /// Also counts instructions per call, with callgrind.
    pub instructions: bool,
    /// For callgrind: one contestant by its number, for so many calls on one thread, and nothing else.
    pub once: Option<(usize, usize)>,
}

const USAGE: &str = "\
cargo bench --bench hit -- [FLAGS]
  --rounds N        turns of each contestant (25)
  --ops N           calls per turn and thread (200000)
  --keys N          distinct keys, all cached (1000)
  --only A,B,…      contestants or functions whose name contains one of these; the references always run
  --threads 1,2     thread counts
  --quick           7 rounds of 50000 calls
  --instructions    instructions per call, counted by callgrind, in a column of their own";

impl Args {
    /// Reads the process's command line; prints the usage and ends the process where it cannot be understood.
    #[must_use]
    pub fn parse() -> Args {
        Self::read(std::env::args().skip(1)).unwrap_or_else(|problem| {
            eprintln!("{problem}\n{USAGE}");
            exit(2)
        })
    }

    fn read(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args {
            rounds: 25,
            ops: 200_000,
            keys: 1_000,
            only: Vec::new(),
            threads: vec![1, 2],
            instructions: false,
            once: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                // Given by cargo to every benchmark.
                "--bench" => {}
                "--quick" => (args.rounds, args.ops) = (7, 50_000),
                "--rounds" => args.rounds = number(&word, words.next())?,
                "--ops" => args.ops = number(&word, words.next())?,
                "--keys" => args.keys = number(&word, words.next())?,
                "--only" => args.only = list(&word, words.next())?,
                "--threads" => args.threads = list(&word, words.next())?,
                "--instructions" => args.instructions = true,
                "--once" => args.once = Some((number(&word, words.next())?, number(&word, words.next())?)),
                other => return Err(format!("unknown flag `{other}`")),
            }
        }
        if args.rounds == 0 || args.ops == 0 || args.keys == 0 || args.threads.contains(&0) {
            return Err("all numbers must be at least 1".to_owned());
        }
        Ok(args)
    }
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

    fn read(line: &str) -> Result<Args, String> {
        Args::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_are_read() {
        let args = read("--bench --quick --ops 9 --only moka,ours --threads 2").expect("all of them known");
        assert_eq!((args.rounds, args.ops, args.keys), (7, 9, 1_000));
        assert_eq!((args.only, args.threads), (vec!["moka".to_owned(), "ours".to_owned()], vec![2]));
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for line in ["--rouns 3", "--rounds", "--rounds x", "--ops 0", "--threads 1,0"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
