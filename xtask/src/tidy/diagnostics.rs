//! Every diagnostic of the macros has a heading in the manual, and the manual has no other.

use std::collections::BTreeMap;

use super::problem::Problem;
use super::tree::Tree;

const SOURCES: &str = "cachekit-macros/src/";
const MANUAL: &str = "docs/diagnostics.md";

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    let mut used = BTreeMap::new();
    for file in tree.below(SOURCES) {
        for (at, line) in file.text.lines().enumerate() {
            for id in ids(line) {
                used.entry(id.to_owned()).or_insert((&file.path, at + 1));
            }
        }
    }
    let mut documented = BTreeMap::new();
    let manual = tree.get(MANUAL).map_or("", |file| file.text.as_str());
    for (at, line) in manual.lines().enumerate().filter(|(_, line)| line.starts_with('#')) {
        for id in ids(line) {
            if let Some(first) = documented.insert(id.to_owned(), at + 1) {
                problems.push(Problem::at(
                    MANUAL,
                    at + 1,
                    format!("{id} has a heading in line {first} already: keep one"),
                ));
            }
        }
    }
    for (id, (path, line)) in &used {
        if !documented.contains_key(id) {
            problems.push(Problem::at(
                path,
                *line,
                format!("{id} is not documented: add a heading with it to {MANUAL}"),
            ));
        }
    }
    for (id, line) in &documented {
        if !used.contains_key(id) {
            problems.push(Problem::at(MANUAL, *line, format!("no diagnostic has the id {id}: remove the section")));
        }
    }
}

/// The ids in a line: `CK` and exactly three digits.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("CK").filter_map(move |(at, _)| {
        let digits = line[at + 2..].chars().take_while(char::is_ascii_digit).count();
        let starts_word = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        (digits == 3 && starts_word).then(|| &line[at..at + 5])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, manual: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(&Tree::of(&[("cachekit-macros/src/error/ids.rs", source), (MANUAL, manual)]), &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_in_step_with_the_manual_are_fine() {
        assert!(
            found(
                "const A: &str = \"CK001\"; // CK001, not CK1 or CK0001 or BACK002\n",
                "# D\n\n## CK001 no unit\n\nCK009\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn both_directions_are_checked() {
        let found = found("\n\"CK002\"\n\"CK002\"\n", "## CK001 a\n## CK001 b\n");
        assert_eq!(
            found,
            [
                "docs/diagnostics.md:2: CK001 has a heading in line 1 already: keep one",
                "cachekit-macros/src/error/ids.rs:2: CK002 is not documented: add a heading with it to docs/diagnostics.md",
                "docs/diagnostics.md:2: no diagnostic has the id CK001: remove the section",
            ]
        );
    }
}
