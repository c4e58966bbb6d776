//! The table as lines of text that fit a terminal, however wide it is.

use super::rates::Line;
use crate::{args::Sort, output, service::seconds};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A column: what stands above it, by what it sorts, and which key does so.
struct Column {
    title: &'static str,
    sort: Option<Sort>,
    is_number: bool,
    cell: fn(&Line) -> String,
}

/// In the order in which a narrow terminal keeps them: the last go first.
const COLUMNS: [Column; 11] = [
    Column { title: "cache", sort: Some(Sort::Cache), is_number: false, cell: name },
    Column { title: "hit ratio", sort: Some(Sort::Ratio), is_number: true, cell: ratio },
    Column { title: "hits/s", sort: Some(Sort::Hits), is_number: true, cell: |line| output::rate(line.hits) },
    Column { title: "misses/s", sort: Some(Sort::Misses), is_number: true, cell: |line| output::rate(line.misses) },
    Column { title: "loads/s", sort: Some(Sort::Loads), is_number: true, cell: |line| output::rate(line.loads) },
    Column { title: "load time", sort: Some(Sort::LoadTime), is_number: true, cell: load_time },
    Column { title: "entries", sort: Some(Sort::Entries), is_number: true, cell: |line| output::count(line.entries) },
    Column { title: "weight", sort: Some(Sort::Weight), is_number: true, cell: weight },
    Column {
        title: "evict/s",
        sort: Some(Sort::Evictions),
        is_number: true,
        cell: |line| output::rate(line.evictions),
    },
    Column { title: "strategy", sort: None, is_number: false, cell: |line| line.strategy.clone() },
    Column { title: "ratio lately", sort: None, is_number: false, cell: lately },
];

/// Between two columns.
const GAP: usize = 2;

/// A name gets at least so much before a column is left out for it, and at most so much.
const NAME: std::ops::RangeInclusive<usize> = 24..=48;

/// What is said above and below the table.
pub(super) struct Said<'a> {
    pub(super) service: &'a str,
    /// What is wrong now, as that the service gives no answer.
    pub(super) trouble: Option<&'a str>,
    pub(super) is_held: bool,
    pub(super) by: Sort,
    pub(super) is_turned: bool,
    /// So many lines are scrolled over.
    pub(super) skipped: usize,
    pub(super) is_coloured: bool,
}

fn name(line: &Line) -> String {
    match (&line.backend_down, line.enabled) {
        (Some(_), _) => format!("! {}", line.cache),
        (None, false) => format!("{} (off)", line.cache),
        (None, true) => line.cache.clone(),
    }
}

fn ratio(line: &Line) -> String {
    output::percent_of_some(line.hit_ratio)
}

fn load_time(line: &Line) -> String {
    line.load_seconds.map_or_else(|| "-".to_owned(), |time| output::span(seconds(time)))
}

fn weight(line: &Line) -> String {
    line.weight.map_or_else(|| "-".to_owned(), output::bytes)
}

/// A bar for each of the last looks, its height the hit ratio.
fn lately(line: &Line) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bar =
        |ratio: &Option<f64>| ratio.map_or(' ', |ratio| BARS.get((ratio * 7.999) as usize).copied().unwrap_or(' '));
    line.lately.iter().map(bar).collect()
}

