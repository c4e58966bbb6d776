//! `ARCHITECTURE.md` names every top-level module of the crates, so that a newcomer finds each there.

use std::collections::BTreeSet;

use super::problem::Problem;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
const CRATES: [&str; 5] = ["cachekit", "cachekit-macros", "cachekit-runtime", "cachekit-http", "cachekit-cli"];
/// Not modules that a page could explain better than their name does.
const SELF_EVIDENT: [&str; 2] = ["lib", "tests"];

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    let text = tree.get(PAGE).map_or("", |file| file.text.as_str());
    for package in CRATES {
        for (module, path) in modules(tree, package) {
            if !mentions(text, package, &module) {
                problems
                    .push(Problem::file(&path, format!("{PAGE} does not mention it: add a paragraph with `{module}`")));
            }
        }
    }
}

/// The top-level modules of a crate with a path to each.
fn modules(tree: &Tree, package: &str) -> BTreeSet<(String, String)> {
    let source = format!("{package}/src/");
    let rust = tree.below(&source).filter(|file| file.is_rust());
    let first = rust.map(|file| file.path[source.len()..].split('/').next().unwrap_or_default());
    let stems = first.map(|part| (part.trim_end_matches(".rs").to_owned(), format!("{source}{part}")));
    let mut seen = BTreeSet::new();
    // `flight.rs` and `flight/` are one module.
    stems.filter(|(stem, _)| !SELF_EVIDENT.contains(&stem.as_str()) && seen.insert(stem.clone())).collect()
}

/// Whether the page has the module in code quotes, alone or as a path.
fn mentions(page: &str, package: &str, module: &str) -> bool {
    let quoted = page.split('`').skip(1).step_by(2);
    let prefix = format!("{package}/src/");
    quoted.map(|span| span.trim_start_matches(prefix.as_str())).any(|span| {
        let first = span.split(['/', ':']).next().unwrap_or_default();
        first.trim_end_matches(".rs") == module
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(page: &str) -> Vec<String> {
        let files = [
            (PAGE, page),
            ("cachekit-runtime/src/lib.rs", ""),
            ("cachekit-runtime/src/flight.rs", ""),
            ("cachekit-runtime/src/flight/leader.rs", ""),
            ("cachekit-runtime/src/sync.rs", ""),
        ];
        let mut problems = Vec::new();
        check(&Tree::of(&files), &mut problems);
        problems.iter().map(|p| p.to_string().split(": ").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_module_may_be_written_as_a_name_a_file_a_folder_or_a_path() {
        for spelling in
            ["flight", "flight/", "flight.rs", "flight::leader", "cachekit-runtime/src/flight/", "flight/leader.rs"]
        {
            assert_eq!(missing(&format!("`sync` and `{spelling}`")), [""; 0], "{spelling}");
        }
    }

    #[test]
    fn a_module_that_is_not_in_code_quotes_is_missing() {
        assert_eq!(missing("the flight, `sync`"), ["cachekit-runtime/src/flight.rs"]);
        assert_eq!(missing("`flights` `sync_writes`").len(), 2);
    }
}
