//! The benchmarks that take turns: functions (`hit`) and caches as maps (`engine`).

use super::json::Value;
use super::page::{Page, number, percent, unique};
use super::svg::{Bar, Line, Panel};

/// Bars longer than so many times the one of quick_cache are cut.
const CUT: f64 = 5.0;

/// One line of the results.
struct Row<'a> {
    group: &'a str,
    name: &'a str,
    promise: &'a str,
    threads: usize,
    low: f64,
    median: f64,
    high: f64,
    ratio: Option<f64>,
    hits: Option<f64>,
    instructions: Option<f64>,
}

fn rows(results: &Value) -> Vec<Row<'_>> {
    let row = |line| {
        let line: &Value = line;
        let (nanos, number) = (line.get("ns"), |value: &Value| value.number().unwrap_or(f64::NAN));
        Row {
            group: line.get("group").text(),
            name: line.get("contestant").text(),
            promise: line.get("promise").text(),
            threads: line.get("threads").number().unwrap_or(1.0) as usize,
            low: number(nanos.get("low")),
            median: number(nanos.get("median")),
            high: number(nanos.get("high")),
            ratio: line.get("to_quick_cache").get("median").number(),
            hits: line.get("hit_ratio").number(),
            instructions: line.get("instructions").number(),
        }
    };
    results.get("lines").list().iter().map(row).filter(|row| row.median.is_finite()).collect()
}

/// `hit`.
pub(crate) fn functions(page: &mut Page, results: &Value) {
    let rows = rows(results);
    page.heading(2, "A hit of a memoized function");
    page.line("Nanoseconds per call, 1,000 keys that are all cached; behind each bar the time over that of memoization written by hand over");
    page.line("`quick_cache`, paired by round.\n");
    for (name, title, is_async) in
        [("hit-sync", "A hit of a function", false), ("hit-async", "A hit of an async function", true)]
    {
        let groups: Vec<&str> =
            groups(&rows).into_iter().filter(|group| group.starts_with("async") == is_async).collect();
        if !groups.is_empty() {
            page.picture(name, title, &groups.iter().map(|group| panels(&rows, group, group)).collect::<Vec<_>>());
        }
    }
    tables(page, &rows, &groups(&rows));
}

/// `engine`.
pub(crate) fn engine(page: &mut Page, results: &Value) {
    let rows = rows(results);
    let (sized, others): (Vec<&str>, Vec<&str>) = groups(&rows).into_iter().partition(|group| entries(group).is_some());
    page.heading(2, "The cache as a map");
    page.line("Nanoseconds per call; behind each bar the time over that of `quick_cache`, paired by round, and the part of the calls that found their");
    page.line("key where it is neither none nor all.\n");
    for load in unique(others.iter().map(|group| parts(group).1)) {
        let maps: Vec<&str> =
            others.iter().copied().filter(|group| parts(group).1 == load && !group.starts_with("fn(")).collect();
        if !maps.is_empty() {
            page.heading(3, &capitalized(load));
            let panels: Vec<Vec<Panel>> = maps.iter().map(|group| panels(&rows, group, parts(group).0)).collect();
            page.picture(&format!("engine-{}", slug(load)), &capitalized(load), &panels);
            tables(page, &rows, &maps);
        }
    }
    let functions: Vec<&str> = others.iter().copied().filter(|group| group.starts_with("fn(")).collect();
    if !functions.is_empty() {
        page.heading(3, "The same mix, through functions");
        page.line("`#[cache]`, and for the others memoization written by hand or their own macro.\n");
        let panels: Vec<Vec<Panel>> = functions.iter().map(|group| panels(&rows, group, parts(group).0)).collect();
        page.picture("engine-functions", "Zipf 0.99, room for 10 %, through functions", &panels);
        tables(page, &rows, &functions);
    }
    if !sized.is_empty() {
        page.heading(3, "A hit by the number of entries");
        page.line("What grows with the number of entries are the misses of the processor's caches: with a hot subset, however many entries there are");
        page.line("besides, a hit costs what it costs in a small cache.\n");
        page.picture("engine-sizes", "A hit by the number of entries", &sizes(&rows, &sized));
        tables(page, &rows, &sized);
    }
}

