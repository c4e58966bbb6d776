//! Code that must not stay: placeholders, debugging, switched-off tests, `unsafe`.

use super::code::lines_with;
use super::problem::Problem;
use super::tree::Tree;

const MACROS: [(&str, &str); 3] = [("todo", "write it"), ("unimplemented", "write it"), ("dbg", "remove it")];

/// Files that may contain `unsafe`, each with its reason.
const UNSAFE: [(&str, &str); 2] = [
    ("cachekit-macros/src/args/item.rs", "reads `unsafe impl` as syntax"),
    (
        "cachekit-runtime/src/memory/big_reader.rs",
        "the lock that lets a hit write nothing shared; the argument stands there",
    ),
];

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    for file in tree.rust() {
        for (name, advice) in MACROS {
            for line in lines_with(&file.code, name, &['!']) {
                problems.push(Problem::at(&file.path, line, format!("`{name}!` is left: {advice}")));
            }
        }
        for (at, line) in file.code.lines().enumerate() {
            let dense: String = line.split_whitespace().collect();
            if dense.contains("#[ignore") || (dense.contains("cfg_attr(") && dense.contains(",ignore")) {
                problems.push(Problem::at(&file.path, at + 1, "an ignored test: make it run or remove it"));
            }
        }
        let allowed = UNSAFE.iter().any(|(path, _)| *path == file.path);
        // Fixtures show how users' items are treated, `unsafe` ones included.
        if !allowed && !file.is_fixture() {
            for line in lines_with(&file.code, "unsafe", &[]) {
                let text = "`unsafe`: write it without, or name the file and the reason in xtask/src/tidy/leftovers.rs";
                problems.push(Problem::at(&file.path, line, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_leftover_is_found_at_its_line() {
        let text = "fn a() { todo!() }\nfn b() { unimplemented![] }\nfn c() { dbg!(1); }\n#[test]\n#[ignore = \"slow\"]\nfn d() {}\n";
        let lines: Vec<_> =
            found("a/src/lib.rs", text).iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
        assert_eq!(lines, ["a/src/lib.rs:1", "a/src/lib.rs:2", "a/src/lib.rs:3", "a/src/lib.rs:5"]);
        assert_eq!(found("a/src/lib.rs", "#[cfg_attr(miri, ignore)]\n").len(), 1);
    }

    #[test]
    fn prose_and_strings_may_name_them() {
        assert!(
            found(
                "a/src/lib.rs",
                "// todo!() unsafe\nconst A: &str = \"dbg!(x) #[ignore]\";\n#![forbid(unsafe_code)]\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn unsafe_is_found_but_not_in_fixtures() {
        assert!(found("a/src/lib.rs", "unsafe impl Send for X {}\n")[0].starts_with("a/src/lib.rs:1: `unsafe`"));
        assert!(found("ui-tests/fail/shape/x.rs", "unsafe fn f() {}\n").is_empty());
    }
}
