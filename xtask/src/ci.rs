//! `cargo xtask ci`: the tests and every gate that a change must pass.

use crate::shell::Cmd;
use crate::steps::Steps;
use crate::{Result, features, needs, test, tidy};

pub(crate) fn main(with_test: bool) -> Result {
    needs::for_gates()?;
    let mut steps = Steps::new();
    if with_test {
        test::add(&mut steps)?;
    }
    steps.run("format", &Cmd::cargo("fmt --all -- --check"));
    steps.run("clippy", &Cmd::cargo("clippy --workspace --all-targets --all-features -- -D warnings"));
    steps.run("rustdoc", &rustdoc());
    steps.run("rustdoc, private items included", &rustdoc().arg("--document-private-items"));
    for combination in features::combinations()? {
        steps.run(&format!("features: {}", combination.name), &combination.cmd);
    }
    steps.call("tidy", "cargo xtask tidy", tidy::main);
    steps.finish()
}

fn rustdoc() -> Cmd {
    Cmd::cargo("doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings")
}
