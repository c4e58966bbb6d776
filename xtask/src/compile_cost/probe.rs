//! A generated crate outside of the workspace, with one dependency, that is built and timed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::shell::Cmd;
use crate::{Result, workspace};

pub(super) struct Probe {
    name: String,
    folder: PathBuf,
    target: PathBuf,
}

impl Probe {
    /// Writes a library crate; `dependency` is a line of its `[dependencies]`.
    pub(super) fn new(name: &str, dependency: &str, source: &str) -> Result<Self> {
        let base = workspace::target().join("compile-cost");
        let name = format!("probe-{name}");
        let probe = Self { folder: base.join(&name), target: base.join("target").join(&name), name };
        // Resolved anew, as for whoever adds the dependency today: the workspace's lock file holds back what a peer of the benchmarks does not allow.
        workspace::remove_dir(&probe.folder)?;
        // An empty `[workspace]` keeps cargo from looking for ours above.
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[dependencies]\n{dependency}\n",
            probe.name
        );
        workspace::write(&probe.folder.join("Cargo.toml"), &manifest)?;
        workspace::write(&probe.folder.join("src/lib.rs"), source)?;
        Ok(probe)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Resolves and downloads, so that no timing holds a network.
    pub(super) fn fetch(&self) -> Result {
        self.cargo("fetch --quiet").run()
    }

    /// Seconds of `cargo build` into an empty target directory.
    pub(super) fn clean_build(&self) -> Result<Duration> {
        workspace::remove_dir(&self.target)?;
        self.time("build")
    }

    /// Seconds of `cargo check` or `cargo build` of this crate alone; what it depends on must be built.
    pub(super) fn rebuild(&self, command: &str) -> Result<Duration> {
        self.cargo("clean --quiet --package").arg(&self.name).run()?;
        self.time(command)
    }

    pub(super) fn time(&self, command: &str) -> Result<Duration> {
        let cmd = self.cargo(command).arg("--quiet").arg("--offline");
        let started = Instant::now();
        cmd.run()?;
        Ok(started.elapsed())
    }

    /// Crates that a build compiles, this one not counted.
    pub(super) fn crates(&self) -> Result<usize> {
        let tree = self.cargo("tree --offline -e normal,build --prefix none").read()?;
        Ok(distinct(&tree).len() - 1)
    }

    fn cargo(&self, arguments: &str) -> Cmd {
        Cmd::cargo(arguments)
            .dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target.display().to_string())
            // Cargo compiles registry and git dependencies without it but path ones, which ours is here, with it.
            .env("CARGO_INCREMENTAL", "0")
    }
}

/// Names with versions in the output of `cargo tree --prefix none`.
fn distinct(tree: &str) -> BTreeSet<String> {
    let name_and_version = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    tree.lines().filter(|line| !line.trim().is_empty()).map(name_and_version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_per_version() {
        let tree = "probe v0.0.0 (dir)\nsyn v3.0.1\nquote v1.0.0 (proc-macro)\nsyn v2.0.1\nsyn v3.0.1 (*)\n\n";
        assert_eq!(
            distinct(tree).into_iter().collect::<Vec<_>>(),
            ["probe v0.0.0", "quote v1.0.0", "syn v2.0.1", "syn v3.0.1"]
        );
    }
}
