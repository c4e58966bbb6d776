//! What the tests and gates need beside a Rust toolchain. This is the one place that installs or starts it.
//!
//! `cargo xtask test` must work on a machine that has only Rust, so whatever a test needs more is set up here, before the first step:
//! add a function, call it in [`for_tests`], and say in its message what to install by hand where it cannot be installed.

use crate::Result;
use crate::shell::Cmd;

/// Sets up what `cargo xtask test` needs.
pub(crate) fn for_tests() -> Result {
    // Nothing beyond the toolchain that `rust-toolchain.toml` pins, and rustup fetches that by itself.
    Ok(())
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
