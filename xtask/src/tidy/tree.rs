//! The text files of the workspace, read once for all checks.

use std::path::Path;

use super::code;
use crate::Result;

/// Folders that hold nothing of ours; `wip` is where trybuild puts new `.stderr` files.
const SKIPPED_FOLDERS: [&str; 3] = ["target", "wip", "node_modules"];
/// Dotted folders are skipped but for these.
const DOTTED_FOLDERS: [&str; 3] = [".cargo", ".ci", ".github"];

pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// For Rust sources the text with comments and literals blanked, else empty.
    pub(crate) code: String,
}

impl Tree {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut files: Vec<_> =
            files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|at| &self.files[at])
    }

    /// The files below a folder; `folder` ends with `/`.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder))
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let code = if path.ends_with(".rs") { code::only(&text) } else { String::new() };
        Self { path, text, code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A program that the compile-time tests compile: it is written like a user's crate, good or bad.
    pub(crate) fn is_fixture(&self) -> bool {
        self.path.starts_with("ui-tests/")
            && !self.path.starts_with("ui-tests/src/")
            && !self.path.starts_with("ui-tests/tests/")
    }

    /// Whether the whole file is test code: in a folder of tests or the out-of-line `mod tests` of a source file.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "ui-tests")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    pub(crate) fn is_example(&self) -> bool {
        self.path.split('/').any(|part| part == "examples" || part == "benches")
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result {
    let failed = |error| format!("cannot list {}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            let skipped = SKIPPED_FOLDERS.contains(&name.as_str());
            let dotted = name.starts_with('.') && !DOTTED_FOLDERS.contains(&name.as_str());
            if !skipped && !dotted {
                walk(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() && name != ".git" {
            // What is not UTF-8 is data, and no rule speaks about data.
            if let Ok(text) = std::fs::read_to_string(entry.path()) {
                files.push(File::new(path, text));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Scratch;
    use super::*;

    #[test]
    fn a_tree_holds_text_files_and_skips_what_is_built() {
        let scratch = Scratch::new(&[
            ("a/src/lib.rs", "// c\nfn f() {}\n"),
            ("a/target/debug/x.rs", ""),
            (".git/config", ""),
            (".ci/run", "#!/bin/sh\n"),
            ("README.md", "hello"),
        ]);
        std::fs::write(scratch.path().join("data.bin"), [0xff, 0xfe]).unwrap();
        let tree = Tree::load(scratch.path()).unwrap();
        let paths: Vec<_> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".ci/run", "README.md", "a/src/lib.rs"]);
        assert_eq!(tree.get("a/src/lib.rs").unwrap().code, "    \nfn f() {}\n");
        assert!(tree.get("a/src/main.rs").is_none());
    }

    #[test]
    fn files_know_what_they_are() {
        let file = |path: &str| File::new(path.to_owned(), String::new());
        assert!(
            file("ui-tests/fail/key/float.rs").is_fixture() && file("ui-tests/crates/renamed/src/lib.rs").is_fixture()
        );
        assert!(!file("ui-tests/src/lib.rs").is_fixture() && !file("ui-tests/tests/ui.rs").is_fixture());
        assert!(file("tests/src/lib.rs").is_test() && file("cachekit-runtime/src/flight/tests.rs").is_test());
        assert!(!file("cachekit-runtime/src/testing.rs").is_test());
        assert!(file("cachekit/examples/tour.rs").is_example() && !file("cachekit/src/lib.rs").is_example());
    }
}
