//! Commands that can be run and shown in the form in which a person would repeat them.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Result, workspace};

/// A full run builds everything once: what rustc would keep for the next change is half of what it would write to
/// the disk. Whoever sets the variable decides.
const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// A command line, its extra environment and its folder (the workspace unless told otherwise).
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    words: Vec<String>,
    env: Vec<(String, String)>,
    dir: PathBuf,
}

impl Cmd {
    /// Any other program.
    pub(crate) fn new(program: &str) -> Self {
        Self { words: vec![program.to_owned()], env: Vec::new(), dir: workspace::root() }
    }

    /// `cargo` with arguments that are separated by blanks.
    pub(crate) fn cargo(arguments: &str) -> Self {
        let words = std::iter::once("cargo").chain(arguments.split_whitespace()).map(str::to_owned).collect();
        Self { words, env: Vec::new(), dir: workspace::root() }
    }

    pub(crate) fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// Runs it with the caller's output.
    pub(crate) fn run(&self) -> Result {
        let status = self.command().status().map_err(|error| format!("cannot start `{self}`: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("`{self}` ended with {status}")) }
    }

    /// Runs it and returns what it printed; its errors go to the caller's.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.command().stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("cannot start `{self}`: {error}"))?;
        if !output.status.success() {
            return Err(format!("`{self}` ended with {}", output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("`{self}` printed something that is not UTF-8"))
    }

    /// Whether it starts and succeeds; its output is dropped.
    pub(crate) fn succeeds(&self) -> bool {
        let quiet = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        // The cargo that runs us, so that a toolchain chosen by `cargo +x xtask` is kept.
        let program = match self.words[0].as_str() {
            "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            other => other.into(),
        };
        let mut command = Command::new(program);
        if std::env::var_os(INCREMENTAL).is_none() {
            command.env(INCREMENTAL, "0");
        }
        command.args(&self.words[1..]).envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.dir);
        command
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        let words: Vec<_> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_would_take_it() {
        let cmd = Cmd::cargo("test -p  cachekit").arg("it's").env("RUSTFLAGS", "--cfg loom");
        assert_eq!(cmd.to_string(), r"RUSTFLAGS='--cfg loom' cargo test -p cachekit 'it'\''s'");
    }

    #[test]
    fn a_command_that_fails_or_cannot_start_is_an_error() {
        assert!(!Cmd::cargo("no-such-subcommand-of-cargo").succeeds());
        assert!(Cmd::cargo("--version").succeeds());
        let message = Cmd::cargo("--version").dir(workspace::root().join("no such folder")).read().unwrap_err();
        assert!(message.starts_with("cannot start `cargo --version`: "), "{message}");
    }
}
