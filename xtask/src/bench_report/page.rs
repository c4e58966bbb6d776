//! The page that is being written, and its pictures.

use std::fmt::Write as _;

use super::json::Value;
use super::svg::{Panel, grid};

#[derive(Default)]
pub(crate) struct Page {
    text: String,
    pictures: Vec<(String, String)>,
}

impl Page {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// By file name.
    pub(crate) fn pictures(&self) -> &[(String, String)] {
        &self.pictures
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub(crate) fn heading(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "\n{} {text}\n", "#".repeat(depth));
    }

    /// A picture, and a line in the text that shows it.
    pub(crate) fn picture(&mut self, name: &str, title: &str, rows: &[Vec<Panel>]) {
        let file = format!("{name}.svg");
        let _ = writeln!(self.text, "![{title}](benchmarks/{file})\n");
        self.pictures.push((file, grid(title, rows)));
    }

    /// A table; the first column is text, the others are numbers.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let cells = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
        self.line(&cells(head.to_vec()));
        let rule: String = head.iter().skip(1).map(|_| "---:|").collect();
        self.line(&format!("|---|{rule}"));
        for row in rows {
            self.line(&cells(row.iter().map(String::as_str).collect()));
        }
        self.line("");
    }

    /// Folds what follows away until [`Page::unfold`].
    pub(crate) fn fold(&mut self, summary: &str) {
        let _ = writeln!(self.text, "<details><summary>{summary}</summary>\n");
    }

    pub(crate) fn unfold(&mut self) {
        self.line("</details>\n");
    }

    /// What was measured, when, where and how to repeat it.
    pub(crate) fn head(&mut self, results: &[(&str, &Value)], commands: &[(&str, &str)]) {
        self.line("# Benchmarks\n");
        self.line("Written by `cargo xtask bench-report` from the results of the benchmarks; [benches/README.md](../benches/README.md)");
        self.line("says what each of them does, how to read its numbers, and what they are not.\n");
        let rows: Vec<Vec<String>> = results
            .iter()
            .map(|(name, result)| {
                let threads = result.get("hardware_threads").number().unwrap_or(0.0);
                vec![
                    format!("`{name}`"),
                    result.get("date").text().to_owned(),
                    result.get("machine").text().to_owned(),
                    format!("{threads:.0}"),
                    result.get("toolchain").text().to_owned(),
                ]
            })
            .collect();
        self.table(&["benchmark", "measured on", "processor", "hardware threads", "Rust"], &rows);
        for (name, result) in results {
            if result.get("quick").is_true() || !result.get("optimized").is_true() {
                self.line(&format!(
                    "**The figures of `{name}` are from a coarse or unoptimized run: they show that it works, and nothing else.**\n"
                ));
            }
        }
        let versions: Vec<String> = results
            .first()
            .map(|(_, result)| result.get("versions").members())
            .unwrap_or_default()
            .iter()
            .map(|(name, version)| format!("{name} {}", version.text()))
            .collect();
        self.line(&format!("Peers: {}.\n", versions.join(", ")));
        self.line("To repeat them, on a machine that does nothing else:\n");
        self.line("```sh");
        for (_, command) in commands {
            self.line(command);
        }
        self.line("cargo xtask bench-report");
        self.line("```\n");
        self.line("In the pictures cachekit is blue and its names are bold. Thin marks are quartiles over the rounds; a bar with a gap is cut.");
    }
}

/// A number, or a dash.
pub(crate) fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// The same in percent.
pub(crate) fn percent(value: Option<f64>) -> String {
    number(value.map(|value| 100.0 * value), 1)
}

/// Each once, in the order of their first appearance.
pub(crate) fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut list = Vec::new();
    names.for_each(|name| {
        if !list.contains(&name) {
            list.push(name);
        }
    });
    list
}
