//! Project tasks: `cargo xtask test`, `cargo xtask ci`, `cargo xtask help`.
//!
//! No dependencies: this crate is compiled at the start of every CI run.

mod arc_figures;
mod bench_report;
mod check_coherence;
mod ci;
mod compile_cost;
mod features;
mod hit_cost;
mod http_conformance;
mod move_figures;
mod needs;
mod shell;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

/// What every task returns; the message is printed as it is.
type Result<T = ()> = std::result::Result<T, String>;

const COMMANDS: [(&str, &str); 11] = [
    ("test", "set up what the tests need and run them all: unit, integration, doc, compile-time, examples, loom"),
    ("ci [--no-test]", "test, then fmt, clippy, rustdoc, feature combinations and tidy"),
    ("tidy", "check the house rules: file lengths, fixtures, diagnostics, manifests, leftovers"),
    (
        "compile-cost [--rounds N] [--check]",
        "crates and seconds of a clean build beside the peers, and what 100 annotated functions add",
    ),
    ("hit-cost [--check]", "instructions that statistics and a sampled curve add to a hit, by callgrind"),
    ("bench-report", "write docs/benchmarks.md and its pictures from what the benchmarks measured last"),
    ("arc-figures --traces DIR", "does `cachekit simulate` hit what the paper on ARC has published of LRU?"),
    (
        "move-figures [--entries N]",
        "export and import of a million entries, Redis to file store to Redis, each interrupted and resumed: is anything lost, does memory grow?",
    ),
    (
        "check-coherence [--seed N] [--minutes M] [--seeds COUNT] [--nodes N] [--without epochs|witness|lease|boot]",
        "four processes and a real Redis Cluster under faults: is any call given something older than promised?",
    ),
    (
        "http-conformance --suite CHECKOUT --driver FOLDER [--profile rfc|defaults|defaults+cdn]",
        "the public suite of HTTP caches against a proxy around `CacheLayer`; needs Node",
    ),
    ("help", "this text"),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result {
    match args {
        ["test"] => test::main(),
        ["ci"] => ci::main(true),
        ["ci", "--no-test"] => ci::main(false),
        ["tidy"] => tidy::main(),
        ["compile-cost", options @ ..] => compile_cost::main(options),
        ["hit-cost", options @ ..] => hit_cost::main(options),
        ["bench-report"] => bench_report::main(),
        ["arc-figures", options @ ..] => arc_figures::main(options),
        ["move-figures", options @ ..] => move_figures::main(options),
        ["check-coherence", options @ ..] => check_coherence::main(options),
        ["http-conformance", options @ ..] => http_conformance::main(options),
        [] | ["help" | "--help" | "-h"] => {
            println!("{}", help());
            Ok(())
        }
        [command, rest @ ..] => Err(unknown(command, rest)),
    }
}

fn unknown(command: &str, rest: &[&str]) -> String {
    if COMMANDS.iter().any(|(usage, _)| name(usage) == command) {
        format!("`cargo xtask {command}` does not take `{}`\n\n{}", rest.join(" "), help())
    } else {
        let known: Vec<_> = COMMANDS.iter().map(|(usage, _)| format!("`{}`", name(usage))).collect();
        format!("unknown command `{command}`: write one of {}\n\n{}", known.join(", "), help())
    }
}

fn name(usage: &str) -> &str {
    usage.split(' ').next().unwrap_or(usage)
}

fn help() -> String {
    let mut text = String::from("cargo xtask <command>\n");
    for (usage, what) in COMMANDS {
        text.push_str(&format!("\n  {usage}\n      {what}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_names_the_known_ones() {
        let message = dispatch(&["tests"]).unwrap_err();
        for command in ["`tests`", "`test`", "`ci`", "`tidy`", "`compile-cost`", "`bench-report`", "`help`"] {
            assert!(message.contains(command), "{command} is missing in: {message}");
        }
    }

    #[test]
    fn an_unknown_option_is_named() {
        assert!(dispatch(&["tidy", "--fast"]).unwrap_err().starts_with("`cargo xtask tidy` does not take `--fast`"));
        assert!(dispatch(&["ci", "--no-tests"]).unwrap_err().contains("does not take `--no-tests`"));
    }

    #[test]
    fn help_lists_every_command() {
        for (usage, what) in COMMANDS {
            assert!(help().contains(usage) && help().contains(what));
        }
    }
}
