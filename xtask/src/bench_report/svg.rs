//! Pictures: panels of bars and of lines, in a grid.

use std::fmt::Write as _;

/// Whose a bar or a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Ours,
    Peer,
    /// No cache that one could use instead: what cannot be surpassed, or what has no bound.
    Limit,
}

impl Role {
    /// By the name that the benchmarks give.
    pub(crate) fn of(name: &str) -> Role {
        if name.starts_with("cachekit") || name.starts_with("#[cache(") {
            Role::Ours
        } else if ["map of the thread", "the body", "dashmap", "optimum", "best fixed"]
            .iter()
            .any(|limit| name.starts_with(limit))
        {
            Role::Limit
        } else {
            Role::Peer
        }
    }

    fn fill(self) -> &'static str {
        match self {
            Role::Ours => "#1a66c9",
            Role::Peer => "#a7b0ba",
            Role::Limit => "#eceff2",
        }
    }

    fn stroke(self) -> &'static str {
        match self {
            Role::Ours => "#124a93",
            Role::Peer => "#8b95a1",
            Role::Limit => "#98a2ad",
        }
    }
}

/// A bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// Quartiles, drawn as a whisker.
    pub(crate) spread: Option<(f64, f64)>,
    /// Behind the value.
    pub(crate) note: String,
}

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// By place of the panel's `places`.
    pub(crate) values: Vec<Option<f64>>,
}

/// One plot.
#[derive(Clone, Debug)]
pub(crate) enum Panel {
    Bars {
        title: String,
        /// In the order in which they are drawn.
        bars: Vec<Bar>,
        decimals: usize,
        /// Longer bars are cut, so that the others can be told apart.
        cut: f64,
    },
    Lines {
        title: String,
        places: Vec<String>,
        lines: Vec<Line>,
        /// The upper end of the axis.
        top: f64,
    },
}

const INK: &str = "#24292f";
const FAINT: &str = "#66707b";
const GAP: f64 = 28.0;
const ROW: f64 = 20.0;
const TITLE: f64 = 26.0;
const LINES_HEIGHT: f64 = 190.0;

/// Blues for ours, warm colours and greys for the others, each with a pattern of its own.
const OUR_LINES: [(&str, &str); 4] = [("#1a66c9", ""), ("#0b2f66", "6 3"), ("#5ea2f5", "2 2"), ("#3f7f9f", "8 2 2 2")];
const PEER_LINES: [(&str, &str); 5] =
    [("#c2571a", ""), ("#8b95a1", ""), ("#b38f00", "6 3"), ("#7d5a8c", "2 2"), ("#5c6670", "8 2 2 2")];

/// Rows of panels below a title.
pub(crate) fn grid(title: &str, rows: &[Vec<Panel>]) -> String {
    let width = if rows.iter().any(|row| row.len() > 2) { 1_260.0 } else { 1_040.0 };
    let mut body = String::new();
    text(&mut body, (16.0, 26.0), title, "16", INK, "start", true);
    legend(&mut body, rows, width);
    let mut top = 48.0;
    for row in rows {
        let count = row.len().max(1) as f64;
        let each = (width - 32.0 - GAP * (count - 1.0)) / count;
        let mut height: f64 = 0.0;
        for (at, panel) in row.iter().enumerate() {
            let left = 16.0 + at as f64 * (each + GAP);
            height = height.max(draw(&mut body, panel, (left, top), each));
        }
        top += height + 14.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{top:.0}\" viewBox=\"0 0 {width:.0} {top:.0}\" \
         font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n",
        escaped(title)
    )
}

