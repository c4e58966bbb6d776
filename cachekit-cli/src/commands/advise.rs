//! `cachekit advise`, from a trace; `live` from a service.

mod live;

use super::simulate::{lines, most, results, shown, strategies, summary, write_plot};
use crate::{
    args::AdviseArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    simulate::{Cell, Line, Player, Plot},
    trace::{self, Trace},
};
use cachekit_runtime::policy::Strategy;
use serde::Serialize;
use std::time::Duration;

/// The capacity of a cache that nobody has told one.
const DEFAULT: u64 = 10_000;

/// From one size to the next: doubling, and one between.
const STEPS_DOWN: u32 = 20;

/// Smaller caches are not worth a look.
const LEAST: u64 = 8;

/// A setting, and what it hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Setting {
    strategy: String,
    capacity: u64,
    hit_ratio: f64,
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    trace: &'a str,
    requests: u64,
    distinct: u64,
    most: f64,
    now: Setting,
    /// Where more room begins to gain little, and the best strategy there.
    knee: Setting,
    /// The best strategy at the capacity of now.
    same_room: Setting,
    /// The least room in which some strategy hits as much as now.
    same_hits: Setting,
    /// Loads that the knee saves, of all requests of the trace; negative if it costs some.
    saved_loads: i64,
    saved_ms: Option<i64>,
}

pub(crate) fn run(args: &AdviseArgs, out: &mut Out) -> Result<Exit, Failure> {
    let AdviseArgs { of, load_time, svg, trace: said, live } = args;
    if let Some(service) = live.live() {
        return live::run(&of.to_string_lossy(), service, (live.sample, *load_time, svg.as_deref()), out);
    }
    let trace = trace::read(of, &said.lines, out.json)?;
    let now = said.now.unwrap_or(DEFAULT).max(1);
    let strategy = said.strategy.clone().unwrap_or(Strategy::S3TinyLfu);
    let capacities = sizes(trace.all_distinct(), now);
    let mut players: Vec<Player> = strategies(&[]).into_iter().map(Player::Ours).collect();
    let own = Player::Ours(strategy.clone());
    if !players.iter().any(|player| player.name() == own.name()) {
        players.push(own);
    }
    let results = results(&trace, &players, &capacities, said.threads, out.json)?;
    let document = advice(&trace, &players, &results, (&strategy, now), *load_time)?;
    if let Some(path) = svg {
        plot(&trace, &players, &results, &document, path)?;
    }
    if out.json {
        out.document(&document)?;
    } else {
        show(&trace, &document, *load_time, out)?;
    }
    Ok(Exit::Fine)
}

/// Halves of halves of the distinct keys, with the capacity of now.
fn sizes(distinct: u64, now: u64) -> Vec<u64> {
    let all = distinct.max(1);
    let mut sizes: Vec<u64> = (0..STEPS_DOWN)
        .flat_map(|step| [all >> step, (all * 3 / 4) >> step])
        .filter(|size| *size >= LEAST.min(all))
        .collect();
    sizes.push(now);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn advice<'a>(
    trace: &'a Trace,
    players: &[Player],
    results: &[Vec<Cell>],
    (strategy, now): (&Strategy, u64),
    load_time: Option<Duration>,
) -> Result<Document<'a>, Failure> {
    let settings: Vec<Setting> = players
        .iter()
        .zip(results)
        .flat_map(|(player, cells)| cells.iter().map(|cell| setting(player.name(), cell)))
        .collect();
    let missing = || Failure::other("the trace is too short for advice").next("record more requests");
    let best_at = |capacity: u64| {
        // The first of equals, in the order of the list: the simpler ones stand first.
        let at = settings.iter().filter(|setting| setting.capacity == capacity);
        at.fold(None, |best: Option<&Setting>, next| match best {
            Some(best) if best.hit_ratio >= next.hit_ratio => Some(best),
            _ => Some(next),
        })
    };
    let find = |name: &str, capacity: u64| settings.iter().find(|one| one.strategy == name && one.capacity == capacity);
    let now = find(strategy.name(), now).ok_or_else(missing)?.clone();
    let mut capacities: Vec<u64> =
        settings.iter().map(|setting| setting.capacity).filter(|size| *size <= trace.all_distinct()).collect();
    capacities.sort_unstable();
    capacities.dedup();
    let envelope: Vec<(u64, f64)> =
        capacities.iter().filter_map(|size| Some((*size, best_at(*size)?.hit_ratio))).collect();
    let knee = knee(&envelope).and_then(best_at).ok_or_else(missing)?.clone();
    let same_room = best_at(now.capacity).ok_or_else(missing)?.clone();
    let enough = envelope.iter().find(|(_, ratio)| *ratio >= now.hit_ratio);
    let same_hits = enough.and_then(|(size, _)| best_at(*size)).unwrap_or(&now).clone();
    let requests = trace.requests() as f64;
    let saved_loads = ((knee.hit_ratio - now.hit_ratio) * requests).round() as i64;
    let saved_ms = load_time.map(|time| (saved_loads as f64 * time.as_secs_f64() * 1e3).round() as i64);
    let (requests, distinct) = (trace.requests(), trace.all_distinct());
    Ok(Document {
        trace: &trace.name,
        requests,
        distinct,
        most: most(trace),
        now,
        knee,
        same_room,
        same_hits,
        saved_loads,
        saved_ms,
    })
}

