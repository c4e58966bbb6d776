//! Tests do not sleep: a clock is injected instead. A line that must says why: `// sleeps: a real thread has to stall`.

use super::code::lines_with;
use super::problem::Problem;
use super::tree::{File, Tree};

const MARK: &str = "// sleeps: ";

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    for file in tree.rust().filter(|file| !file.is_example()) {
        let inside = test_lines(file);
        for name in ["sleep", "sleep_ms", "sleep_until"] {
            for line in lines_with(&file.code, name, &['(']).into_iter().filter(|line| inside(*line)) {
                let text = file.text.lines().nth(line - 1).unwrap_or_default();
                let reason = text.split_once(MARK).is_some_and(|(_, reason)| !reason.trim().is_empty());
                // A method is one of an injected clock.
                let other = text.contains(&format!("fn {name}")) || text.contains(&format!(".{name}("));
                if !reason && !other {
                    let text = format!("a test sleeps: use the test clock, or say why on the line with `{MARK}…`");
                    problems.push(Problem::at(&file.path, line, text));
                }
            }
        }
    }
}

/// Whether a line belongs to a test: all of a test file, else what follows a `#[cfg(test)]` up to its closing brace.
fn test_lines(file: &File) -> impl Fn(usize) -> bool {
    let whole = file.is_test();
    let regions = if whole { Vec::new() } else { test_regions(&file.code) };
    move |line| whole || regions.iter().any(|(first, last)| (*first..=*last).contains(&line))
}

fn test_regions(code: &str) -> Vec<(usize, usize)> {
    let starts = code.match_indices("#[cfg(").filter(|(at, _)| {
        let condition = code[*at..].lines().next().unwrap_or_default();
        condition.contains("test") && !condition.contains("not(test")
    });
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    starts.map(|(at, _)| (line_of(at), line_of(at + item_length(&code[at..])))).collect()
}

/// Up to the `;` or the closing brace of the item that an attribute stands on.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at,
            '{' => depth += 1,
            '}' if depth <= 1 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(&Tree::of(&[(path, text)]), &mut problems);
        problems.iter().map(|p| p.to_string().split(": ").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_sleep_in_a_test_needs_a_reason() {
        let text = "thread::sleep(d);\ntokio::time::sleep(d).await; // sleeps: the kernel's clock is under test\nsleep(d); // sleeps: \n";
        assert_eq!(lines("tests/tests/flight.rs", text), ["tests/tests/flight.rs:1", "tests/tests/flight.rs:3"]);
    }

    #[test]
    fn in_a_source_file_only_its_tests_are_read() {
        let text = "fn a() { thread::sleep(d); }\n#[cfg(test)]\nmod tests {\n    fn b() { { thread::sleep(d); } }\n}\nfn c() { thread::sleep(d); }\n";
        assert_eq!(lines("cachekit-runtime/src/a.rs", text), ["cachekit-runtime/src/a.rs:4"]);
        assert_eq!(
            lines("cachekit-runtime/src/a.rs", "#[cfg(test)]\nmod tests;\nfn c() { thread::sleep(d); }\n"),
            [""; 0]
        );
        assert_eq!(lines("cachekit-runtime/src/a.rs", "#[cfg(not(test))]\nfn c() { thread::sleep(d); }\n"), [""; 0]);
    }

    #[test]
    fn examples_definitions_and_injected_clocks_may() {
        assert_eq!(lines("cachekit/examples/tour.rs", "thread::sleep(d);\n"), [""; 0]);
        assert_eq!(lines("tests/src/lib.rs", "fn sleep(d: Duration) {}\nclock.sleep(d);\n"), [""; 0]);
    }
}
