//! `cargo xtask tidy`: the house rules that the compiler does not check. Everything wrong is listed at once.

mod architecture;
mod code;
mod diagnostics;
mod fixtures;
mod leftovers;
mod lengths;
mod manifests;
mod paths;
mod problem;
#[cfg(test)]
pub(crate) mod scratch;
mod sleeps;
mod tree;
mod wall_clock;

use problem::{Level, Problem};
use tree::Tree;

use crate::{Result, workspace};

/// Each check reads the tree and adds what it finds.
const CHECKS: [fn(&Tree, &mut Vec<Problem>); 9] = [
    lengths::check,
    fixtures::check,
    diagnostics::check,
    leftovers::check,
    sleeps::check,
    paths::check,
    manifests::check,
    architecture::check,
    wall_clock::check,
];

pub(crate) fn main() -> Result {
    let tree = Tree::load(&workspace::root())?;
    let problems = problems(&tree);
    for problem in &problems {
        println!("{problem}");
    }
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    if errors == 0 {
        println!("tidy: {} files, nothing wrong", tree.files.len());
        Ok(())
    } else {
        Err(format!("tidy: {errors} problem{}", if errors == 1 { "" } else { "s" }))
    }
}

fn problems(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for check in CHECKS {
        check(tree, &mut problems);
    }
    problems.sort();
    problems.dedup();
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_checks_report_at_once_in_order_of_place() {
        let tree = Tree::of(&[
            ("b/src/lib.rs", "fn f() {\n    dbg!(1);\n    todo!()\n}\n"),
            ("ui-tests/fail/README.md", ""),
            ("ui-tests/fail/key/float.rs", ""),
        ]);
        let shown: Vec<_> = problems(&tree).iter().map(ToString::to_string).collect();
        let place = |start: &str| {
            shown
                .iter()
                .position(|line| line.starts_with(start))
                .unwrap_or_else(|| panic!("{start} is missing in {shown:#?}"))
        };
        assert!(place("b/src/lib.rs:2: ") < place("b/src/lib.rs:3: "));
        assert!(place("b/src/lib.rs:3: ") < place("ui-tests/fail/key/float.rs: "));
    }
}
