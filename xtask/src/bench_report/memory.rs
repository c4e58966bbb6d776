//! Bytes per entry.

use super::json::Value;
use super::page::{Page, number};
use super::svg::{Bar, Panel};

pub(crate) fn section(page: &mut Page, results: &Value) {
    let entries = results.get("entries").number().unwrap_or(0.0);
    page.heading(2, "Memory per entry");
    page.line(&format!("Bytes per entry of caches of {entries:.0} entries, filled, `u64` to `u64`, sixteen bytes of which are the entry itself.\n"));
    let mut lines: Vec<&Value> = results.get("lines").list().iter().collect();
    let requested = |line: &Value| line.get("requested").number().unwrap_or(f64::MAX);
    lines.sort_by(|a, b| requested(a).total_cmp(&requested(b)));
    let bars = lines.iter().filter_map(|line| {
        Some(Bar {
            name: line.get("contestant").text().to_owned(),
            value: line.get("requested").number()?,
            spread: None,
            note: line.get("resident").number().map_or_else(String::new, |bytes| format!("{bytes:.0} resident")),
        })
    });
    let panel = Panel::Bars {
        title: "Bytes asked of the allocator".to_owned(),
        bars: bars.collect(),
        decimals: 1,
        cut: f64::MAX,
    };
    page.picture("memory", "Memory per entry", &[vec![panel]]);
    page.fold("The numbers");
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let cell = |name: &str, decimals| number(line.get(name).number(), decimals);
            vec![
                format!("`{}`", line.get("contestant").text()),
                cell("requested", 1),
                cell("resident", 1),
                cell("replaced", 1),
                cell("held", 0),
            ]
        })
        .collect();
    page.table(&["", "requested", "resident", "requested, all entries replaced", "entries"], &rows);
    page.unfold();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_stands_first() {
        let text = r#"{"entries":1000,"lines":[{"contestant":"moka","requested":242.04,"resident":250,"replaced":1,"held":1000},
            {"contestant":"cachekit, s3-fifo","requested":51.5,"resident":null,"replaced":2,"held":999}]}"#;
        let mut page = Page::default();
        section(&mut page, &Value::parse(text).unwrap());
        let place = |what: &str| page.text().find(what).unwrap();
        assert!(
            place("| `cachekit, s3-fifo` | 51.5 | - | 2.0 | 999 |") < place("| `moka` | 242.0 | 250.0 | 1.0 | 1000 |")
        );
    }
}
