//! No file names a folder of somebody's machine.

use super::problem::Problem;
use super::tree::Tree;

/// Written in two halves, so that this file passes its own check.
const FOLDERS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!(r"C:\Us", r"ers\"),
];

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (at, line) in file.text.lines().enumerate() {
            for folder in FOLDERS {
                if names(line, folder) {
                    let text = format!("an absolute path of one machine (`{folder}…`): write it from the workspace");
                    problems.push(Problem::at(&file.path, at + 1, text));
                }
            }
        }
    }
}

/// Whether a path begins with the folder: nothing of a longer path before it, a name after it.
fn names(line: &str, folder: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "._-~$}>".contains(c);
    let found =
        |(at, _)| !line[..at].ends_with(part) && line[at + folder.len()..].starts_with(|c: char| c.is_alphanumeric());
    line.match_indices(folder).any(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_found_in_every_kind_of_file() {
        for (path, name) in [("a.rs", "ada"), ("docs/x.md", "ada"), (".ci/run", "x"), ("ui-tests/fail/a.stderr", "x")] {
            for folder in FOLDERS {
                let mut problems = Vec::new();
                check(&Tree::of(&[(path, &format!("see\nin \"{folder}{name}\""))]), &mut problems);
                assert_eq!(problems.len(), 1, "{folder}");
                assert!(problems[0].to_string().starts_with(&format!("{path}:2: ")));
            }
        }
    }

    #[test]
    fn relative_paths_and_addresses_are_fine() {
        let text = format!("a{0}b https://x.org{0}b $DIR{0}b {0}`", FOLDERS[0]);
        let mut problems = Vec::new();
        check(&Tree::of(&[("README.md", &text)]), &mut problems);
        assert_eq!(problems, []);
    }
}
