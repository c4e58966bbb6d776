//! What concerns a whole process runs in a child: this test binary again, with one test and a variable.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write, stdin},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const CHILD: &str = "CACHEKIT_TESTS_CHILD";

/// As what this process was started by [`run`]; `None`: it is no child.
#[must_use]
pub fn role() -> Option<String> {
    std::env::var(CHILD).ok()
}

fn command(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test binary"));
    command.args(["--exact", test, "--nocapture"]).env(CHILD, role);
    command
}

/// Runs the test of that path in a child of that role, as `change` has it started, and gives what it printed.
///
/// # Panics
/// If it cannot be started, or if the test fails there.
pub fn run(test: &str, role: &str, change: impl FnOnce(&mut Command)) -> String {
    let mut command = command(test, role);
    change(&mut command);
    let output = command.output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_passed = output.status.success() && text.contains("1 passed");
    assert!(is_passed, "in the child, {role}:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Runs the test of that path in a child without that part of the protocol, where it has to fail, saying this: that it can, and that it needs the part.
///
/// # Panics
/// If it cannot be started, passes, or fails for another reason.
pub fn fails_without(part: &str, test: &str, says: &str) {
    let mut command = Command::new(std::env::current_exe().expect("the test binary"));
    command.args(["--exact", test]).env("CACHEKIT_TEST_WITHOUT", part);
    let output = command.output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_failed = !output.status.success() && text.contains("1 failed") && text.contains(says);
    assert!(is_failed, "without {part} it is to fail with {says:?}:\n{text}");
    println!("without {part}:\n{text}");
}

/// Takes out what the environment of this machine says of backends and configuration.
pub fn unconfigured(command: &mut Command) {
    for name in ["CACHEKIT_CONFIG", "CACHEKIT_REDIS_URL", "CACHEKIT_DIR", "CACHEKIT_NAMESPACE"] {
        command.env_remove(name);
    }
}

/// As [`run`], in a folder of its own that has this `cachekit.toml`, if any, and [without other configuration](unconfigured).
///
/// # Panics
/// As [`run`], and if the folder cannot be made.
pub fn run_configured(test: &str, role: &str, file: Option<&str>, change: impl FnOnce(&mut Command, &Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(text) = file {
        fs::write(folder.path().join("cachekit.toml"), text).expect("the file");
    }
    run(test, role, |command| {
        command.current_dir(folder.path());
        unconfigured(command);
        change(command, folder.path());
    });
}

/// In the child: `true`. Otherwise the test runs in one, [configured](run_configured) by that file.
///
/// # Panics
/// As [`run_configured`].
pub fn is_configured(test: &str, file: &str, change: impl FnOnce(&mut Command, &Path)) -> bool {
    if role().is_some() {
        return true;
    }
    run_configured(test, "child", Some(file), change);
    false
}

/// What an answer begins with, among all that a test prints.
const ANSWER: &str = "the child answers: ";

/// A child that is asked line by line, and does what it is asked with [`answer_with`].
#[derive(Debug)]
pub struct Asked {
    child: Child,
    /// `None`: nothing is asked any more.
    questions: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Asked {
    /// The test of that path in a child of that role, as `change` has it started, [without other configuration](unconfigured).
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(test: &str, role: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(test, role);
        unconfigured(&mut command);
        change(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the child starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Asked { child, questions, answers }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn ask(&mut self, question: &str) -> String {
        let questions = self.questions.as_mut().expect("it has not ended");
        writeln!(questions, "{question}").unwrap_or_else(|error| panic!("{question}: {error}"));
        for line in self.answers.by_ref() {
            if let Some((_, answer)) = line.expect("it is text").split_once(ANSWER) {
                return answer.to_owned();
            }
        }
        panic!("it ended: {question}");
    }

    /// Lets it end as a program does.
    ///
    /// # Panics
    /// If it fails.
    pub fn end(mut self) {
        self.questions = None;
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // After an end there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: answers until nothing is asked any more.
///
/// # Panics
/// If what is asked cannot be read.
pub fn answer_with(mut answer: impl FnMut(&str) -> String) {
    for question in stdin().lines() {
        println!("{ANSWER}{}", answer(&question.expect("it is text")));
    }
}
