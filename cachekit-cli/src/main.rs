//! `cachekit`: inspect, change, move, simulate and advise, from a terminal.
//!
//! `args` is what can be said, `store` where entries are, `service` what a live program answers, `commands` one file for each command, `output` how answers look, `trace` and `simulate` what
//! needs no store at all.

mod args;
mod ask;
mod commands;
mod failure;
mod interrupt;
mod output;
mod progress;
mod service;
mod simulate;
mod store;
mod trace;

use args::{Cli, Command};
use clap::Parser;
use failure::{Exit, Failure};
use output::Out;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What the runtime warns of, as a damaged store that was put aside.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_target(false)
        .without_time()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let mut out = Out::new(cli.json);
    let ended = run(cli.command, &mut out).and_then(|exit| out.flush().map(|()| exit));
    match ended {
        Ok(exit) => exit.into(),
        // Who reads no further has seen enough.
        Err(failure) if failure.is_broken_pipe() => Exit::Fine.into(),
        Err(failure) => {
            // Behind what was already said. A reader that went away is no second failure.
            out.flush().ok();
            output::complain(&failure);
            failure.exit().into()
        }
    }
}

fn run(command: Command, out: &mut Out) -> Result<Exit, Failure> {
    use commands::live;
    match command {
        Command::List(args) => match args.at.live() {
            Some(service) => live::list(service, out),
            None => wait(commands::list::run(args, out)),
        },
        Command::Stats(args) => match args.at.live() {
            Some(service) => live::stats(args.cache.as_deref(), service, out),
            None => wait(commands::stats::run(args, out)),
        },
        Command::Keys(args) => match args.at.live() {
            Some(service) => live::keys(&args, service, out),
            None => wait(commands::keys::run(args, out)),
        },
        Command::Get(args) => match args.entry.at.live() {
            Some(service) => live::get(&args, service, out),
            None => wait(commands::get::run(args, out)),
        },
        Command::Explain(args) => match args.at.live() {
            Some(service) => live::explain(&args, service, out),
            None => wait(commands::explain::run(args, out)),
        },
        Command::Invalidate(args) => match args.at.live() {
            Some(service) => live::invalidate(&args, service, out),
            None => wait(commands::invalidate::run(args, out)),
        },
        Command::Clear(args) => match args.at.live() {
            Some(service) => live::clear(&args, service, out),
            None => wait(commands::clear::run(args, out)),
        },
        Command::Doctor(args) => match args.at.live() {
            Some(service) => live::doctor(service, out),
            None => wait(commands::doctor::run(args, out)),
        },
        Command::Top(args) => wait(commands::top::run(args, out)),
        Command::Set(args) => commands::set::run(&args, out),
        Command::Export(args) => wait(commands::export::run(args, out)),
        Command::Import(args) => wait(commands::import::run(args, out)),
        Command::Bench(args) => wait(commands::bench::run(args, out)),
        Command::Simulate(args) => commands::simulate::run(&args, out),
        // Ctrl-C ends the sampling of a service early.
        Command::Advise(args) => wait(async { commands::advise::run(&args, out) }),
        Command::Completions(args) => commands::manual::completions(&args, out),
        Command::Man(args) => commands::manual::man(&args, out),
    }
}

/// Runs a command that waits for several things at a time.
fn wait(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::other(format!("no runtime could be started: {error}")))?;
    runtime.block_on(work)
}
