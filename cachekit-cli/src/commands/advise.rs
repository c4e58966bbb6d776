//! `cachekit advise`, from a trace; `live` from a service.

mod live;
mod verdict;

use super::simulate::{lines, may_write_plot, most, results, shown, strategies, summary, write_plot};
use crate::{
    args::AdviseArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    simulate::{Cell, Line, Player, Plot, Shards},
    trace::{self, Trace},
};
use cachekit_runtime::policy::Strategy;
use serde::Serialize;
use std::time::Duration;
use verdict::{Setting, Verdict, judge};

/// The capacity of a cache that nobody has told one.
const DEFAULT: u64 = 10_000;

/// From one size to the next: doubling, and one between.
const STEPS_DOWN: u32 = 20;

/// Smaller caches are not worth a look.
const LEAST: u64 = 8;

#[derive(Debug, Serialize)]
struct Document<'a> {
    trace: &'a str,
    /// Those included that a sample leaves out, as all that is counted here.
    requests: u64,
    distinct: u64,
    /// Which part of the keys the trace has.
    rate: f64,
    is_cut: bool,
    most: f64,
    #[serde(flatten)]
    verdict: Verdict,
}

pub(crate) fn run(args: &AdviseArgs, out: &mut Out) -> Result<Exit, Failure> {
    let AdviseArgs { of, load_time, svg, trace: said, live } = args;
    if let Some(path) = svg {
        may_write_plot(path)?;
    }
    if let Some(service) = live.live() {
        return live::run(&of.to_string_lossy(), service, (live.sample, *load_time, svg.as_deref()), out);
    }
    let trace = trace::read(of, &said.lines, out.json)?;
    let now = said.now.unwrap_or(DEFAULT).max(1);
    let strategy = said.strategy.clone().unwrap_or(Strategy::S3TinyLfu);
    let capacities = sizes(trace.all_distinct(), now);
    let player = |strategy: Strategy| Player::Ours(strategy, Shards::Live);
    let mut players: Vec<Player> = strategies(&[]).into_iter().map(player).collect();
    let own = player(strategy.clone());
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
    let find = |name: &str, capacity: u64| settings.iter().find(|one| one.strategy == name && one.capacity == capacity);
    let now = find(strategy.name(), now).ok_or_else(missing)?.clone();
    let (requests, distinct) = (trace.all_requests(), trace.all_distinct());
    let load_ms = load_time.map(|time| time.as_secs_f64() * 1e3);
    let verdict = judge(&settings, distinct, now, requests, load_ms).ok_or_else(missing)?;
    let (rate, is_cut) = (trace.rate, trace.is_cut);
    Ok(Document { trace: &trace.name, requests, distinct, rate, is_cut, most: most(trace), verdict })
}

fn setting(strategy: &str, cell: &Cell) -> Setting {
    Setting { strategy: strategy.to_owned(), capacity: cell.capacity, hit_ratio: cell.hit_ratio }
}

fn plot(
    trace: &Trace,
    players: &[Player],
    results: &[Vec<Cell>],
    document: &Document<'_>,
    path: &std::path::Path,
) -> Result<(), Failure> {
    let Verdict { now, knee, .. } = &document.verdict;
    let wanted = [&now.strategy, &knee.strategy, "lru"];
    let lines: Vec<Line> = lines(players, results).into_iter().filter(|line| wanted.contains(&&*line.name)).collect();
    let plot = Plot {
        title: format!("How much room {} asks for", shown(trace)),
        subtitle: format!("{} requests of {} keys", output::count(document.requests), output::count(document.distinct)),
        lines,
        marks: document.verdict.marks(),
    };
    write_plot(&plot, path)
}

fn show(trace: &Trace, document: &Document<'_>, load_time: Option<Duration>, out: &mut Out) -> Result<(), Failure> {
    let Verdict { knee, saved_loads, .. } = &document.verdict;
    out.line(&summary(trace))?;
    out.line("")?;
    let mut table = Table::new(&["", "strategy", "#capacity", "#hit ratio", "#loads"]);
    let loads =
        |setting: &Setting| output::count(((1.0 - setting.hit_ratio) * document.requests as f64).round() as u64);
    for (name, setting) in document.verdict.settings() {
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
    let (what, how_many) = (if *saved_loads < 0 { "costs" } else { "saves" }, saved_loads.unsigned_abs());
    let of_all = 100.0 * how_many as f64 / document.requests as f64;
    let time = load_time
        .map(|time| {
            format!(", {} of loading", output::age(time.saturating_mul(u32::try_from(how_many).unwrap_or(u32::MAX))))
        })
        .unwrap_or_default();
    let about = if document.rate < 1.0 { "about " } else { "" };
    out.line(&format!(
        "It {what} {about}{} loads of {} requests ({of_all:.1} %){time}, against now.",
        output::count(how_many),
        output::count(document.requests)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_end_with_all_keys_and_have_the_present_one() {
        let sizes = sizes(1_000, 333);
        assert_eq!((sizes.first(), sizes.last()), (Some(&11), Some(&1_000)));
        assert!(sizes.contains(&333) && sizes.contains(&500) && sizes.contains(&750), "{sizes:?}");
    }
}
