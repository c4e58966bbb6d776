//! Every fixture of a compile-time error is in the index and has its expected output, and nothing else is.

use std::collections::BTreeMap;

use super::problem::Problem;
use super::tree::Tree;

const FOLDERS: [&str; 2] = ["ui-tests/fail/", "ui-tests/backends/fail/"];

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    for folder in FOLDERS {
        check_folder(tree, folder, problems);
    }
}

fn check_folder(tree: &Tree, folder: &str, problems: &mut Vec<Problem>) {
    let path = format!("{folder}README.md");
    let index = tree.get(&path).map_or("", |file| file.text.as_str());
    let mut indexed = BTreeMap::new();
    for (line, case) in entries(index, folder) {
        if let Some(first) = indexed.insert(case.clone(), line) {
            problems.push(Problem::at(
                &path,
                line,
                format!("`{case}` is listed twice, first in line {first}: remove one"),
            ));
        }
    }
    for file in tree.below(folder) {
        let case = &file.path[folder.len()..];
        if file.is_rust() {
            if indexed.remove(case).is_none() {
                let text = format!("not in the index: add a line \"- `{case}`: the mistake\" to {path}");
                problems.push(Problem::file(&file.path, text));
            }
            if tree.get(&with_extension(&file.path, "stderr")).is_none() {
                let text = "no .stderr beside it: write one with `TRYBUILD=overwrite cargo test -p cachekit-ui-tests` and read it";
                problems.push(Problem::file(&file.path, text));
            }
        } else if file.path.ends_with(".stderr") && tree.get(&with_extension(&file.path, "rs")).is_none() {
            problems.push(Problem::file(&file.path, "no fixture beside it: remove it"));
        }
    }
    for (case, line) in indexed {
        problems.push(Problem::at(&path, line, format!("`{case}` does not exist: remove the line or add the fixture")));
    }
}

/// The cases that an index names: the first path to an `.rs` file of each list item or table row.
fn entries(index: &str, folder: &str) -> Vec<(usize, String)> {
    let around = |c: char| c.is_whitespace() || "`|()[]".contains(c);
    let case = |line: &str| {
        line.split(around)
            .find(|word| word.trim_end_matches([':', ',']).ends_with(".rs"))
            .map(|word| clean(word, folder))
    };
    index
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with(['-', '*', '|']))
        .filter_map(|(at, line)| Some((at + 1, case(line)?)))
        .collect()
}

fn clean(word: &str, folder: &str) -> String {
    let word = word.trim_end_matches([':', ',']);
    word.trim_start_matches(folder).trim_start_matches("./").to_owned()
}

fn with_extension(path: &str, extension: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    format!("{stem}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut problems = Vec::new();
        check(&Tree::of(files), &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    const GOOD: [(&str, &str); 5] = [
        (
            "ui-tests/fail/README.md",
            "Cases:\n\nSee `tests/ui.rs`.\n\n- `key/float.rs`: a float\n| [ttl/unit.rs](ttl/unit.rs) | no unit |\n",
        ),
        ("ui-tests/fail/key/float.rs", ""),
        ("ui-tests/fail/key/float.stderr", ""),
        ("ui-tests/fail/ttl/unit.rs", ""),
        ("ui-tests/fail/ttl/unit.stderr", ""),
    ];

    #[test]
    fn an_index_in_step_with_the_folder_is_fine() {
        assert!(found(&GOOD).is_empty());
        assert!(found(&[("src/lib.rs", "")]).is_empty());
    }

    #[test]
    fn a_case_outside_of_the_index_is_found() {
        let mut files = GOOD.to_vec();
        files.extend([("ui-tests/fail/key/new.rs", ""), ("ui-tests/fail/key/new.stderr", "")]);
        let found = found(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("ui-tests/fail/key/new.rs: not in the index"), "{found:?}");
    }

    #[test]
    fn a_missing_and_a_left_over_stderr_are_found() {
        let found = found(&[GOOD[0], GOOD[1], GOOD[3], GOOD[4], ("ui-tests/fail/key/old.stderr", "")]);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("ui-tests/fail/key/float.rs: no .stderr"), "{found:?}");
        assert!(found[1].starts_with("ui-tests/fail/key/old.stderr: no fixture"), "{found:?}");
    }

    #[test]
    fn entries_without_a_file_and_entries_written_twice_are_found() {
        let mut files = GOOD.to_vec();
        files[0].1 = "- key/float.rs\n- ui-tests/fail/ttl/unit.rs: x\n- `key/gone.rs`\n- `key/float.rs`\n";
        let found = found(&files);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("ui-tests/fail/README.md:4: `key/float.rs` is listed twice, first in line 1"),
            "{found:?}"
        );
        assert!(found[1].starts_with("ui-tests/fail/README.md:3: `key/gone.rs` does not exist"), "{found:?}");
    }
}
