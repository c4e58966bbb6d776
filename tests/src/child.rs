//! What concerns a whole process runs in a child: this test binary again, with one test and a variable.

use std::{fs, path::Path, process::Command};

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