/// Says whose which colour is, where there are bars; lines are named where they end.
fn legend(out: &mut String, rows: &[Vec<Panel>], width: f64) {
    let bars =
        rows.iter().flatten().filter_map(|panel| if let Panel::Bars { bars, .. } = panel { Some(bars) } else { None });
    let names: Vec<&String> = bars.flatten().map(|bar| &bar.name).collect();
    let mut left = width - 330.0;
    for (role, label) in [(Role::Ours, "cachekit"), (Role::Peer, "peers"), (Role::Limit, "for comparison only")] {
        if names.iter().any(|name| Role::of(name) == role) {
            rect(out, (left, 15.0), (12.0, 12.0), role);
            text(out, (left + 17.0, 25.5), label, "12", INK, "start", false);
            left += 40.0 + 7.0 * label.len() as f64;
        }
    }
}

/// Draws it there and returns its height.
fn draw(out: &mut String, panel: &Panel, at: (f64, f64), width: f64) -> f64 {
    match panel {
        Panel::Bars { title, bars, decimals, cut } => {
            text(out, (at.0, at.1 + 14.0), title, "13", INK, "start", true);
            draw_bars(out, bars, (at.0, at.1 + TITLE), width, (*decimals, *cut));
            TITLE + bars.len() as f64 * ROW
        }
        Panel::Lines { title, places, lines, top } => {
            text(out, (at.0, at.1 + 14.0), title, "13", INK, "start", true);
            draw_lines(out, (places, lines, *top), (at.0, at.1 + TITLE), width);
            TITLE + LINES_HEIGHT + 24.0
        }
    }
}

fn draw_bars(out: &mut String, bars: &[Bar], at: (f64, f64), width: f64, (decimals, cut): (usize, f64)) {
    let label = bars.iter().map(|bar| bar.name.chars().count()).max().unwrap_or(0) as f64 * 6.3 + 10.0;
    let behind = bars.iter().map(|bar| bar.note.chars().count() + 7).max().unwrap_or(0) as f64 * 6.0 + 8.0;
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max).min(cut);
    let scale = (width - label - behind).max(60.0) / longest.max(f64::MIN_POSITIVE);
    let zero = at.0 + label;
    for (row, bar) in bars.iter().enumerate() {
        let (top, role) = (at.1 + row as f64 * ROW, Role::of(&bar.name));
        let length = bar.value.min(longest) * scale;
        text(out, (zero - 6.0, top + 13.5), &bar.name, "11", INK, "end", role == Role::Ours);
        rect(out, (zero, top + 3.0), (length, 14.0), role);
        if bar.value > longest {
            // A gap, slanted: the bar goes on.
            let gap = zero + length - 16.0;
            let _ = writeln!(
                out,
                "<path d=\"M{:.1} {:.1}l5 -18\" stroke=\"#ffffff\" stroke-width=\"4\"/>",
                gap,
                top + 19.0
            );
        } else if let Some((low, high)) = bar.spread {
            let (low, high, middle) = (zero + low * scale, zero + high.min(longest) * scale, top + 10.0);
            let _ = writeln!(
                out,
                "<path d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v6M{high:.1} {:.1}v6\" stroke=\"{INK}\" stroke-width=\"1\" fill=\"none\"/>",
                middle - 3.0,
                middle - 3.0
            );
        }
        let end = bar.spread.map_or(length, |(_, high)| (high.min(longest) * scale).max(length));
        let value = format!("{:.decimals$}", bar.value);
        text(out, (zero + end + 6.0, top + 13.5), &value, "11", INK, "start", role == Role::Ours);
        let after = zero + end + 12.0 + 6.6 * value.len() as f64;
        text(out, (after, top + 13.5), &bar.note, "10.5", FAINT, "start", false);
    }
}

