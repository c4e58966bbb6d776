//! `cachekit simulate`.

use crate::{
    args::SimulateArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    progress,
    simulate::{self, Cell, Line, Player, Plot, Shards},
    trace::{self, Trace},
};
use cachekit_runtime::policy::Strategy;
use serde::Serialize;
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// All of them, as tables list them.
const STRATEGIES: [Strategy; 9] = [
    Strategy::Lru,
    Strategy::Lfu,
    Strategy::Fifo,
    Strategy::Sieve,
    Strategy::S3Fifo,
    Strategy::S3TinyLfu,
    Strategy::WTinyLfu,
    Strategy::Lirs,
    Strategy::Adaptive,
];

/// How plots begin.
const PLOT: &[u8; 4] = b"<svg";

#[derive(Serialize)]
struct Document<'a> {
    trace: &'a str,
    requests: u64,
    /// Of the sample, if it is one.
    distinct: u32,
    /// Which part of the keys the trace has.
    rate: f64,
    skipped: u64,
    /// The end of what was recorded is missing.
    is_cut: bool,
    /// No cache can hit more: each key is loaded once.
    most: f64,
    results: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    strategy: &'a str,
    capacity: u64,
    hits: u64,
    hit_ratio: f64,
}

pub(crate) fn run(args: &SimulateArgs, out: &mut Out) -> Result<Exit, Failure> {
    if let Some(path) = &args.svg {
        may_write_plot(path)?;
    }
    let began = Instant::now();
    let trace = trace::read(&args.trace.trace, &args.trace.lines, out.json)?;
    let reading = began.elapsed();
    let capacities = simulate::capacities(&args.size, trace.all_distinct());
    let mut players = if args.no_optimum { Vec::new() } else { vec![Player::Optimum] };
    let shards = if args.one_shard { Shards::One } else { Shards::Live };
    players.extend(strategies(&args.strategy).into_iter().map(|strategy| Player::Ours(strategy, shards)));
    let began = Instant::now();
    let results = results(&trace, &players, &capacities, args.threads, out.json)?;
    let playing = began.elapsed();
    if let Some(path) = &args.svg {
        let plot = Plot {
            title: format!("Hit ratios on {}", shown(&trace)),
            subtitle: format!(
                "{} requests of {} keys",
                output::count(trace.requests()),
                output::count(trace.distinct.into())
            ),
            lines: lines(&players, &results),
            marks: Vec::new(),
        };
        write_plot(&plot, path)?;
    }
    if out.json {
        document(&trace, &players, &results, out)?;
        return Ok(Exit::Fine);
    }
    out.line(&summary(&trace))?;
    out.line("")?;
    out.table(&table(&trace, &players, &capacities, &results))?;
    remark_on_speed(&trace, &players, &capacities, reading, playing);
    Ok(Exit::Fine)
}

pub(super) fn strategies(said: &[Strategy]) -> Vec<Strategy> {
    if said.is_empty() { STRATEGIES.to_vec() } else { said.to_vec() }
}

pub(super) fn results(
    trace: &Trace,
    players: &[Player],
    capacities: &[u64],
    threads: Option<usize>,
    quiet: bool,
) -> Result<Vec<Vec<Cell>>, Failure> {
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let all = trace.requests() * players.len() as u64 * capacities.len() as u64;
    let bar = progress::bar(Some(all), "simulated requests", quiet);
    let results = simulate::play(trace, players, capacities, threads, &bar);
    bar.finish_and_clear();
    results
}

pub(super) fn lines(players: &[Player], results: &[Vec<Cell>]) -> Vec<Line> {
    let line = |(player, cells): (&Player, &Vec<Cell>)| Line {
        name: player.name().to_owned(),
        points: cells.iter().map(|cell| (cell.capacity, cell.hit_ratio)).collect(),
        is_bound: matches!(player, Player::Optimum),
    };
    players.iter().zip(results).map(line).collect()
}

/// Before anything is simulated: what somebody keeps in a file is not lost for a plot.
pub(super) fn may_write_plot(path: &Path) -> Result<(), Failure> {
    let mut beginning = [0; PLOT.len()];
    let read = match File::open(path) {
        Ok(mut file) if file.metadata().is_ok_and(|about| about.is_file()) => file.read(&mut beginning),
        // There is none, or it is no file that could be replaced: writing says so.
        _ => return Ok(()),
    };
    match read {
        // Empty, or a plot: of before.
        Ok(0) => Ok(()),
        Ok(_) if beginning == *PLOT => Ok(()),
        _ => Err(Failure::other(format_args!("{} is there already, and is no plot", path.display()))
            .next("name another file, or remove it first")),
    }
}

