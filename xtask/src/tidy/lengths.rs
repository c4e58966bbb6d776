//! File-length budgets: a file that needs more holds more than one concept.

use super::problem::Problem;
use super::tree::{File, Tree};

const MACRO_CRATE: usize = 350;
const OTHERS: usize = 600;

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    for file in tree.rust() {
        let (lines, budget) = (file.text.lines().count(), budget(file));
        if lines > budget {
            let text = format!("{lines} lines, the budget is {budget}: split it by concept");
            let problem = Problem::file(&file.path, text);
            problems.push(if exempt(file) { problem.warning() } else { problem });
        }
    }
}

fn budget(file: &File) -> usize {
    if file.path.starts_with("cachekit-macros/src/") { MACRO_CRATE } else { OTHERS }
}

/// Tests, fixtures and examples are read case by case, so their length is only worth a warning.
fn exempt(file: &File) -> bool {
    file.is_test() || file.is_fixture() || file.is_example()
}

#[cfg(test)]
mod tests {
    use super::super::problem::Level;
    use super::*;

    fn levels(path: &str, lines: usize) -> Vec<Level> {
        let mut problems = Vec::new();
        check(&Tree::of(&[(path, &"x\n".repeat(lines))]), &mut problems);
        problems.iter().map(|problem| problem.level).collect()
    }

    #[test]
    fn the_macro_crate_has_the_smaller_budget() {
        assert_eq!(levels("cachekit-macros/src/args.rs", 350), []);
        assert_eq!(levels("cachekit-macros/src/args.rs", 351), [Level::Error]);
        assert_eq!(levels("cachekit-runtime/src/cache.rs", 351), []);
        assert_eq!(levels("cachekit-runtime/src/cache.rs", 601), [Level::Error]);
    }

    #[test]
    fn tests_fixtures_and_examples_get_a_warning() {
        for path in [
            "tests/tests/flight.rs",
            "ui-tests/pass/all.rs",
            "cachekit/examples/tour.rs",
            "cachekit-runtime/src/flight/tests.rs",
        ] {
            assert_eq!(levels(path, 601), [Level::Warning], "{path}");
        }
    }
}
