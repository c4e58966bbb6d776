//! `cargo xtask bench-report`: writes docs/benchmarks.md, with its pictures, from what the benchmarks measured last.

mod hit_ratio;
pub(crate) mod json;
mod memory;
mod page;
mod svg;
mod turns;

use json::Value;
use page::Page;

use crate::{Result, workspace};

/// The benchmarks that the report needs: the file of each, and what writes it.
const NEEDED: [(&str, &str); 4] = [
    ("hit", "cargo bench --bench hit -- --instructions"),
    ("engine", "cargo bench --bench engine -- --instructions"),
    ("memory", "cargo bench --bench memory"),
    ("hit_ratio", "cargo bench --bench hit_ratio -- --traces DIR"),
];

pub(crate) fn main() -> Result {
    let folder = workspace::target().join("bench-results");
    let [hit, engine, memory, hit_ratio] = results(|name| workspace::read(&folder.join(format!("{name}.json"))))?;
    let mut page = Page::default();
    page.head(&[("hit", &hit), ("engine", &engine), ("memory", &memory), ("hit_ratio", &hit_ratio)], &NEEDED);
    turns::functions(&mut page, &hit);
    turns::engine(&mut page, &engine);
    memory::section(&mut page, &memory);
    hit_ratio::section(&mut page, &hit_ratio);
    let docs = workspace::root().join("docs");
    let pictures = docs.join("benchmarks");
    workspace::remove_dir(&pictures)?;
    for (name, svg) in page.pictures() {
        workspace::write(&pictures.join(name), svg)?;
    }
    let path = docs.join("benchmarks.md");
    workspace::write(&path, page.text())?;
    println!("written: {} and {} pictures", path.display(), page.pictures().len());
    Ok(())
}

/// All results, or everything that stands in the way.
fn results(read: impl Fn(&str) -> Result<String>) -> Result<[Value; 4]> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (name, command) in NEEDED {
        match read(name).and_then(|text| Value::parse(&text)) {
            Ok(value) => values.push(value),
            Err(problem) => problems.push(format!("no results of `{name}` ({problem}): run `{command}`")),
        }
    }
    <[Value; 4]>::try_from(values).map_err(|_| problems.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_makes_it() {
        let message = results(|name| match name {
            "hit" => Err("cannot read it".to_owned()),
            "memory" => Ok("{".to_owned()),
            _ => Ok("{}".to_owned()),
        })
        .unwrap_err();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 2, "{message}");
        assert!(
            lines[0].contains("`hit` (cannot read it)")
                && lines[0].ends_with("`cargo bench --bench hit -- --instructions`")
        );
        assert!(lines[1].contains("`memory`") && lines[1].ends_with("`cargo bench --bench memory`"));
    }
}
