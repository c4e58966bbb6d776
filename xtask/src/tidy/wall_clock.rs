//! A clock that can be set is for what outlives the process: in memory a step of it would make values immortal, or end them all.

use super::code::lines_with;
use super::problem::Problem;
use super::tree::Tree;

/// What keeps the times of entries in memory and of loads.
const WITHOUT: [&str; 5] = ["adaptive", "cache", "flight", "memory", "policy"];

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    let runtime = |path: &str| {
        let module = path.strip_prefix("cachekit-runtime/src/").and_then(|rest| rest.split('/').next());
        module.is_some_and(|module| WITHOUT.contains(&module.trim_end_matches(".rs")))
    };
    for file in tree.rust().filter(|file| runtime(&file.path)) {
        for line in lines_with(&file.code, "SystemTime", &[':']) {
            let text = "this clock can be set, and entries in memory must not notice: use `crate::time::Clock`";
            problems.push(Problem::at(&file.path, line, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_outlives_the_process_reads_a_clock_that_can_be_set() {
        let text = "use std::time::SystemTime;\nfn now() -> SystemTime { SystemTime::now() }\n";
        let places = ["cachekit-runtime/src/flight/a.rs", "cachekit-runtime/src/backend/file/a.rs", "tests/tests/a.rs"];
        let mut problems = Vec::new();
        check(&Tree::of(&places.map(|path| (path, text))), &mut problems);
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].starts_with("cachekit-runtime/src/flight/a.rs:2: "), "{shown:?}");
    }
}