/// One row of panels: a number of threads each, sorted.
fn panels(rows: &[Row<'_>], group: &str, title: &str) -> Vec<Panel> {
    let panel = |threads: usize| {
        let mut own: Vec<&Row<'_>> = rows.iter().filter(|row| row.group == group && row.threads == threads).collect();
        own.sort_by(|a, b| a.median.total_cmp(&b.median));
        let reference = own.iter().find(|row| row.ratio == Some(1.0)).map_or(f64::MAX, |row| row.median);
        let bars = own.iter().map(|row| Bar {
            name: row.name.to_owned(),
            value: row.median,
            spread: Some((row.low, row.high)),
            note: note(row),
        });
        Panel::Bars {
            title: format!("{title}, {}", counted(threads)),
            bars: bars.collect(),
            decimals: 1,
            cut: CUT * reference,
        }
    };
    thread_counts(rows, group).into_iter().map(panel).collect()
}

fn note(row: &Row<'_>) -> String {
    let hits =
        row.hits.filter(|hits| *hits > 0.0005 && *hits < 0.9995).map(|hits| format!("{:.1} % hits", 100.0 * hits));
    let ratio = row.ratio.map(|ratio| format!("×{ratio:.2}"));
    [ratio, hits].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Time over the number of entries; a row of panels for each number of threads. Each kind of access has a scale of its own.
fn sizes(rows: &[Row<'_>], sized: &[&str]) -> Vec<Vec<Panel>> {
    let mut counts: Vec<usize> = sized.iter().filter_map(|group| entries(group)).collect();
    counts.sort_unstable();
    counts.dedup();
    let own = |threads: usize, access: &str, name: &str, count: usize| {
        let here = |row: &&Row<'_>| {
            row.threads == threads
                && row.name == name
                && entries(row.group) == Some(count)
                && parts(row.group).1 == access
        };
        rows.iter().find(here).map(|row| row.median)
    };
    let in_sized = || rows.iter().filter(|row| sized.contains(&row.group));
    let names = unique(in_sized().map(|row| row.name));
    let top =
        |access: &str| in_sized().filter(|row| parts(row.group).1 == access).map(|row| row.median).fold(1.0, f64::max);
    let accesses = unique(sized.iter().map(|group| parts(group).1));
    let panel = |threads: usize, access: &str| Panel::Lines {
        title: format!("{access}, {} (ns)", counted(threads)),
        places: counts.iter().map(|count| thousands(*count)).collect(),
        lines: names
            .iter()
            .map(|name| Line {
                name: (*name).to_owned(),
                values: counts.iter().map(|count| own(threads, access, name, *count)).collect(),
            })
            .collect(),
        top: (top(access) / 20.0).ceil() * 20.0,
    };
    let threads = sized.first().map(|group| thread_counts(rows, group)).unwrap_or_default();
    threads.into_iter().map(|threads| accesses.iter().map(|access| panel(threads, access)).collect()).collect()
}

fn tables(page: &mut Page, rows: &[Row<'_>], groups: &[&str]) {
    page.fold("The numbers");
    for group in groups {
        let threads = thread_counts(rows, group);
        let own: Vec<&Row<'_>> = rows.iter().filter(|row| row.group == *group).collect();
        let (hits, instructions) =
            (own.iter().any(|row| row.hits.is_some()), own.iter().any(|row| row.instructions.is_some()));
        let mut head = vec![format!("`{group}`"), "promise".to_owned()];
        for threads in &threads {
            head.extend([format!("ns, {}", counted(*threads)), "quartiles".to_owned(), "/quick".to_owned()]);
        }
        head.extend(hits.then(|| "hits, %".to_owned()));
        head.extend(instructions.then(|| "instructions".to_owned()));
        let table: Vec<Vec<String>> = unique(own.iter().map(|row| row.name))
            .into_iter()
            .map(|name| {
                let at = |threads: usize| own.iter().find(|row| row.name == name && row.threads == threads);
                let first = own.iter().find(|row| row.name == name);
                let mut cells = vec![format!("`{name}`"), first.map_or("-", |row| row.promise).to_owned()];
                for threads in &threads {
                    let row = at(*threads);
                    cells.push(number(row.map(|row| row.median), 1));
                    cells.push(row.map_or("-".to_owned(), |row| format!("{:.1} to {:.1}", row.low, row.high)));
                    cells.push(number(row.and_then(|row| row.ratio), 2));
                }
                if hits {
                    cells.push(percent(first.and_then(|row| row.hits)));
                }
                if instructions {
                    cells.push(number(first.and_then(|row| row.instructions), 0));
                }
                cells
            })
            .collect();
        page.table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &table);
    }
    page.unfold();
}

fn groups<'a>(rows: &[Row<'a>]) -> Vec<&'a str> {
    unique(rows.iter().map(|row| row.group))
}

fn thread_counts(rows: &[Row<'_>], group: &str) -> Vec<usize> {
    let mut counts: Vec<usize> = rows.iter().filter(|row| row.group == group).map(|row| row.threads).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// What is asked, and how.
fn parts(group: &str) -> (&str, &str) {
    group.split_once(": ").unwrap_or((group, ""))
}

/// The number of entries of a group that varies it.
fn entries(group: &str) -> Option<usize> {
    parts(group).0.strip_suffix(" entries")?.parse().ok()
}

fn counted(threads: usize) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}

fn thousands(count: usize) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{} k", count / 1_000),
        _ => format!("{} M", count / 1_000_000),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn slug(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(group: &str, name: &str, threads: usize, nanos: f64, ratio: f64) -> String {
        format!(
            r#"{{"group":"{group}","contestant":"{name}","promise":"bound","threads":{threads},
                "ns":{{"low":{nanos},"median":{nanos},"high":{nanos}}},"to_quick_cache":{{"median":{ratio}}},
                "to_peer":null,"hit_ratio":0.5,"instructions":null}}"#
        )
    }

    fn results() -> Value {
        let mut lines = Vec::new();
        for group in ["u64 to u64: zipf 0.99", "10 entries: hits at random", "10000000 entries: hits at random"] {
            lines.push(line(group, "cachekit, capacity", 1, 40.0, 2.0));
            lines.push(line(group, "quick_cache", 1, 20.0, 1.0));
        }
        Value::parse(&format!(r#"{{"lines":[{}]}}"#, lines.join(","))).unwrap()
    }

    #[test]
    fn bars_are_sorted_and_noted() {
        let results = results();
        let panels = panels(&rows(&results), "u64 to u64: zipf 0.99", "t");
        let [Panel::Bars { bars, cut, .. }] = &panels[..] else { panic!("{panels:?}") };
        assert_eq!((bars[0].name.as_str(), bars[1].note.as_str(), *cut), ("quick_cache", "×2.00  50.0 % hits", 100.0));
    }

    #[test]
    fn sizes_are_lines_and_the_rest_has_pictures_by_load() {
        let mut page = Page::default();
        engine(&mut page, &results());
        let names: Vec<&str> = page.pictures().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["engine-zipf-0-99.svg", "engine-sizes.svg"]);
        assert!(page.pictures()[1].1.contains(">10 M<"));
        assert!(
            page.text().contains("| `cachekit, capacity` | bound | 40.0 | 40.0 to 40.0 | 2.00 | 50.0 |"),
            "{}",
            page.text()
        );
    }
}
