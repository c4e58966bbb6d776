//! A run of several steps: all are run, the first failure is named at the end with the command that repeats it.

use std::time::{Duration, Instant};

use crate::Result;
use crate::shell::Cmd;

pub(crate) struct Steps {
    started: Instant,
    done: Vec<Done>,
}

struct Done {
    name: String,
    repeat: String,
    took: Duration,
    failure: Option<String>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new() }
    }

    /// Runs a command as a step.
    pub(crate) fn run(&mut self, name: &str, cmd: &Cmd) {
        self.call(name, &cmd.to_string(), || cmd.run());
    }

    /// Runs a function as a step that `repeat` repeats.
    pub(crate) fn call(&mut self, name: &str, repeat: &str, work: impl FnOnce() -> Result) {
        println!("\n== {name} ==\n$ {repeat}");
        let started = Instant::now();
        let failure = work().err();
        if let Some(failure) = &failure {
            eprintln!("{failure}");
        }
        self.done.push(Done { name: name.to_owned(), repeat: repeat.to_owned(), took: started.elapsed(), failure });
    }

    /// Prints what was run and how long it took; fails if a step failed.
    pub(crate) fn finish(self) -> Result {
        println!("\n{}", self.summary());
        match self.first_failure() {
            None => Ok(()),
            Some(message) => Err(message),
        }
    }

    fn summary(&self) -> String {
        let mut text = String::from("== summary ==\n");
        for step in &self.done {
            let result = if step.failure.is_some() { "FAILED" } else { "ok" };
            text.push_str(&format!("{result:>6} {:>7.1} s  {}\n", step.took.as_secs_f64(), step.name));
        }
        text.push_str(&format!("total  {:>7.1} s", self.started.elapsed().as_secs_f64()));
        text
    }

    fn first_failure(&self) -> Option<String> {
        let failed: Vec<_> = self.done.iter().filter(|step| step.failure.is_some()).collect();
        let first = failed.first()?;
        let others = match failed.len() - 1 {
            0 => String::new(),
            n => format!(" ({n} more in the summary)"),
        };
        Some(format!("first failure: {}{others}\nrepeat it with: {}", first.name, first.repeat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_run_and_the_first_failure_is_named_with_its_command() {
        let mut steps = Steps::new();
        let mut ran = Vec::new();
        for (name, result) in [("one", Ok(())), ("two", Err("broken".to_owned())), ("three", Err("also".to_owned()))] {
            steps.call(name, &format!("cargo {name}"), || {
                ran.push(name);
                result
            });
        }
        assert_eq!(ran, ["one", "two", "three"]);
        let summary = steps.summary();
        assert!(summary.contains("ok") && summary.contains("FAILED") && summary.contains("total"), "{summary}");
        assert_eq!(
            steps.finish().unwrap_err(),
            "first failure: two (1 more in the summary)\nrepeat it with: cargo two"
        );
    }

    #[test]
    fn a_run_without_failures_succeeds() {
        let mut steps = Steps::new();
        steps.call("one", "cargo one", || Ok(()));
        assert_eq!(steps.finish(), Ok(()));
    }
}
