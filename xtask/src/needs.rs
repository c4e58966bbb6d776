//! What the tests and gates need beside a Rust toolchain. This is the one place that installs or starts it.
//!
//! `cargo xtask test` must work on a machine that has only Rust, so whatever a test needs more is set up here, before the first step:
//! add a function, call it in [`for_tests`], and say in its message what to install by hand where it cannot be installed.

use crate::Result;
use crate::shell::Cmd;

/// Sets up what `cargo xtask test` needs.
pub(crate) fn for_tests() -> Result {
    // The toolchain that `rust-toolchain.toml` pins comes by itself: rustup fetches it.
    redis()?;
    prometheus()?;
    chromium()
}

/// The tests of the Redis backend start servers of their own; a server that runs already is never touched.
pub(crate) fn redis() -> Result {
    let by_hand =
        "the tests need `redis-server`: run `apt-get install -y redis-server`, or install Redis 7 in another way";
    installed(&["redis-server", "redis-cli"], "redis-server", by_hand)
}

/// A test of the metrics starts one that scrapes, and its linter.
fn prometheus() -> Result {
    let by_hand = "the tests need `prometheus` and `promtool`: run `apt-get install -y prometheus`, or install Prometheus 2 in another way";
    installed(&["prometheus", "promtool"], "prometheus", by_hand)
}

/// The tests of the admin page look at it in a browser.
fn chromium() -> Result {
    let by_hand = "the tests need `chromium` and `chromedriver` of one version: run `apt-get install -y chromium chromium-driver`, or install them in another way";
    installed(&["chromium", "chromedriver"], "chromium-driver", by_hand)
}

/// Installs a package of Debian, unless its programs are there.
fn installed(programs: &[&str], package: &str, by_hand: &str) -> Result {
    let is_there = || programs.iter().all(|tool| Cmd::new(tool).arg("--version").succeeds());
    if is_there() {
        return Ok(());
    }
    if !Cmd::new("apt-get").arg("--version").succeeds() {
        return Err(by_hand.to_owned());
    }
    let is_root = Cmd::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0");
    let apt = |words: &[&str]| {
        // `-n`: fail instead of asking for a password, which nobody may be there to type.
        let first: &[&str] = if is_root { &["apt-get"] } else { &["sudo", "-n", "apt-get"] };
        let mut all = first.iter().chain(words);
        let program = all.next().copied().unwrap_or("apt-get");
        all.fold(Cmd::new(program), |cmd, word| cmd.arg(*word)).env("DEBIAN_FRONTEND", "noninteractive").run()
    };
    println!("{package} is missing: installing it");
    // The lists of packages of a fresh machine may be empty; where they cannot be fetched, older ones may do.
    apt(&["update"]).ok();
    apt(&["install", "-y", package]).map_err(|error| format!("{by_hand} ({error})"))?;
    if is_there() { Ok(()) } else { Err(by_hand.to_owned()) }
}

/// Checks for what the gates of `cargo xtask ci` need.
pub(crate) fn for_gates() -> Result {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !Cmd::cargo(tool).arg("--version").succeeds() {
            return Err(format!("`cargo {tool}` is missing: run `rustup component add {component}`"));
        }
    }
    Ok(())
}
