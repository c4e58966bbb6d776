//! A plot of hit ratios over sizes, as SVG that reads well on light and on dark pages.

use crate::output;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 56.0;

/// Told apart also by those who see few colours (Okabe and Ito, "Color universal design", 2008), and by their dashes.
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#7f7f7f"];
const DASHES: [&str; 3] = ["", "7 3", "2 3"];

/// Of what no cache reaches.
const BOUND: (&str, &str) = ("#9a9a9a", "1 3");

/// A curve.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Sizes in entries, with hit ratios from 0 to 1, in ascending order.
    pub(crate) points: Vec<(u64, f64)>,
    /// Is it what no cache reaches?
    pub(crate) is_bound: bool,
}

/// A plot.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) lines: Vec<Line>,
    /// Sizes that stand out, with what is said of them.
    pub(crate) marks: Vec<(u64, String)>,
}

impl Plot {
    pub(crate) fn svg(&self) -> String {
        let sizes = || {
            self.lines
                .iter()
                .flat_map(|line| &line.points)
                .map(|(size, _)| *size)
                .chain(self.marks.iter().map(|(size, _)| *size))
        };
        let (least, most) = (sizes().min().unwrap_or(1).max(1) as f64, sizes().max().unwrap_or(1).max(2) as f64);
        let top = self.lines.iter().flat_map(|line| &line.points).map(|(_, ratio)| *ratio).fold(0.1, f64::max);
        let top = (top * 10.0).ceil() / 10.0;
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let span = (most / least).ln().max(1e-9);
        let x = |size: u64| LEFT + width * ((size.max(1) as f64 / least).ln() / span).clamp(0.0, 1.0);
        let y = |ratio: f64| TOP + height * (1.0 - ratio / top);
        let mut svg = head(&self.title, &self.subtitle);
        for step in 0..=(top * 10.0).round() as u32 {
            let (at, percent) = (y(f64::from(step) / 10.0), step * 10);
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{percent} %</text>"#,
                LEFT + width,
                LEFT - 8.0,
                at + 4.0
            );
        }
        for size in ticks(least, most) {
            let at = x(size);
            let _ = writeln!(
                svg,
                r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/><text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                TOP + height,
                TOP + height + 18.0,
                output::count(size)
            );
        }
        let _ = writeln!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">entries (logarithmic)</text>"#,
            LEFT + width / 2.0,
            HEIGHT - 14.0
        );
        for (at, (size, said)) in self.marks.iter().enumerate() {
            let x = x(*size);
            // What is said of the first stands to its left if that is where there is room, and nothing stands over anything.
            let (anchor, shift) = if x > LEFT + width / 2.0 { ("end", -5.0) } else { ("start", 5.0) };
            let y = TOP + height - 8.0 - 16.0 * at as f64;
            let _ = writeln!(
                svg,
                r#"<line class="mark" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{:.1}"/><text class="said" x="{:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
                TOP + height,
                x + shift,
                escaped(said)
            );
        }
        let labels = labels(&self.lines, y);
        for (at, (line, label)) in self.lines.iter().zip(labels).enumerate() {
            let (colour, dash) = if line.is_bound { BOUND } else { style(at) };
            let points: Vec<String> =
                line.points.iter().map(|(size, ratio)| format!("{:.1},{:.1}", x(*size), y(*ratio))).collect();
            let _ = writeln!(
                svg,
                r#"<polyline points="{}" stroke="{colour}" stroke-dasharray="{dash}"><title>{}</title></polyline>"#,
                points.join(" "),
                escaped(&line.name)
            );
            for (size, ratio) in &line.points {
                let _ = writeln!(
                    svg,
                    r#"<circle cx="{:.1}" cy="{:.1}" r="2.6" fill="{colour}"><title>{}, {} entries: {:.2} %</title></circle>"#,
                    x(*size),
                    y(*ratio),
                    escaped(&line.name),
                    output::count(*size),
                    100.0 * ratio
                );
            }
            let (end, begin) = (line.points.last().map_or(label, |(_, ratio)| y(*ratio)), LEFT + width);
            let _ = writeln!(
                svg,
                r#"<path class="leader" d="M{:.1} {end:.1} L{:.1} {label:.1}" stroke="{colour}"/>"#,
                begin + 3.0,
                begin + 20.0
            );
            let last = line.points.last().map_or(0.0, |(_, ratio)| 100.0 * ratio);
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}">{} {last:.1} %</text>"#,
                begin + 25.0,
                label + 4.0,
                escaped(&line.name)
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn head(title: &str, subtitle: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}">
<style>
  svg {{ font: 12px system-ui, "DejaVu Sans", sans-serif; background: #fff; }}
  text {{ fill: #222; }} .tick {{ fill: #666; font-size: 11px; }} .title {{ font-size: 15px; font-weight: 600; }}
  .grid {{ stroke: #e4e4e4; }} .mark {{ stroke: #444; stroke-dasharray: 4 3; }} .said {{ fill: #444; font-size: 11px; stroke: #fff; stroke-width: 4px; paint-order: stroke; }}
  polyline {{ fill: none; stroke-width: 2; stroke-linejoin: round; }} .leader {{ fill: none; stroke-width: 1; opacity: .5; }}
  @media (prefers-color-scheme: dark) {{
    svg {{ background: #16181c; }} text {{ fill: #e6e6e6; }} .tick {{ fill: #9a9a9a; }} .grid {{ stroke: #2c2f36; }} .mark {{ stroke: #bbb; }} .said {{ fill: #bbb; stroke: #16181c; }}
  }}
</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="none"/>
<text class="title" x="{LEFT}" y="24">{title}</text>
<text class="tick" x="{LEFT}" y="42">{subtitle}</text>
"##,
        title = escaped(title),
        subtitle = escaped(subtitle),
    )
}

fn style(at: usize) -> (&'static str, &'static str) {
    let colour = COLOURS.get(at % COLOURS.len()).copied().unwrap_or("#000");
    (colour, DASHES.get(at / COLOURS.len() % DASHES.len()).copied().unwrap_or_default())
}

/// Where the names stand: beside the ends of their lines, and apart from one another.
fn labels(lines: &[Line], y: impl Fn(f64) -> f64) -> Vec<f64> {
    const APART: f64 = 15.0;
    let mut places: Vec<(usize, f64)> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| (at, line.points.last().map_or(TOP, |(_, ratio)| y(*ratio))))
        .collect();
    places.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    for at in 1..places.len() {
        let above = places.get(at - 1).map_or(TOP, |(_, place)| place + APART);
        if let Some((_, place)) = places.get_mut(at) {
            *place = place.max(above);
        }
    }
    // Pushed back up where the last would fall out at the bottom.
    let mut below = HEIGHT - BOTTOM;
    for (_, place) in places.iter_mut().rev() {
        *place = place.min(below);
        below = *place - APART;
    }
    places.sort_by_key(|(at, _)| *at);
    places.into_iter().map(|(_, place)| place).collect()
}

/// Powers of ten, with what is between them where they are few.
fn ticks(least: f64, most: f64) -> Vec<u64> {
    let of = |steps: &[u64]| -> Vec<u64> {
        let powers = (0..19).map(|power| 10_u64.pow(power));
        powers
            .flat_map(|power| steps.iter().map(move |step| step.saturating_mul(power)))
            .filter(|size| (least..=most).contains(&(*size as f64)))
            .collect()
    };
    let few = of(&[1]);
    if few.len() >= 4 { few } else { of(&[1, 2, 5]) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
