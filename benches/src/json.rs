//! Writing JSON, as far as results need it.

use crate::{args::Args, machine, stats::Quartiles};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A text in quotes.
#[must_use]
pub fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A number with four decimals; `null` for none, and for what is no number.
#[must_use]
pub fn number(number: impl Into<Option<f64>>) -> String {
    number.into().filter(|number| number.is_finite()).map_or_else(|| "null".to_owned(), |number| format!("{number:.4}"))
}

/// Median and quartiles, or `null`.
#[must_use]
pub fn quartiles(value: Option<Quartiles>) -> String {
    value.map_or_else(
        || "null".to_owned(),
        |q| object(&[("low", number(q.low)), ("median", number(q.median)), ("high", number(q.high))]),
    )
}

/// An object of values that are JSON already.
#[must_use]
pub fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// A list of values that are JSON already, a line each.
#[must_use]
pub fn lines(values: &[String]) -> String {
    format!("[\n{}\n]", values.join(",\n"))
}

/// What a benchmark found, with all that says where and how.
#[must_use]
pub fn document(benchmark: &str, args: &Args, results: &[(&str, String)]) -> String {
    let versions: Vec<(&str, String)> =
        machine::versions().into_iter().map(|(name, version)| (name, text(version))).collect();
    let mut members = vec![
        ("benchmark", text(benchmark)),
        ("machine", text(&machine::processor())),
        ("hardware_threads", machine::threads().to_string()),
        ("date", text(&machine::today())),
        ("toolchain", text(machine::toolchain())),
        ("optimized", (!cfg!(debug_assertions)).to_string()),
        ("quick", args.quick.to_string()),
        ("versions", object(&versions)),
    ];
    members.extend(results.iter().cloned());
    format!("{}\n", object(&members))
}

/// Writes it below the target folder and says where.
///
/// # Errors
/// Where the file cannot be written.
pub fn save(json: &str, name: &str) -> io::Result<PathBuf> {
    // Cargo starts benchmarks in the folder of their package, and takes a relative name from that of the workspace.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = workspace.join(target).join("bench-results");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, json)?;
    Ok(path)
}

/// As [`save`], and tells the user how it went.
pub fn save_and_say(json: &str, name: &str) {
    match save(json, name) {
        Ok(path) => println!("written to {}", path.display()),
        Err(error) => eprintln!("the JSON file could not be written: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_numbers_finite() {
        assert_eq!(text("a \"b\"\\\n"), r#""a \"b\"\\\u000a""#);
        assert_eq!((number(1.5), number(f64::NAN), number(None)), ("1.5000".into(), "null".into(), "null".into()));
        assert_eq!(object(&[("a", "1".into()), ("b", "[]".into())]), r#"{"a":1,"b":[]}"#);
    }
}
