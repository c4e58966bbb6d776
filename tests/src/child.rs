//! What concerns a whole process runs in a child: this test binary again, with one test and a variable.

use std::process::Command;

const CHILD: &str = "CACHEKIT_TESTS_CHILD";

/// As what this process was started by [`run`]; `None`: it is no child.
#[must_use]
pub fn role() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Runs the test of that path in a child of that role, as `change` has it started, and gives what it printed.
///
/// # Panics
/// If it cannot be started, or if the test fails there.
pub fn run(test: &str, role: &str, change: impl FnOnce(&mut Command)) -> String {
    let binary = std::env::current_exe().expect("the test binary");
    let mut command = Command::new(binary);
    command.args(["--exact", test, "--nocapture"]).env(CHILD, role);
    change(&mut command);
    let output = command.output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_passed = output.status.success() && text.contains("1 passed");
    assert!(is_passed, "in the child, {role}:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
