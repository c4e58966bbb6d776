//! A hit of an HTTP cache on loopback, beside the same bytes from a handler that keeps them in a static, other caches for Axum, and proxies in front of the same application.
//!
//! Requests come from a process of its own. The bar: at least 0.85 of the requests per second of the static handler.

mod contestants;
mod load;

use cachekit_benches::{args::Args, json, stats::Quartiles};
use contestants::{Contestant, STATIC};
use load::Load;
use std::io;

const USAGE: &str = "\
cargo bench --bench http -- [FLAGS]
  --rounds N        turns of each contestant (75)
  --ops N           requests per turn for 1 KiB (2000); a quarter for 100 KiB
  --only A,B,…      contestants or groups (as: 100 KiB) whose name contains one of these; the static handler always runs
  --quick           5 rounds of 2000 requests";

/// How many connections ask at the same time.
const CONNECTIONS: usize = 16;

struct Seat {
    contestant: Contestant,
    size: (&'static str, usize),
    /// Per second, by round.
    rates: Vec<f64>,
}

fn main() -> io::Result<()> {
    if load::is_asked_for() {
        return load::answer_questions();
    }
    let mut args = Args::parse(USAGE);
    let said = |flag: &str| std::env::args().any(|argument| argument == flag);
    if !said("--rounds") {
        args.rounds = if args.quick { 5 } else { 75 };
    }
    if !said("--ops") {
        // Short turns: what else a machine does comes and goes within a second, and pairs are to have the same of it.
        args.ops = 2_000;
    }
    let application = contestants::start()?;
    let mut load = Load::start()?;
    let mut seats = Vec::new();
    for size in contestants::SIZES {
        for contestant in application.contestants.iter().cloned() {
            if contestant.name == STATIC || args.wants(&[contestant.name, size.0]) {
                seats.push(Seat { contestant, size, rates: Vec::new() });
            }
        }
    }
    for seat in &seats {
        // The first one fills, and says whether the second is answered from what it filled.
        let runs = application.runs();
        load.ask(seat.contestant.port, seat.size.1, CONNECTIONS, 4 * CONNECTIONS)?;
        let before = application.runs();
        load.ask(seat.contestant.port, seat.size.1, CONNECTIONS, 4 * CONNECTIONS)?;
        if seat.contestant.caches && application.runs() != before {
            eprintln!("{} does not cache {}: {} runs", seat.contestant.name, seat.size.0, application.runs() - runs);
        }
    }
    for round in 0..args.rounds {
        for (label, _) in contestants::SIZES {
            let mut group: Vec<&mut Seat> = seats.iter_mut().filter(|seat| seat.size.0 == label).collect();
            let (count, first) = (group.len(), round * 7);
            for at in 0..count {
                let seat = &mut group[(first + at) % count];
                let requests = if seat.size.1 > 10_000 { args.ops / 4 } else { args.ops };
                let took = load.ask(seat.contestant.port, seat.size.1, CONNECTIONS, requests)?;
                seat.rates.push(requests as f64 / took.as_secs_f64());
            }
        }
        eprint!("\rround {} of {}", round + 1, args.rounds);
    }
    eprintln!();
    report(&seats, &args);
    application.stop();
    Ok(())
}

fn report(seats: &[Seat], args: &Args) {
    let mut rows = Vec::new();
    for (label, _) in contestants::SIZES {
        let of_size = || seats.iter().filter(move |seat| seat.size.0 == label);
        let Some(reference) = of_size().find(|seat| seat.contestant.name == STATIC) else { continue };
        println!("\n{label} of JSON, {CONNECTIONS} connections");
        println!("  {:<34} {:>12} {:>22} {:>9}", "", "requests/s", "quartiles", "/static");
        for seat in of_size() {
            let rates = Quartiles::of(seat.rates.clone());
            let ratio = Quartiles::of_ratios(&seat.rates, &reference.rates);
            println!(
                "  {:<34} {:>12.0} {:>10.0} ..{:>10.0} {:>9.2}",
                seat.contestant.name, rates.median, rates.low, rates.high, ratio.median
            );
            rows.push(json::object(&[
                ("size", json::text(label)),
                ("contestant", json::text(seat.contestant.name)),
                ("requests_per_second", json::quartiles(Some(rates))),
                ("to_static", json::quartiles(Some(ratio))),
            ]));
        }
    }
    let settings = [("rounds", args.rounds.to_string()), ("ops", args.ops.to_string()), ("lines", json::lines(&rows))];
    json::save_and_say(&json::document("http", args, &settings), "http");
}
