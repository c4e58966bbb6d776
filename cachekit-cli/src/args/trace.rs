//! Traces, and what is simulated on them.

use super::{Live, Url};
use cachekit_runtime::policy::Strategy;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  cachekit simulate trace.txt
  cachekit simulate trace.txt.zst --size 1000 --size 10k --strategy lru,s3-tinylfu --no-optimum
  cachekit simulate requests.csv --column url --svg curve.svg
  cachekit simulate access.log.gz --format access-log --json";

pub(super) const ADVISE_EXAMPLES: &str = "\
Examples:
  cachekit advise trace.txt
  cachekit advise access.log --format access-log --now 10000 --load-time 20ms --svg advice.svg
  cachekit advise shop::user --admin http://127.0.0.1:3001/caches --for 1s --svg advice.svg";

/// Which keys were asked for, one after the other.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub(crate) struct TraceArgs {
    /// The file, which may be compressed by gzip or zstd; `-` for the standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) trace: PathBuf,
    #[command(flatten)]
    pub(crate) lines: Lines,
}

/// What is in a trace.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Trace")]
pub(crate) struct Lines {
    /// What is in it; without it the name of the file and its first lines tell
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// The column of a CSV file that has the key: its name, or its number from 1
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<String>,
    /// Only so many requests
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) limit: Option<u64>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A key a line
    Keys,
    /// Values between commas, as RFC 4180 has them; the first line has the names
    Csv,
    /// The common or combined log of Apache and nginx; the key is the URL of GET and HEAD
    AccessLog,
    /// What `Cache::record_trace` writes
    Recorded,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Sizes in entries (`10k`, `2M`) or in percent of the distinct keys (`5%`); several times or with commas
    #[arg(long, value_name = "SIZE", value_delimiter = ',', default_values = ["0.1%", "1%", "5%", "10%", "20%"])]
    pub(crate) size: Vec<Size>,
    /// Strategies; without it all
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) strategy: Vec<Strategy>,
    /// One shard whatever the size, as publications have it; without it caches of 2,048 entries or more are divided as live ones are
    #[arg(long)]
    pub(crate) one_shard: bool,
    /// Without the optimum, which takes 4 bytes of memory for each request while it is computed
    #[arg(long)]
    pub(crate) no_optimum: bool,
    /// Writes a plot into this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,
    /// So many simulations at once; without it as many as there are cores
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct AdviseArgs {
    /// The trace, as of `simulate`; with `--admin` the cache
    #[arg(value_name = "TRACE|CACHE", value_hint = ValueHint::FilePath)]
    pub(crate) of: PathBuf,
    /// How long a load takes, to say what would be saved; a service knows that itself
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) load_time: Option<std::time::Duration>,
    /// Writes a plot into this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trace: AdviseTrace,
    #[command(flatten)]
    pub(crate) live: AdviseLive,
}

/// Advice from a trace.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub(crate) struct AdviseTrace {
    #[command(flatten)]
    pub(crate) lines: Lines,
    /// The capacity of now, in entries
    #[arg(long, value_name = "SIZE", value_parser = count)]
    pub(crate) now: Option<u64>,
    /// The strategy of now; without it `s3-tinylfu`
    #[arg(long, value_name = "NAME")]
    pub(crate) strategy: Option<Strategy>,
    /// So many simulations at once; without it as many as there are cores
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// Advice from a live service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct AdviseLive {
    /// A live service: the URL under which it mounts `cachekit::admin::router`. The token comes from CACHEKIT_ADMIN_TOKEN
    #[arg(long, value_name = "URL", conflicts_with_all = ["format", "column", "limit", "now", "strategy", "threads"])]
    pub(crate) admin: Option<Url>,
    /// The token of the service is in this file; `-` for the standard input
    #[arg(long, value_name = "FILE", requires = "admin", value_hint = ValueHint::FilePath)]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Lets the service sample the calls of the cache for so long first, if it does not yet
    #[arg(long = "for", value_name = "TIME", requires = "admin", value_parser = humantime::parse_duration)]
    pub(crate) sample: Option<std::time::Duration>,
    /// How long the service may take to answer
    #[arg(long, value_name = "TIME", requires = "admin", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: std::time::Duration,
}

impl AdviseLive {
    /// The service, if one was named.
    pub(crate) fn live(&self) -> Option<Live<'_>> {
        let token_file = self.admin_token_file.as_deref();
        self.admin.as_ref().map(|url| Live { url, token_file, timeout: self.timeout })
    }
}

/// The size of a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Size {
    Entries(u64),
    /// Of the distinct keys.
    Percent(f64),
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Size::Percent(percent)),
                _ => Err("write a percentage above 0 and up to 100, such as `5%`".to_owned()),
            },
            None => match count(text)? {
                0 => Err("a cache has at least one entry".to_owned()),
                entries => Ok(Size::Entries(entries)),
            },
        }
    }
}

/// `10000`, `10_000`, `10k`, `2M`.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    let (digits, factor) = match plain.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => plain.strip_suffix('M').map_or((plain.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    number.ok_or_else(|| {
        "write a number of entries, such as `10000`, `10k` or `2M`, or a percentage, such as `5%`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let size = |text: &str| text.parse::<Size>();
        assert_eq!(size("10k"), Ok(Size::Entries(10_000)));
        assert_eq!(size("1_000"), Ok(Size::Entries(1_000)));
        assert_eq!(size("0.5%"), Ok(Size::Percent(0.5)));
        for wrong in ["0", "101%", "-1%", "x", "", "99999999999999999999", "99999999999999999k"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
