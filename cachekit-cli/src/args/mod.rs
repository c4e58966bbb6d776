//! What can be said: the commands and their arguments.

mod live;
mod source;
mod trace;

pub(crate) use live::{Capacity, Change, SETTINGS, SetArgs, Sort, To, TopArgs};
pub(crate) use source::{Kind, Live, Service, Source, Url, Where};
pub(crate) use trace::{AdviseArgs, Format, Lines, SimulateArgs, Size};

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    nothing was found, or the doctor has found something
  2    what was said, or is configured, cannot be understood
  3    a store or a service cannot be reached, or refuses
  4    somebody has to say yes first (--yes)
  5    a file cannot be read or written, or has nothing in it
  130  interrupted by Ctrl-C";

/// Inspect, change, move, simulate and advise: caches made by cachekit, from a terminal.
#[derive(Debug, Parser)]
#[command(name = "cachekit", version, about, after_help = EXIT_CODES, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Answers for programs instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The caches of a service or a store
    #[command(
        after_help = "Examples:\n  cachekit list --admin http://127.0.0.1:3001/caches\n  cachekit list --redis redis://localhost\n  cachekit list --dir /var/cache/shop --json"
    )]
    List(ListArgs),
    /// How the caches of a service do; what is in a store: sizes, times left, shapes, servers
    #[command(
        after_help = "Examples:\n  cachekit stats shop::user --admin http://127.0.0.1:3001/caches\n  cachekit stats --redis redis://localhost\n  cachekit stats user --dir /var/cache/shop"
    )]
    Stats(StatsArgs),
    /// The keys of a cache
    #[command(
        after_help = "Examples:\n  cachekit keys shop::user --limit 20 --admin http://127.0.0.1:3001/caches\n  cachekit keys user --dir /var/cache/shop --limit 20\n  cachekit keys user --prefix 4 --redis redis://localhost --json"
    )]
    Keys(KeysArgs),
    /// The value of an entry
    #[command(
        after_help = "Keys are written as `cachekit keys` shows them: numbers as they are, texts in quotes.\n\nExamples:\n  cachekit get shop::user 42 --admin http://127.0.0.1:3001/caches\n  cachekit get user 42 --dir /var/cache/shop\n  cachekit get page '\"/index\",7' --redis redis://localhost"
    )]
    Get(GetArgs),
    /// Whether a call would get an entry, and why not
    #[command(
        after_help = "Examples:\n  cachekit explain shop::user 42 --admin http://127.0.0.1:3001/caches\n  cachekit explain user 42 --redis redis://localhost\n  cachekit explain app::users::find 42 --dir /var/cache/shop --json"
    )]
    Explain(EntryArgs),
    /// Removes entries by key, by prefix or by tag, for all programs
    #[command(
        after_help = "Examples:\n  cachekit invalidate shop::user 42 --admin http://127.0.0.1:3001/caches --yes\n  cachekit invalidate user 42 43 --redis redis://localhost --yes\n  cachekit invalidate --tag team:7 --redis redis://localhost --yes\n  cachekit invalidate user --prefix 4 --dir /var/cache/shop --yes"
    )]
    Invalidate(InvalidateArgs),
    /// Removes all entries of caches, or those of one shape
    #[command(
        after_help = "Examples:\n  cachekit clear shop::user --admin http://127.0.0.1:3001/caches --yes\n  cachekit clear user --redis redis://localhost --yes\n  cachekit clear user --fingerprint 00000000000000ab --dir /var/cache/shop --yes"
    )]
    Clear(ClearArgs),
    /// The caches of a live service as they go: hits, misses, loads, weight
    #[command(after_help = live::TOP_EXAMPLES)]
    Top(TopArgs),
    /// Changes a cache of a live service: ttl, capacity, strategy, off and on
    #[command(after_help = live::SET_EXAMPLES)]
    Set(SetArgs),
    /// Writes the entries as lines of JSON
    #[command(
        after_help = "Ctrl-C ends it where `--resume` goes on.\n\nExamples:\n  cachekit export --redis redis://localhost --out shop.jsonl\n  cachekit export user --dir /var/cache/shop > users.jsonl\n  cachekit export --redis redis://localhost --out shop.jsonl --resume"
    )]
    Export(ExportArgs),
    /// Reads what export has written into a store
    #[command(
        after_help = "Entries that are there stay. Ctrl-C ends it where `--resume` goes on.\n\nExamples:\n  cachekit import shop.jsonl --dir /var/cache/shop\n  cachekit import - --redis redis://localhost < users.jsonl\n  cachekit import shop.jsonl --overwrite --yes --redis redis://localhost"
    )]
    Import(ImportArgs),
    /// Looks for what is wrong: configuration, connections, clocks, left-over shapes, loads
    #[command(
        after_help = "Examples:\n  cachekit doctor\n  cachekit doctor --redis redis://localhost --json\n  cachekit doctor --admin http://127.0.0.1:3001/caches"
    )]
    Doctor(DoctorArgs),
    /// Measures a store under a load of its own
    #[command(
        after_help = "Works in a namespace of its own in Redis unless `--namespace` says another, and in a cache of its own in a file store, which is cleared in the end.\n\nExamples:\n  cachekit bench --redis redis://localhost --seconds 2\n  cachekit bench --dir /tmp/bench --create --seconds 2"
    )]
    Bench(BenchArgs),
    /// What each strategy and size would have hit on a trace
    #[command(after_help = trace::SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
    /// Which size and strategy a trace, or a cache of a live service, asks for
    #[command(after_help = trace::ADVISE_EXAMPLES)]
    Advise(AdviseArgs),
    /// Completions for a shell
    #[command(after_help = "Example:\n  cachekit completions bash > /etc/bash_completion.d/cachekit")]
    Completions(CompletionsArgs),
    /// Manual pages
    #[command(after_help = "Example:\n  cachekit man --out /usr/local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// One cache instead of the whole store
    pub(crate) cache: Option<String>,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// The cache
    pub(crate) cache: String,
    /// Only keys that begin so
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) at: Where,
}

