//! `cargo xtask check-coherence`: the checker of the tests, for as long as asked, and over as many seeds.

use crate::shell::Cmd;
use crate::{Result, needs};

const USAGE: &str = "`cargo xtask check-coherence [--seed N] [--minutes M] [--seeds COUNT] [--nodes N] [--without epochs|witness|lease|boot] [--often lease|boot] [--expect violations]`";

/// What is asked for.
#[derive(Debug, PartialEq)]
struct Options {
    seed: u64,
    seeds: u64,
    minutes: String,
    /// Handed on as they are.
    rest: Vec<String>,
}

pub(crate) fn main(words: &[&str]) -> Result {
    let options = read(words)?;
    needs::for_tests()?;
    Cmd::cargo("build -p cachekit-tests --bin coherence").run()?;
    let mut failed = Vec::new();
    for seed in options.seed..options.seed + options.seeds {
        let mut cmd = Cmd::cargo("run --quiet -p cachekit-tests --bin coherence -- --seed").arg(seed.to_string());
        cmd = cmd.arg("--minutes").arg(&options.minutes);
        for word in &options.rest {
            cmd = cmd.arg(word);
        }
        if cmd.run().is_err() {
            failed.push(seed.to_string());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed with seed {}: what it printed says whether by violations", failed.join(", ")))
    }
}

fn read(words: &[&str]) -> Result<Options> {
    let mut options = Options { seed: 1, seeds: 1, minutes: "1".to_owned(), rest: Vec::new() };
    for pair in words.chunks(2) {
        let [flag, value] = pair else { return Err(format!("`{}` needs a value: {USAGE}", pair[0])) };
        let number = || value.parse().map_err(|error| format!("`{flag} {value}`: {error}"));
        match *flag {
            "--seed" => options.seed = number()?,
            "--seeds" => options.seeds = number()?,
            "--minutes" => options.minutes = (*value).to_owned(),
            "--nodes" | "--without" | "--often" | "--expect" => {
                options.rest.extend([(*flag).to_owned(), (*value).to_owned()])
            }
            _ => return Err(format!("unknown flag `{flag}`: {USAGE}")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read() {
        let options = read(&["--seed", "7", "--seeds", "10", "--minutes", "0.5", "--without", "lease"]).unwrap();
        let rest = vec!["--without".to_owned(), "lease".to_owned()];
        assert_eq!(options, Options { seed: 7, seeds: 10, minutes: "0.5".to_owned(), rest });
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for words in [&["--seed"][..], &["--seed", "x"], &["--hours", "1"]] {
            assert!(read(words).unwrap_err().contains(words[0]), "{words:?}");
        }
    }
}