fn setting(strategy: &str, cell: &Cell) -> Setting {
    Setting { strategy: strategy.to_owned(), capacity: cell.capacity, hit_ratio: cell.hit_ratio }
}

/// Where a curve that rises ever less is farthest above the straight line between its ends (Satopää, Albrecht, Irwin, Raghavan, "Finding a Kneedle in a
/// Haystack", 2011). `None`: it has no two points.
fn knee(curve: &[(u64, f64)]) -> Option<u64> {
    let ((first, low), (last, high)) = (curve.first().copied()?, curve.last().copied()?);
    if last <= first || high <= low {
        return Some(first);
    }
    let above =
        |(size, ratio): &(u64, f64)| (ratio - low) / (high - low) - (size - first) as f64 / (last - first) as f64;
    curve.iter().max_by(|one, other| above(one).total_cmp(&above(other))).map(|(size, _)| *size)
}

fn plot(
    trace: &Trace,
    players: &[Player],
    results: &[Vec<Cell>],
    document: &Document<'_>,
    path: &std::path::Path,
) -> Result<(), Failure> {
    let wanted = [&document.now.strategy, &document.knee.strategy, "lru"];
    let lines: Vec<Line> = lines(players, results).into_iter().filter(|line| wanted.contains(&&*line.name)).collect();
    let (now, knee) = (&document.now, &document.knee);
    let plot = Plot {
        title: format!("How much room {} asks for", shown(trace)),
        subtitle: format!("{} requests of {} keys", output::count(document.requests), output::count(document.distinct)),
        lines,
        marks: vec![
            (knee.capacity, format!("knee: {} entries, {:.1} %", output::count(knee.capacity), 100.0 * knee.hit_ratio)),
            (now.capacity, format!("now: {} entries, {:.1} %", output::count(now.capacity), 100.0 * now.hit_ratio)),
        ],
    };
    write_plot(&plot, path)
}

fn show(trace: &Trace, document: &Document<'_>, load_time: Option<Duration>, out: &mut Out) -> Result<(), Failure> {
    let Document { now, knee, same_room, same_hits, .. } = document;
    out.line(&summary(trace))?;
    out.line("")?;
    let mut table = Table::new(&["", "strategy", "#capacity", "#hit ratio", "#loads"]);
    let loads =
        |setting: &Setting| output::count(((1.0 - setting.hit_ratio) * document.requests as f64).round() as u64);
    for (name, setting) in [
        ("now", now),
        ("the knee", knee),
        ("best in the room of now", same_room),
        ("least room for the hits of now", same_hits),
    ] {
        table.row([
            name.to_owned(),
            setting.strategy.clone(),
            output::count(setting.capacity),
            format!("{:.2} %", 100.0 * setting.hit_ratio),
            loads(setting),
        ]);
    }
    let most = document.most;
    table.row([
        "room for all".to_owned(),
        "any".to_owned(),
        output::count(document.distinct),
        format!("{:.2} %", 100.0 * most),
        output::count(document.distinct),
    ]);
    out.table(&table)?;
    out.line("")?;
    out.line(&format!("Set: strategy = \"{}\", capacity = {}", knee.strategy, knee.capacity))?;
    let (what, how_many) = if document.saved_loads < 0 {
        ("costs", document.saved_loads.unsigned_abs())
    } else {
        ("saves", document.saved_loads.unsigned_abs())
    };
    let of_all = 100.0 * how_many as f64 / document.requests as f64;
    let time = load_time
        .map(|time| {
            format!(", {} of loading", output::age(time.saturating_mul(u32::try_from(how_many).unwrap_or(u32::MAX))))
        })
        .unwrap_or_default();
    out.line(&format!(
        "It {what} {} loads of {} requests ({of_all:.1} %){time}, against now.",
        output::count(how_many),
        output::count(document.requests)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_where_the_curve_bends() {
        assert_eq!(knee(&[(1, 0.1), (10, 0.5), (20, 0.8), (50, 0.85), (100, 0.9)]), Some(20));
        assert_eq!(knee(&[(1, 0.5), (10, 0.5)]), Some(1));
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn sizes_end_with_all_keys_and_have_the_present_one() {
        let sizes = sizes(1_000, 333);
        assert_eq!((sizes.first(), sizes.last()), (Some(&11), Some(&1_000)));
        assert!(sizes.contains(&333) && sizes.contains(&500) && sizes.contains(&750), "{sizes:?}");
    }
}
