//! How a command ends: exit codes, and failures that say what to do next.

use cachekit_runtime::{Error, backend::Failure as BackendFailure};
use std::{fmt, io, process::ExitCode};

/// The exit codes. They are documented in `docs/cli.md` and in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Fine = 0,
    /// Nothing was found, or the doctor has found something.
    Found = 1,
    /// What was said, or is configured, cannot be understood; clap's own code.
    Usage = 2,
    /// A store cannot be reached, or refuses.
    Store = 3,
    /// Somebody has to say yes first, and did not.
    Declined = 4,
    /// Everything else: a file that cannot be read or written, a trace without requests.
    Other = 5,
    /// Interrupted by Ctrl-C, as shells count it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command failed, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    next: Option<String>,
    is_broken_pipe: bool,
}

impl Failure {
    fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Failure { exit, message: message.to_string(), next: None, is_broken_pipe: false }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Usage, message)
    }

    pub(crate) fn store(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Store, message)
    }

    pub(crate) fn nothing(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Found, message)
    }

    pub(crate) fn declined(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Declined, message)
    }

    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Other, message)
    }

    pub(crate) fn interrupted(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Interrupted, message)
    }

    /// What to do next.
    pub(crate) fn next(mut self, next: impl fmt::Display) -> Self {
        self.next = Some(next.to_string());
        self
    }

    /// What was done before it failed.
    pub(crate) fn after(mut self, done: impl fmt::Display) -> Self {
        self.message = format!("{}; {done}", self.message);
        self
    }

    /// What also can be done, behind what is to be done first.
    pub(crate) fn and_then(mut self, next: impl fmt::Display) -> Self {
        self.next = Some(match self.next.take() {
            Some(first) => format!("{first}; {next}"),
            None => next.to_string(),
        });
        self
    }

    pub(crate) fn next_step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.is_broken_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Of output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let is_broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { is_broken_pipe, ..Failure::other(format_args!("the output cannot be written: {error}")) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let next = match &error {
            Error::Backend { failure, .. } => match failure {
                BackendFailure::Unreachable | BackendFailure::Timeout => {
                    "see whether the server runs and can be reached from here, with `cachekit doctor`; a slow one needs a larger `--timeout`"
                }
                BackendFailure::NotWritable => {
                    "see `cachekit stats` for the memory of the servers, and the free space of the disk"
                }
                BackendFailure::Busy => {
                    "try again in a moment; a file store that a process uses can be moved only by that process"
                }
                BackendFailure::Misconfigured => "check the address, the user and the password, with `cachekit doctor`",
                _ => "`cachekit doctor` looks closer",
            },
            Error::Configuration { .. } => "mend it, or say where the store is with `--redis` or `--dir`",
            _ => "`cachekit doctor` looks closer",
        };
        match &error {
            Error::Configuration { .. } => Failure::usage(&error).next(next),
            _ => Failure::store(&error).next(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::EXIT_CODES;
    use std::collections::BTreeMap;

    /// All of them: one that is added and not here does not compile.
    fn all() -> [Exit; 7] {
        let first = Exit::Fine;
        match first {
            Exit::Fine | Exit::Found | Exit::Usage | Exit::Store | Exit::Declined | Exit::Other | Exit::Interrupted => {
                [Exit::Fine, Exit::Found, Exit::Usage, Exit::Store, Exit::Declined, Exit::Other, Exit::Interrupted]
            }
        }
    }

    /// Code and meaning: the first words of a line, which begins with a number.
    fn lines(text: &str, between: char) -> BTreeMap<u8, String> {
        let line = |line: &str| {
            let (code, meaning) = line.trim().trim_matches('|').trim().split_once(between)?;
            Some((code.trim().parse().ok()?, meaning.trim().to_owned()))
        };
        text.lines().filter_map(line).collect()
    }

    #[test]
    fn the_help_and_the_manual_have_the_codes_that_there_are() {
        let codes: Vec<u8> = all().iter().map(|exit| *exit as u8).collect();
        let help = lines(EXIT_CODES, ' ');
        let manual = include_str!("../../docs/cli.md");
        let manual = manual.split("| exit code |").nth(1).expect("the table of exit codes");
        let manual = lines(manual.split("\n\n").next().expect("its end"), '|');
        assert_eq!(help.keys().copied().collect::<Vec<_>>(), codes, "{help:?}");
        assert_eq!(manual.keys().copied().collect::<Vec<_>>(), codes, "{manual:?}");
        for (code, meaning) in &help {
            // The manual says more, and begins alike.
            let meaning = meaning.split(" (").next().unwrap_or_default();
            assert!(
                manual[code].starts_with(meaning),
                "{code}: {meaning:?} in the help, {:?} in the manual",
                manual[code]
            );
        }
    }

    #[test]
    fn a_mistake_in_the_configuration_is_one_of_what_was_said() {
        let failure = Failure::from(Error::Configuration { at: "cachekit.toml".into(), message: "line 3: no".into() });
        assert_eq!((failure.exit(), failure.next_step().is_some()), (Exit::Usage, true));
    }
}
