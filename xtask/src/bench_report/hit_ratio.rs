//! Hit ratios on traces.

use super::json::Value;
use super::page::{Page, percent, unique};
use super::svg::{Bar, Line, Panel};

/// The lines of the pictures by trace, beside our default; with all contestants nobody could follow one.
const DRAWN: [&str; 6] = ["optimum", "cachekit, adaptive", "cachekit, lru", "quick_cache", "moka", "foyer, s3-fifo"];

struct Cell<'a> {
    trace: &'a str,
    percent: f64,
    name: &'a str,
    ratio: f64,
}

pub(crate) fn section(page: &mut Page, results: &Value) {
    let cells: Vec<Cell<'_>> = results
        .get("lines")
        .list()
        .iter()
        .filter_map(|line| {
            Some(Cell {
                trace: line.get("trace").text(),
                percent: line.get("percent").number()?,
                name: line.get("contestant").text(),
                ratio: line.get("hit_ratio").number()?,
            })
        })
        .collect();
    let traces = unique(cells.iter().map(|cell| cell.trace));
    let names = unique(cells.iter().map(|cell| cell.name));
    page.heading(2, "Hit ratio");
    page.line(&format!(
        "Hits over requests in percent on {} {}traces, in caches of 0.1, 1, 5, 10 and 20 % of the distinct keys; each trace and size counts the same.",
        traces.len(),
        if results.get("synthetic").is_true() { "synthetic " } else { "" }
    ));
    page.line("The optimum knows the future (Belady, 1966).\n");
    let mut means: Vec<(&str, f64)> =
        names.iter().map(|name| (*name, mean(&cells, |cell| cell.name == *name))).collect();
    for (name, key) in
        [("best fixed of each trace", "best_fixed_per_trace"), ("best fixed of each cell", "best_fixed_per_cell")]
    {
        means.extend(results.get(key).number().map(|ratio| (name, ratio)));
    }
    means.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bars = means.iter().map(|(name, ratio)| Bar {
        name: (*name).to_owned(),
        value: 100.0 * ratio,
        spread: None,
        note: String::new(),
    });
    let panel = Panel::Bars {
        title: "Mean over all traces and sizes, %".to_owned(),
        bars: bars.collect(),
        decimals: 2,
        cut: f64::MAX,
    };
    page.picture("hit-ratio", "Hit ratio", &[vec![panel]]);
    page.line("\"Best fixed\" is who chooses, knowing the results, the best of our strategies that do not change, for each trace or for each trace and size.\n");
    page.picture(
        "hit-ratio-by-trace",
        "Hit ratio by trace and size, %",
        &by_trace(&cells, &traces, results.get("default").text()),
    );
    page.fold("The numbers: means over the sizes by trace, %");
    let mut head = vec![""];
    head.extend(traces.iter());
    head.push("mean");
    let rows: Vec<Vec<String>> = means
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, all)| {
            let own = traces.iter().map(|trace| mean(&cells, |cell| cell.name == *name && cell.trace == *trace));
            let own = own.map(|ratio| percent(Some(ratio)));
            [format!("`{name}`")].into_iter().chain(own).chain([percent(Some(*all))]).collect()
        })
        .collect();
    page.table(&head, &rows);
    page.unfold();
    traces_table(page, results);
}

fn traces_table(page: &mut Page, results: &Value) {
    let rows: Vec<Vec<String>> = results
        .get("traces")
        .list()
        .iter()
        .map(|trace| {
            let count = |name: &str| format!("{:.0}", trace.get(name).number().unwrap_or(0.0));
            vec![format!("`{}`", trace.get("name").text()), count("requests"), count("distinct")]
        })
        .collect();
    page.fold("The traces");
    page.table(&["", "requests", "distinct keys"], &rows);
    page.unfold();
}

/// Three panels a row.
fn by_trace(cells: &[Cell<'_>], traces: &[&str], default: &str) -> Vec<Vec<Panel>> {
    let mut sizes: Vec<f64> = cells.iter().map(|cell| cell.percent).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let panel = |trace: &&str| {
        let names = unique([default].into_iter().chain(DRAWN));
        let lines: Vec<Line> = names
            .iter()
            .filter(|name| cells.iter().any(|cell| cell.name == **name))
            .map(|name| {
                let at = |size: &f64| {
                    let here = |cell: &&Cell<'_>| cell.trace == *trace && cell.name == *name && cell.percent == *size;
                    cells.iter().find(here).map(|cell| 100.0 * cell.ratio)
                };
                Line { name: (*name).to_owned(), values: sizes.iter().map(at).collect() }
            })
            .collect();
        let highest = lines.iter().flat_map(|line| line.values.iter().flatten()).copied().fold(0.0, f64::max);
        Panel::Lines {
            title: (*trace).to_owned(),
            places: sizes.iter().map(|size| format!("{size} %")).collect(),
            lines,
            top: ((highest / 20.0).ceil() * 20.0).max(20.0),
        }
    };
    traces.chunks(3).map(|row| row.iter().map(panel).collect()).collect()
}

fn mean(cells: &[Cell<'_>], wanted: impl Fn(&Cell<'_>) -> bool) -> f64 {
    let ratios: Vec<f64> = cells.iter().filter(|cell| wanted(cell)).map(|cell| cell.ratio).collect();
    ratios.iter().sum::<f64>() / ratios.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_sorted_and_every_trace_is_drawn() {
        let mut lines = Vec::new();
        for (name, ratio) in [("cachekit, s3-fifo", 0.3), ("moka", 0.2), ("optimum", 0.5)] {
            for trace in ["a", "b", "c", "d"] {
                for percent in [0.1, 20.0] {
                    lines.push(format!(
                        r#"{{"trace":"{trace}","percent":{percent},"contestant":"{name}","hit_ratio":{ratio}}}"#
                    ));
                }
            }
        }
        let text = format!(
            r#"{{"default":"cachekit, s3-fifo","best_fixed_per_trace":0.31,"best_fixed_per_cell":0.32,"lines":[{}]}}"#,
            lines.join(",")
        );
        let mut page = Page::default();
        section(&mut page, &Value::parse(&text).unwrap());
        let means = &page.pictures()[0].1;
        let place = |what: &str| means.find(what).unwrap();
        assert!(place(">optimum<") < place(">best fixed of each cell<"));
        assert!(
            place(">best fixed of each trace<") < place(">cachekit, s3-fifo<")
                && place(">cachekit, s3-fifo<") < place(">moka<")
        );
        for trace in ["a", "b", "c", "d"] {
            assert!(page.pictures()[1].1.contains(&format!(">{trace}<")), "{trace}");
        }
        assert_eq!(page.pictures()[1].1.matches(">cachekit, s3-fifo<").count(), 4);
        assert!(page.text().contains("| `moka` | 20.0 | 20.0 | 20.0 | 20.0 | 20.0 |"), "{}", page.text());
    }
}