/// Titles and cells for who has no terminal: (title, is it a number) and a row for each cache.
pub(super) fn plain(lines: &[Line]) -> (Vec<(&'static str, bool)>, Vec<Vec<String>>) {
    // What is of one look alone says nothing.
    let columns = || COLUMNS.iter().take(COLUMNS.len() - 1);
    let titles = columns().map(|column| (column.title, column.is_number)).collect();
    (titles, lines.iter().map(|line| columns().map(|column| (column.cell)(line)).collect()).collect())
}

/// The whole screen: at most `height` lines, none of them wider than `width`.
pub(super) fn screen(lines: &[Line], said: &Said<'_>, width: usize, height: usize) -> Vec<String> {
    let mut screen = vec![fitted(&summary(lines, said), width)];
    let trouble = said.trouble.map(|trouble| styled(&fitted(trouble, width), "1;31", said));
    screen.push(trouble.unwrap_or_default());
    let room = height.saturating_sub(screen.len() + 2);
    screen.extend(table(lines, said, width, room));
    screen.truncate(height.saturating_sub(1).max(1));
    if height > 1 {
        screen.resize(height - 1, String::new());
        screen.push(fitted(&keys(width), width));
    }
    screen
}

fn summary(lines: &[Line], said: &Said<'_>) -> String {
    let (hits, misses) = lines.iter().fold((0.0, 0.0), |(hits, misses), line| (hits + line.hits, misses + line.misses));
    let calls = hits + misses;
    let hit = if calls > 0.0 { format!(", {} hit", output::percent(hits / calls)) } else { String::new() };
    let held = if said.is_held { "held still: " } else { "" };
    let calls = output::rate(calls);
    format!("{held}{} caches, {calls} calls/s{hit}, {}", lines.len(), said.service)
}

/// As much of it as fits.
fn keys(width: usize) -> String {
    const LONG: &str = "q quits, space holds, sort by: c cache  r ratio  h hits  m misses  l loads  t load time  e entries  w weight  x evictions";
    const SHORT: &str = "q quits, space holds, sorted by one of c r h m l t e w x";
    const SHORTEST: &str = "q quits";
    [LONG, SHORT, SHORTEST].into_iter().find(|text| text.width() <= width).unwrap_or(SHORTEST).to_owned()
}

fn table(lines: &[Line], said: &Said<'_>, width: usize, room: usize) -> Vec<String> {
    let skipped = said.skipped.min(lines.len().saturating_sub(room));
    let shown = lines.iter().skip(skipped).take(room).collect::<Vec<_>>();
    let cells: Vec<Vec<String>> =
        shown.iter().map(|line| COLUMNS.iter().map(|column| (column.cell)(line)).collect()).collect();
    let widest = |at: usize| {
        let title = title(at, said).width();
        cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).fold(title, usize::max)
    };
    let mut widths: Vec<usize> = (0..COLUMNS.len()).map(widest).collect();
    let wanted = widths.first().copied().unwrap_or_default().min(*NAME.end());
    // Columns that have room beside a name of the least width; then the name gets what is left.
    let mut used = wanted.min(*NAME.start());
    let mut kept = 1;
    for width_of in widths.iter().skip(1) {
        used += GAP + width_of;
        if used > width {
            used -= GAP + width_of;
            break;
        }
        kept += 1;
    }
    let rest = used - wanted.min(*NAME.start());
    if let Some(first) = widths.first_mut() {
        *first = wanted.min(width.saturating_sub(rest));
    }
    widths.truncate(kept);
    let head = row(&(0..kept).map(|at| title(at, said)).collect::<Vec<_>>(), &widths);
    let mut text = vec![styled(&head, "1", said)];
    text.extend(shown.iter().zip(&cells).map(|(line, cells)| {
        let text = row(cells, &widths);
        match (&line.backend_down, line.enabled) {
            (Some(_), _) => styled(&text, "31", said),
            (None, false) => styled(&text, "2", said),
            (None, true) => text,
        }
    }));
    text
}

fn title(at: usize, said: &Said<'_>) -> String {
    let Some(column) = COLUMNS.get(at) else { return String::new() };
    match column.sort {
        Some(sort) if sort == said.by => {
            let is_rising = (sort == Sort::Cache) != said.is_turned;
            format!("{}{}", column.title, if is_rising { '▲' } else { '▼' })
        }
        _ => column.title.to_owned(),
    }
}

