//! `cargo xtask move-figures`: `cachekit export` and `cachekit import` of many entries, each interrupted and resumed.
//!
//! The release binary moves them between servers and a file store of its own; what is compared is in `tests/src/moves`. The figures are those of `docs/cli.md`.

use crate::shell::Cmd;
use crate::{Result, needs, workspace};

const USAGE: &str = "`cargo xtask move-figures [--entries N]`, a million without a number, 100000 at least";

pub(crate) fn main(words: &[&str]) -> Result {
    let entries = match words {
        [] => "1000000",
        ["--entries", entries] if entries.parse::<u64>().is_ok_and(|entries| entries >= 100_000) => entries,
        _ => return Err(format!("`{}` is not understood: {USAGE}", words.join(" "))),
    };
    needs::redis()?;
    Cmd::cargo("build --quiet --release -p cachekit-cli").run()?;
    let command = workspace::target().join("release/cachekit").display().to_string();
    Cmd::cargo("run --quiet -p cachekit-tests --bin moves -- --command")
        .arg(command)
        .arg("--entries")
        .arg(entries)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_entries_is_refused_with_the_usage() {
        for words in [&["--entries"][..], &["--entries", "many"], &["--entries", "99999"], &["--fast"]] {
            assert!(main(words).unwrap_err().contains("100000 at least"), "{words:?}");
        }
    }
}