/// An entry.
#[derive(Debug, Args)]
pub(crate) struct EntryArgs {
    /// The cache
    pub(crate) cache: String,
    /// The key, as `cachekit keys` shows it; nothing for a function without parameters
    #[arg(default_value = "")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) entry: EntryArgs,
    /// The entry of this shape, where there are several. Otherwise the newest
    #[arg(long, value_name = "HEX", value_parser = source::fingerprint)]
    pub(crate) fingerprint: Option<cachekit_runtime::backend::Fingerprint>,
    /// The bytes as the codec wrote them
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InvalidateArgs {
    /// The cache
    #[arg(required_unless_present = "tag")]
    pub(crate) cache: Option<String>,
    /// The keys, as `cachekit keys` shows them
    pub(crate) keys: Vec<String>,
    /// All keys that begin so
    #[arg(long, conflicts_with = "keys")]
    pub(crate) prefix: Option<String>,
    /// All entries that have this tag, of whichever cache
    #[arg(long, conflicts_with_all = ["cache", "keys", "prefix"])]
    pub(crate) tag: Vec<String>,
    /// Makes the entries of the tags stale instead
    #[arg(long, requires = "tag")]
    pub(crate) soft: bool,
    /// Does not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct ClearArgs {
    /// The caches
    #[arg(required = true)]
    pub(crate) caches: Vec<String>,
    /// Only entries of this shape
    #[arg(long, value_name = "HEX", value_parser = source::fingerprint)]
    pub(crate) fingerprint: Option<cachekit_runtime::backend::Fingerprint>,
    /// Does not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Only this cache
    pub(crate) cache: Option<String>,
    /// The file; without it the standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Goes on where an export into this file was interrupted
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// In place of a file that is there
    #[arg(long, conflicts_with = "resume")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; `-` for the standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Goes on where an import of this file into this store was interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// In place of entries that are there; asks first
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Does not ask
    #[arg(long, short, requires = "overwrite")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// A shape without newer entries counts as left over
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration, conflicts_with = "admin")]
    pub(crate) unused_for: std::time::Duration,
    #[command(flatten)]
    pub(crate) at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// For so long
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// So many callers at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) callers: u16,
    /// Over so many keys
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// Values of so many bytes
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u64).range(..=256 << 20))]
    pub(crate) value_bytes: u64,
    /// So many calls of a hundred are reads
    #[arg(long, value_name = "PERCENT", default_value_t = 90, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) reads: u8,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A folder for a page of each command; without it the first page alone, on the standard output
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}