fn row(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (at, ((cell, width), column)) in cells.iter().zip(widths).zip(&COLUMNS).enumerate() {
        if at > 0 {
            text.push_str(&" ".repeat(GAP));
        }
        let cell = if at == 0 { fitted_name(cell, *width) } else { fitted(cell, *width) };
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        match column.is_number {
            true => text.extend([pad, cell]),
            false => text.extend([cell, pad]),
        }
    }
    text.trim_end().to_owned()
}

/// Names differ at their ends: what is left out of a path stands at its beginning.
fn fitted_name(name: &str, width: usize) -> String {
    let name = calm(name);
    if name.width() <= width {
        return name;
    }
    let backwards: String = name.chars().rev().collect();
    fitted(&backwards, width).chars().rev().collect()
}

/// Without what would move the cursor.
fn calm(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// The text, or its beginning and `…`.
fn fitted(text: &str, width: usize) -> String {
    let text = calm(text);
    if text.width() <= width {
        return text;
    }
    let mut short = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        short.push(letter);
    }
    if width > 0 {
        short.push('…');
    }
    short
}

fn styled(text: &str, code: &str, said: &Said<'_>) -> String {
    if said.is_coloured && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(n: usize) -> Vec<Line> {
        (0..n)
            .map(|at| Line {
                cache: format!("app::module::cache_of_some_length_{at}"),
                enabled: at != 1,
                hit_ratio: (at != 2).then_some(0.987),
                hits: 12_345.6,
                misses: 99.0,
                loads: 98.5,
                load_seconds: Some(0.012_3),
                entries: 123_456,
                weight: (at == 0).then_some(3 << 20),
                evictions: 0.5,
                strategy: "s3-tinylfu".to_owned(),
                lately: vec![Some(0.1), None, Some(1.0)],
                backend_down: None,
            })
            .collect()
    }

    fn said(by: Sort) -> Said<'static> {
        let (service, trouble) = ("http://127.0.0.1:3001/caches", None);
        Said { service, trouble, is_held: false, by, is_turned: false, skipped: 0, is_coloured: false }
    }

    #[test]
    fn it_fits_whatever_the_size_is() {
        let lines = lines(7);
        for width in 1..200 {
            for height in [1, 2, 3, 5, 24] {
                let screen = screen(&lines, &said(Sort::Hits), width, height);
                assert!(screen.len() <= height, "{width} x {height}: {screen:#?}");
                assert!(screen.iter().all(|line| line.width() <= width), "{width} x {height}: {screen:#?}");
            }
        }
    }

    #[test]
    fn a_wide_terminal_has_all_columns_and_a_narrow_one_the_first() {
        let lines = lines(3);
        let head = |width| screen(&lines, &said(Sort::Misses), width, 24).swap_remove(2);
        let all = head(170);
        assert!(COLUMNS.iter().all(|column| all.contains(column.title)), "{all}");
        assert!(all.contains("misses/s▼"), "{all}");
        let few = head(60);
        assert!(few.contains("hits/s") && !few.contains("strategy"), "{few}");
        assert_eq!(head(8), "cache");
    }

    #[test]
    fn what_does_not_fit_below_is_scrolled_to() {
        let lines = lines(30);
        let ends = |line: &str, cache: &str| line.split_whitespace().next().is_some_and(|name| name.ends_with(cache));
        let shows = |skipped: usize, cache: &str| {
            let said = Said { skipped, ..said(Sort::Hits) };
            screen(&lines, &said, 120, 10).iter().any(|line| ends(line, &format!("_of_some_length_{cache}")))
        };
        assert!(shows(0, "0") && !shows(0, "29"));
        assert!(!shows(10, "0") && shows(10, "11"));
        assert!(shows(999, "29"), "not beyond the end");
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(fitted("a\x1b[2Jb\n", 20), "a[2Jb");
        assert_eq!(fitted("日本語", 5), "日本…");
        assert_eq!(
            [fitted_name("app::user", 9), fitted_name("app::user", 6), fitted_name("app::user", 1)],
            ["app::user", "…:user", "…"]
        );
    }
}
