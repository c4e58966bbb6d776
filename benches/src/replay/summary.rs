//! What the cells come to.

use super::{
    cells::{Cell, PERCENTS},
    players::Kind,
};
use std::fmt::Write as _;

/// Means over the cells. Each cell counts the same, whatever the length of its trace.
#[derive(Debug)]
pub struct Summary {
    /// By player, from the best to the worst: name, kind, mean hit ratio.
    pub means: Vec<(String, Kind, f64)>,
    /// By trace: its name, the best of our fixed strategies, and its mean hit ratio over the sizes.
    pub best_fixed: Vec<(String, String, f64)>,
    /// The mean hit ratio of who chooses the best of our fixed strategies for each trace.
    pub best_per_trace: f64,
    /// The same for each cell.
    pub best_per_cell: f64,
    /// By trace: how much the adaptive strategy is above the best fixed one, where there is an adaptive one.
    pub adaptive_gain: Vec<(String, f64)>,
}

impl Summary {
    /// Of all cells of a replay.
    #[must_use]
    pub fn of(cells: &[Cell]) -> Summary {
        let traces = unique(cells.iter().map(|cell| cell.trace.as_str()));
        let players = unique(cells.iter().map(|cell| cell.player.as_str()));
        let kind = |player: &str| cells.iter().find(|cell| cell.player == player).map_or(Kind::Peer, |cell| cell.kind);
        let mean_on = |trace: &str, player: &str| {
            mean(cells.iter().filter(|cell| cell.trace == trace && cell.player == player).map(|cell| cell.hit_ratio))
        };
        let mut means: Vec<(String, Kind, f64)> = players
            .iter()
            .map(|player| {
                let own = cells.iter().filter(|cell| cell.player == *player).map(|cell| cell.hit_ratio);
                ((*player).to_owned(), kind(player), mean(own))
            })
            .collect();
        means.sort_by(|a, b| b.2.total_cmp(&a.2));
        let best_fixed: Vec<(String, String, f64)> = traces
            .iter()
            .filter_map(|trace| {
                let fixed = players.iter().filter(|player| kind(player) == Kind::Fixed);
                let (player, ratio) =
                    fixed.map(|player| (*player, mean_on(trace, player))).max_by(|a, b| a.1.total_cmp(&b.1))?;
                Some(((*trace).to_owned(), player.to_owned(), ratio))
            })
            .collect();
        let best_of_cell = traces.iter().flat_map(|trace| PERCENTS.iter().map(move |percent| (trace, percent))).map(
            |(trace, percent)| {
                let here = cells
                    .iter()
                    .filter(|cell| cell.trace == **trace && cell.percent == *percent && cell.kind == Kind::Fixed);
                here.map(|cell| cell.hit_ratio).fold(0.0, f64::max)
            },
        );
        let adaptive = players.iter().find(|player| kind(player) == Kind::Adaptive);
        let gain = |(trace, _, best): &(String, String, f64)| Some((trace.clone(), mean_on(trace, adaptive?) - best));
        Summary {
            best_per_cell: mean(best_of_cell),
            best_per_trace: mean(best_fixed.iter().map(|best| best.2)),
            adaptive_gain: best_fixed.iter().filter_map(gain).collect(),
            means,
            best_fixed,
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut list = Vec::new();
    names.for_each(|name| {
        if !list.contains(&name) {
            list.push(name);
        }
    });
    list
}

/// Hit ratios in percent, a trace after the other, and then the summary.
#[must_use]
pub fn table(cells: &[Cell], summary: &Summary) -> String {
    let mut text = String::new();
    let players = unique(cells.iter().map(|cell| cell.player.as_str()));
    for trace in unique(cells.iter().map(|cell| cell.trace.as_str())) {
        let _ = write!(text, "\n{trace:<32}");
        for percent in PERCENTS {
            let _ = write!(text, "{:>8}", format!("{percent} %"));
        }
        let _ = writeln!(text, "{:>8}", "mean");
        for player in &players {
            let own: Vec<f64> = cells
                .iter()
                .filter(|cell| cell.trace == trace && cell.player == *player)
                .map(|cell| 100.0 * cell.hit_ratio)
                .collect();
            let _ = write!(text, "  {player:<30}");
            for ratio in &own {
                let _ = write!(text, "{ratio:>8.2}");
            }
            let _ = writeln!(text, "{:>8.2}", mean(own.iter().copied()));
        }
    }
    let _ = writeln!(text, "\nmean over all cells");
    for (player, kind, mean) in &summary.means {
        let _ = writeln!(text, "  {player:<30}{:>8.2}  {kind}", 100.0 * mean);
    }
    if !summary.best_fixed.is_empty() {
        let _ = writeln!(text, "  {:<30}{:>8.2}", "best fixed of each trace", 100.0 * summary.best_per_trace);
        let _ = writeln!(text, "  {:<30}{:>8.2}", "best fixed of each cell", 100.0 * summary.best_per_cell);
        let _ = writeln!(text, "\nbest fixed strategy of ours, mean over the sizes");
    }
    for (trace, player, mean) in &summary.best_fixed {
        let gain = summary.adaptive_gain.iter().find(|(of, _)| of == trace);
        let gain = gain.map_or_else(String::new, |(_, gain)| format!("  adaptive {:+.2}", 100.0 * gain));
        let _ = writeln!(text, "  {trace:<30}{:>8.2}  {player}{gain}", 100.0 * mean);
    }
    text
}

/// The caches of ours beside what `cachekit simulate` says of them: how many cells were compared, and a line for each that differs.
#[must_use]
pub fn beside_simulations(cells: &[Cell]) -> (usize, Vec<String>) {
    let compared = cells.iter().filter_map(|cell| cell.simulated.map(|simulated| (cell, simulated)));
    let differ = compared.clone().filter(|(cell, simulated)| cell.hits != *simulated).map(|(cell, simulated)| {
        format!(
            "{}, {} with {} entries: {} hit, {simulated} simulated",
            cell.trace, cell.player, cell.capacity, cell.hits
        )
    });
    (compared.clone().count(), differ.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(trace: &str, percent: f64, player: &str, kind: Kind, hit_ratio: f64) -> Cell {
        Cell {
            trace: trace.into(),
            percent,
            capacity: 1,
            player: player.into(),
            kind,
            hits: 0,
            simulated: None,
            hit_ratio,
        }
    }

    #[test]
    fn the_best_are_found_by_trace_and_by_cell() {
        let mut cells = Vec::new();
        for (at, percent) in PERCENTS.into_iter().enumerate() {
            let first = if at == 0 { 0.9 } else { 0.0 };
            cells.push(cell("t", percent, "a", Kind::Fixed, first));
            cells.push(cell("t", percent, "b", Kind::Fixed, 0.2));
            cells.push(cell("t", percent, "c", Kind::Adaptive, 0.3));
            cells.push(cell("t", percent, "d", Kind::Peer, 1.0));
        }
        let summary = Summary::of(&cells);
        assert_eq!(summary.best_fixed, [("t".to_owned(), "b".to_owned(), 0.2)]);
        assert!((summary.best_per_cell - (0.9 + 4.0 * 0.2) / 5.0).abs() < 1e-9, "{summary:?}");
        assert!((summary.adaptive_gain[0].1 - 0.1).abs() < 1e-9, "{summary:?}");
        assert_eq!(summary.means[0].0, "d");
        let table = table(&cells, &summary);
        assert!(table.contains("adaptive +10.00") && table.contains("   20.00"), "{table}");
    }

    #[test]
    fn a_simulation_that_hits_one_more_or_less_is_named() {
        let of = |hits, simulated| Cell { hits, simulated, ..cell("t", 1.0, "a", Kind::Fixed, 0.5) };
        let (compared, differ) = beside_simulations(&[of(7, Some(7)), of(7, None), of(7, Some(8))]);
        assert_eq!((compared, differ.as_slice()), (2, &["t, a with 1 entries: 7 hit, 8 simulated".to_owned()][..]));
    }
}