pub(super) fn write_plot(plot: &Plot, path: &Path) -> Result<(), Failure> {
    fs::write(path, plot.svg()).map_err(|error| {
        Failure::other(format_args!("{}: {error}", path.display())).next("name a file that can be written")
    })
}

/// The file's name.
pub(super) fn shown(trace: &Trace) -> String {
    Path::new(&trace.name).file_name().map_or_else(|| trace.name.clone(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn summary(trace: &Trace) -> String {
    let skipped = match trace.skipped {
        0 => String::new(),
        skipped => format!("; {} are no requests, or were lost", output::count(skipped)),
    };
    let (requests, distinct) = (output::count(trace.requests()), output::count(trace.distinct.into()));
    let sample = match trace.rate {
        1.0 => String::new(),
        rate => format!("; a sample of {:.2} % of the keys, sizes are those of the whole", 100.0 * rate),
    };
    let cut = if trace.is_cut { "; its end is missing, because the recording was stopped by force" } else { "" };
    format!("{}: {requests} requests of {distinct} keys{sample}{skipped}{cut}", trace.name)
}

/// Hit ratios in percent; the best strategy of each size stands out.
fn table(trace: &Trace, players: &[Player], capacities: &[u64], results: &[Vec<Cell>]) -> Table {
    let names: Vec<String> = capacities.iter().map(|capacity| format!("#{}", output::count(*capacity))).collect();
    let columns: Vec<&str> = ["entries"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut table = Table::new(&columns);
    let best: Vec<u64> = (0..capacities.len())
        .map(|at| {
            let ours = players.iter().zip(results).filter(|(player, _)| matches!(player, Player::Ours(..)));
            ours.filter_map(|(_, cells)| cells.get(at)).map(|cell| cell.hits).max().unwrap_or(0)
        })
        .collect();
    for (player, cells) in players.iter().zip(results) {
        let is_best = |at: usize| {
            matches!(player, Player::Ours(..)) && cells.get(at).map(|cell| cell.hits) == best.get(at).copied()
        };
        let marks: Vec<usize> = (0..cells.len()).filter(|at| is_best(*at)).map(|at| at + 1).collect();
        let ratios = cells.iter().enumerate().map(|(at, cell)| {
            let star = if is_best(at) { "*" } else { " " };
            format!("{:.2} %{star}", 100.0 * cell.hit_ratio)
        });
        table.marked([player.name().to_owned()].into_iter().chain(ratios), &marks);
    }
    let most = most(trace);
    table.row(
        ["room for all".to_owned()].into_iter().chain(capacities.iter().map(|_| format!("{:.2} % ", 100.0 * most))),
    );
    table
}

/// No cache can hit more: each key is loaded once.
pub(super) fn most(trace: &Trace) -> f64 {
    1.0 - f64::from(trace.distinct) / trace.requests() as f64
}

fn document(trace: &Trace, players: &[Player], results: &[Vec<Cell>], out: &mut Out) -> Result<(), Failure> {
    let row = |player: &'_ Player, cell: &Cell| (player.name().to_owned(), *cell);
    let rows: Vec<(String, Cell)> = players
        .iter()
        .zip(results)
        .flat_map(|(player, cells)| cells.iter().map(move |cell| row(player, cell)))
        .collect();
    out.document(&Document {
        trace: &trace.name,
        requests: trace.requests(),
        distinct: trace.distinct,
        rate: trace.rate,
        skipped: trace.skipped,
        is_cut: trace.is_cut,
        most: most(trace),
        results: rows
            .iter()
            .map(|(strategy, cell)| Row {
                strategy,
                capacity: cell.capacity,
                hits: cell.hits,
                hit_ratio: cell.hit_ratio,
            })
            .collect(),
    })
}

fn remark_on_speed(trace: &Trace, players: &[Player], capacities: &[u64], reading: Duration, playing: Duration) {
    let simulated = trace.requests() * players.len() as u64 * capacities.len() as u64;
    let speed = simulated as f64 / playing.as_secs_f64().max(1e-9);
    output::remark(&format!(
        "\n* the best strategy of the size. Read in {:.1} s, simulated in {:.1} s: {} requests a second",
        reading.as_secs_f64(),
        playing.as_secs_f64(),
        output::count(speed as u64),
    ));
}
