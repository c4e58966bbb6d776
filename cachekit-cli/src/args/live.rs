//! What is for live services alone.

use super::{Service, trace::count};
use clap::{Args, ValueEnum};
use std::time::Duration;

pub(super) const TOP_EXAMPLES: &str = "\
Keys: q or Ctrl-C ends, the space bar holds the table still, arrows scroll. c r h m l t e w x sort by cache, hit ratio, hits, misses, loads, load time, entries, weight and evictions; the same key again turns the order around.

Examples:
  cachekit top --admin http://127.0.0.1:3001/caches
  cachekit top --admin http://127.0.0.1:3001/caches --once --sort loads --interval 500ms";

pub(super) const SET_EXAMPLES: &str = "\
The change holds for that process until it ends; the code and the configuration say what the next one has.

Examples:
  cachekit set shop::user ttl=30s --admin http://127.0.0.1:3001/caches
  cachekit set shop::user capacity=500 strategy=lru --admin http://127.0.0.1:3001/caches --yes
  cachekit set shop::page capacity=2MiB enabled=on --admin http://127.0.0.1:3001/caches";

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// Between two looks
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub(crate) interval: Duration,
    /// By which column; on a terminal keys change it
    #[arg(long, value_name = "COLUMN", default_value = "hits")]
    pub(crate) sort: Sort,
    /// One table, of one interval, also on a terminal
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// The name
    Cache,
    /// Which part of the calls hit
    Ratio,
    /// Hits a second
    Hits,
    /// Misses a second
    Misses,
    /// Loads a second
    Loads,
    /// How long a load takes
    LoadTime,
    /// How many entries there are
    Entries,
    /// What they weigh
    Weight,
    /// Evictions a second
    Evictions,
}

/// At a faster pace the service would refuse.
fn interval(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time >= Duration::from_millis(100) && time <= Duration::from_secs(3_600) => Ok(time),
        Ok(_) => Err("an interval is from 100ms to 1h".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The cache
    pub(crate) cache: String,
    /// `ttl=30s` (`ttl=none`: for ever), `capacity=10k` (`64MiB` where the bound is one of bytes), `strategy=lru`, `enabled=off`
    #[arg(required = true, value_name = "NAME=VALUE")]
    pub(crate) changes: Vec<Change>,
    /// Does not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// A change of a cache.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// `None`: for ever.
    Ttl(Option<Duration>),
    Capacity(Capacity),
    Strategy(String),
    Enabled(bool),
}

/// In the unit in which it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// Without a unit: of whatever the cache counts.
    Plain(u64),
    Bytes(u64),
}

impl Change {
    /// As it is written.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Change::Ttl(_) => "ttl",
            Change::Capacity(_) => "capacity",
            Change::Strategy(_) => "strategy",
            Change::Enabled(_) => "enabled",
        }
    }
}

impl std::str::FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| "write a name, `=` and a value, such as `ttl=30s`".to_owned())?;
        match name {
            "ttl" if matches!(value, "none" | "never") => Ok(Change::Ttl(None)),
            "ttl" => match humantime::parse_duration(value) {
                Ok(Duration::ZERO) => Err("a ttl is more than zero; to store nothing, `enabled=off`".to_owned()),
                Ok(ttl) => Ok(Change::Ttl(Some(ttl))),
                Err(_) => Err("write a time with its unit, such as `ttl=30s` or `ttl=1h30m`, or `ttl=none`".to_owned()),
            },
            "capacity" => capacity(value).map(Change::Capacity),
            // A service may have strategies of its own, which only it knows.
            "strategy" => Ok(Change::Strategy(value.to_owned())),
            "enabled" => match value {
                "on" | "true" | "yes" => Ok(Change::Enabled(true)),
                "off" | "false" | "no" => Ok(Change::Enabled(false)),
                _ => Err("write `enabled=on` or `enabled=off`".to_owned()),
            },
            _ => Err(format!("there is no setting `{name}`: ttl, capacity, strategy and enabled can be changed")),
        }
    }
}

fn capacity(value: &str) -> Result<Capacity, String> {
    // The others end with the last one.
    const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let number = match UNITS.iter().find_map(|(unit, factor)| Some((value.strip_suffix(unit)?, factor))) {
        Some((digits, factor)) => {
            digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)).map(Capacity::Bytes)
        }
        None => count(value).ok().map(Capacity::Plain),
    };
    match number {
        Some(Capacity::Plain(0) | Capacity::Bytes(0)) => {
            Err("a capacity is at least 1; to store nothing, `enabled=off`".to_owned())
        }
        Some(capacity) => Ok(capacity),
        None => Err("write entries, such as `capacity=10k`, or bytes, such as `capacity=64MiB`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read() {
        let change = |text: &str| text.parse::<Change>();
        assert_eq!(change("ttl=90s"), Ok(Change::Ttl(Some(Duration::from_secs(90)))));
        assert_eq!(change("ttl=none"), Ok(Change::Ttl(None)));
        assert_eq!(change("capacity=10k"), Ok(Change::Capacity(Capacity::Plain(10_000))));
        assert_eq!(change("capacity=2MiB"), Ok(Change::Capacity(Capacity::Bytes(2 << 20))));
        assert_eq!(change("capacity=1500B"), Ok(Change::Capacity(Capacity::Bytes(1_500))));
        assert_eq!(change("strategy=my-own"), Ok(Change::Strategy("my-own".to_owned())));
        assert_eq!(change("enabled=off"), Ok(Change::Enabled(false)));
        for (wrong, instead) in [
            ("ttl", "`ttl=30s`"),
            ("ttl=30", "with its unit"),
            ("ttl=0s", "enabled=off"),
            ("capacity=0", "enabled=off"),
            ("capacity=1MB", "64MiB"),
            ("capacity=99999999999GiB", "64MiB"),
            ("enabled=maybe", "`enabled=on`"),
            ("size=3", "capacity"),
        ] {
            let said = change(wrong).expect_err(wrong);
            assert!(said.contains(instead), "{wrong}: {said}");
        }
    }
}