fn draw_lines(out: &mut String, (places, lines, top): (&[String], &[Line], f64), at: (f64, f64), width: f64) {
    let label = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0) as f64 * 5.9 + 16.0;
    let (left, right) = (at.0 + 34.0, at.0 + width - label);
    let (above, below) = (at.1 + 6.0, at.1 + LINES_HEIGHT);
    let x = |place: usize| left + (right - left) * place as f64 / (places.len().max(2) - 1) as f64;
    let y = |value: f64| below - (below - above) * value / top.max(f64::MIN_POSITIVE);
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let _ =
            writeln!(out, "<path d=\"M{left:.1} {:.1}H{right:.1}\" stroke=\"#e3e7eb\" stroke-width=\"1\"/>", y(value));
        text(out, (left - 6.0, y(value) + 3.5), &format!("{value:.0}"), "10", FAINT, "end", false);
    }
    for (place, name) in places.iter().enumerate() {
        text(out, (x(place), below + 16.0), name, "10", FAINT, "middle", false);
    }
    let (mut ours, mut peers) = (OUR_LINES.iter().cycle(), PEER_LINES.iter().cycle());
    let mut labels: Vec<(f64, &str, &str, bool)> = Vec::new();
    for line in lines {
        let role = Role::of(&line.name);
        let style = match role {
            Role::Ours => ours.next(),
            Role::Peer => peers.next(),
            Role::Limit => Some(&("#24292f", "1 3")),
        };
        let (colour, dashes) = style.copied().unwrap_or((INK, ""));
        let points: Vec<(f64, f64)> =
            line.values.iter().enumerate().filter_map(|(at, value)| Some((x(at), y((*value)?)))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let thick = if role == Role::Ours { 2.4 } else { 1.5 };
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{thick}\" stroke-dasharray=\"{dashes}\"/>",
            path.join(" ")
        );
        if let Some((_, end)) = points.last() {
            labels.push((*end, &line.name, colour, role == Role::Ours));
        }
    }
    // Names at the ends of their lines, moved apart where they would cover one another.
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let room = below - 12.0 * labels.len() as f64;
    let mut free = f64::MIN;
    for (at, (end, name, colour, bold)) in labels.into_iter().enumerate() {
        let place = end.min(room + 12.0 * (at + 1) as f64).max(free);
        free = place + 12.0;
        text(out, (right + 8.0, place + 3.5), name, "10.5", colour, "start", bold);
    }
}

fn rect(out: &mut String, (left, top): (f64, f64), (width, height): (f64, f64), role: Role) {
    let _ = writeln!(
        out,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"0.8\"/>",
        role.fill(),
        role.stroke()
    );
}

fn text(out: &mut String, (left, base): (f64, f64), text: &str, size: &str, colour: &str, anchor: &str, bold: bool) {
    if !text.is_empty() {
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"{left:.1}\" y=\"{base:.1}\" font-size=\"{size}\" fill=\"{colour}\" text-anchor=\"{anchor}\"{weight}>{}</text>",
            escaped(text)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar { name: name.to_owned(), value, spread: Some((value - 1.0, value + 1.0)), note: "0.5".to_owned() }
    }

    #[test]
    fn a_name_says_whose_it_is() {
        for (name, role) in [
            ("cachekit, capacity", Role::Ours),
            ("#[cache(capacity = 10_000)]", Role::Ours),
            ("#[cached]", Role::Peer),
            ("quick_cache, by hand", Role::Peer),
            ("map of the thread: the limit", Role::Limit),
        ] {
            assert_eq!(Role::of(name), role, "{name}");
        }
    }

    #[test]
    fn pictures_are_well_formed_and_show_every_name_once() {
        let bars = vec![bar("cachekit, <a>", 5.0), bar("moka & co", 80.0)];
        let line = Line { name: "lirs".to_owned(), values: vec![Some(1.0), None, Some(3.0)] };
        let places = ["1", "2", "3"].map(str::to_owned).to_vec();
        let svg = grid(
            "t",
            &[
                vec![Panel::Bars { title: "b".to_owned(), bars, decimals: 1, cut: 20.0 }],
                vec![Panel::Lines { title: "l".to_owned(), places, lines: vec![line], top: 4.0 }],
            ],
        );
        for name in ["cachekit, &lt;a&gt;", "moka &amp; co", ">lirs<", ">80.0<"] {
            assert_eq!(svg.matches(name).count(), 1, "{name}: {svg}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(svg.contains("stroke=\"#ffffff\""), "the long bar is not marked as cut: {svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
