//! `cargo xtask test`: everything that can fail because of the code.

use std::path::Path;

use crate::shell::Cmd;
use crate::steps::Steps;
use crate::{Result, needs, workspace};

/// Examples that are built but not run, each with its reason (a server that does not end, a machine that it needs).
const NOT_RUN: [(&str, &str); 0] = [];

/// Examples that serve until they are stopped: with `--once` they ask themselves and end.
const SERVERS: [&str; 2] = ["axum_app", "ops"];

pub(crate) fn main() -> Result {
    let mut steps = Steps::new();
    add(&mut steps)?;
    steps.finish()
}

/// Adds the steps of `test` to a run.
pub(crate) fn add(steps: &mut Steps) -> Result {
    needs::for_tests()?;
    steps.run(
        "tests: unit, integration, compile-time, doc",
        &Cmd::cargo("test --workspace --all-features --no-fail-fast"),
    );
    steps.run("examples: build", &Cmd::cargo("build --workspace --examples --all-features"));
    for example in examples(&workspace::root())? {
        // The feature flags as above, so that nothing is built twice.
        let cmd = Cmd::cargo("run --quiet --all-features --example").arg(&example);
        let cmd = if SERVERS.contains(&example.as_str()) { cmd.arg("--").arg("--once") } else { cmd };
        steps.run(&format!("example: {example}"), &cmd);
    }
    if has_loom_model(&workspace::root().join("cachekit-runtime/src"))? {
        let cmd = loom();
        steps.call("loom models", &cmd.to_string(), || run_loom(&cmd));
    }
    Ok(())
}

/// The examples that are run: all but [`NOT_RUN`].
fn examples(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in ["cachekit/examples", "examples"].map(|folder| root.join(folder)) {
        if !folder.is_dir() {
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let is_example = path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file();
            if let (true, Some(stem)) = (is_example, path.file_stem().and_then(|stem| stem.to_str())) {
                names.push(stem.to_owned());
            }
        }
    }
    names.retain(|name| !NOT_RUN.iter().any(|(skipped, _)| skipped == name));
    names.sort();
    Ok(names)
}

/// The models run optimised and in a target directory of their own: `--cfg loom` changes every crate's flags.
fn loom() -> Cmd {
    Cmd::cargo("test -p cachekit-runtime --lib --release loom")
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", workspace::target().join("loom").display().to_string())
}

/// A name filter that matches nothing succeeds, so the models are counted first.
fn run_loom(cmd: &Cmd) -> Result {
    let listed = cmd.clone().arg("--").arg("--list").read()?;
    if listed.lines().any(|line| line.ends_with(": test")) {
        cmd.run()
    } else {
        Err("cachekit-runtime has a loom model but no test with `loom` in its path".to_owned())
    }
}

/// Whether any source below the folder has a model, that is, `cfg(loom)` beside a test.
fn has_loom_model(folder: &Path) -> Result<bool> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let found = if path.is_dir() {
            has_loom_model(&path)?
        } else {
            path.extension().is_some_and(|e| e == "rs") && is_loom_model(&workspace::read(&path)?)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_loom_model(source: &str) -> bool {
    source.contains("loom::model") || source.contains("model::Builder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::scratch::Scratch;

    #[test]
    fn examples_are_found_by_file_and_by_folder() {
        let scratch = Scratch::new(&[
            ("cachekit/examples/tour.rs", ""),
            ("cachekit/examples/big/main.rs", ""),
            ("cachekit/examples/data/words.txt", ""),
            ("cachekit/examples/notes.md", ""),
            ("examples/Cargo.toml", ""),
            ("examples/src/lib.rs", ""),
            ("examples/with_features/main.rs", ""),
        ]);
        assert_eq!(examples(scratch.path()).unwrap(), ["big", "tour", "with_features"]);
    }

    #[test]
    fn no_examples_folder_means_no_examples() {
        assert!(examples(Scratch::new(&[]).path()).unwrap().is_empty());
    }

    #[test]
    fn a_model_is_found_in_nested_folders() {
        let with = Scratch::new(&[("src/flight/loom.rs", "fn x() { loom::model(|| {}); }")]);
        assert!(has_loom_model(&with.path().join("src")).unwrap());
        let without = Scratch::new(&[("src/flight/state.rs", "#[cfg(loom)] use loom::sync;")]);
        assert!(!has_loom_model(&without.path().join("src")).unwrap());
    }

    #[test]
    fn the_loom_step_can_be_repeated_by_hand() {
        let shown = loom().to_string();
        assert!(shown.starts_with("RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR="), "{shown}");
        assert!(shown.ends_with(" cargo test -p cachekit-runtime --lib --release loom"), "{shown}");
    }
}
