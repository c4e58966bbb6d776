//! `cargo xtask compile-cost`: what cachekit costs a user's build.
//!
//! First the crates and seconds of a clean build of the default features beside its peers, then the seconds that annotated functions add.
//! All builds use cargo's own dev profile, target directories of their own, and are interleaved, so that a busy minute hits every row.

mod functions;
mod probe;
mod timing;

use probe::Probe;
use timing::Timings;

use crate::{Result, workspace};

/// The bars of the default build: crates, ours included, and the share of the seconds of `cached`.
const MOST_CRATES: usize = 35;
const MOST_OF_CACHED: f64 = 0.6;

struct Options {
    rounds: usize,
    check: bool,
}

pub(crate) fn main(options: &[&str]) -> Result {
    let options = parse(options)?;
    let over = clean_builds(options.rounds)?;
    functions::run(options.rounds).map_err(|message| format!("annotated functions: {message}"))?;
    if options.check && !over.is_empty() { Err(over.join("\n")) } else { Ok(()) }
}

fn parse(options: &[&str]) -> Result<Options> {
    let mut parsed = Options { rounds: 3, check: false };
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match *word {
            "--check" => parsed.check = true,
            "--rounds" => {
                let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                parsed.rounds = number.ok_or("`--rounds` takes a number from 1 on: write `--rounds 5`")?;
            }
            other => return Err(format!("unknown option `{other}`: write `--rounds N` or `--check`")),
        }
    }
    Ok(parsed)
}

/// Builds every peer `rounds` times and returns which bars were missed.
fn clean_builds(rounds: usize) -> Result<Vec<String>> {
    let root = workspace::root().display().to_string();
    let peers = [
        ("cachekit", "cachekit", format!("cachekit = {{ path = \"{root}/cachekit\" }}")),
        ("cached 4", "cached", "cached = \"4\"".to_owned()),
        ("moka 0.12, sync", "moka", "moka = { version = \"0.12\", features = [\"sync\"] }".to_owned()),
        ("a macro crate on syn and quote", "syn-quote", "syn-quote-macro = { path = \"macro\" }".to_owned()),
    ];
    let mut rows = Vec::new();
    for (label, name, dependency) in peers {
        let probe = Probe::new(name, &dependency, "//! Nothing but its dependency.\n")?;
        if name == "syn-quote" {
            macro_crate(&probe)?;
        }
        probe.fetch()?;
        rows.push((label, probe, Timings::default()));
    }
    for round in 1..=rounds {
        for (label, probe, timings) in &mut rows {
            timings.push(probe.clean_build()?);
            println!("round {round}/{rounds}: {label}: {}", timings.last());
        }
    }
    println!(
        "\nclean build, dev profile, default features\n{:<32} {:>6} {:>8} {:>8}",
        "", "crates", "best s", "median s"
    );
    let mut summary = Vec::new();
    for (label, probe, timings) in &rows {
        let crates = probe.crates()?;
        println!("{label:<32} {crates:>6} {:>8.1} {:>8.1}", timings.best(), timings.median());
        summary.push((crates, timings.best(), timings.median()));
    }
    let (ours, cached) = (summary[0], summary[1]);
    println!("cachekit / cached: {:.2} of the best, {:.2} of the median", ours.1 / cached.1, ours.2 / cached.2);
    let over = missed(ours.0, ours.1 / cached.1);
    println!("{}", if over.is_empty() { "within the bars".to_owned() } else { over.join("\n") });
    Ok(over)
}

fn missed(crates: usize, share: f64) -> Vec<String> {
    let mut over = Vec::new();
    if crates > MOST_CRATES {
        over.push(format!("over the bar: {crates} crates, at most {MOST_CRATES}"));
    }
    if share > MOST_OF_CACHED {
        over.push(format!("over the bar: {share:.2} of the seconds of cached, at most {MOST_OF_CACHED}"));
    }
    over
}

/// The floor of every attribute macro: one that only parses and prints with syn and quote.
fn macro_crate(probe: &Probe) -> Result {
    let manifest = "[package]\nname = \"syn-quote-macro\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\nproc-macro = true\n\n\
        [dependencies]\nquote = \"1\"\nsyn = { version = \"3\", features = [\"full\"] }\n";
    let source = "//! An attribute that changes nothing.\n\n/// The item as it was, parsed and printed.\n#[proc_macro_attribute]\n\
        pub fn same(_: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
        let item = syn::parse_macro_input!(item as syn::ItemFn);\n    quote::quote!(#item).into()\n}\n";
    workspace::write(&probe.folder().join("macro/Cargo.toml"), manifest)?;
    workspace::write(&probe.folder().join("macro/src/lib.rs"), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_wrong_ones_answered() {
        let options = parse(&["--check", "--rounds", "7"]).unwrap();
        assert!(options.check && options.rounds == 7);
        assert_eq!(parse(&[]).unwrap().rounds, 3);
        for wrong in [&["--rounds"][..], &["--rounds", "0"], &["--rounds", "many"], &["--fast"]] {
            assert!(parse(wrong).err().unwrap().contains("write `--rounds"), "{wrong:?}");
        }
    }

    #[test]
    fn each_bar_is_reported_when_it_is_missed() {
        assert_eq!(missed(35, 0.6), [""; 0]);
        assert_eq!(missed(36, 0.6), ["over the bar: 36 crates, at most 35"]);
        assert_eq!(missed(35, 0.61), ["over the bar: 0.61 of the seconds of cached, at most 0.6"]);
    }
}
