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
  cachekit set shop::page capacity=2MiB enabled=on --admin http://127.0.0.1:3001/caches
  cachekit set shop::user ttl=configured stale-if-error=5m --admin http://127.0.0.1:3001/caches";

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
    /// `ttl=30s` (`ttl=none`: for ever), `idle=10m`, `stale-while-revalidate=10s`, `stale-if-error=5m`, `capacity=10k` (`64MiB` where the bound is one of bytes), `strategy=lru`, `enabled=off`, `dry-run=on`, `timeout=100ms`, `soft-load-timeout=200ms`, `hard-load-timeout=none`; `=configured` takes back what was changed
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
pub(crate) struct Change {
    pub(crate) setting: &'static Setting,
    pub(crate) to: To,
}

/// A setting that can be changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Setting {
    /// As it is written here.
    pub(crate) name: &'static str,
    /// As `cachekit.toml` and the API call it.
    pub(crate) said: &'static str,
    /// As the API takes it.
    pub(crate) field: &'static str,
    kind: Kind,
}

#[derive(Debug, PartialEq)]
enum Kind {
    /// More than zero, or none, which is what that means.
    TimeOrNone(&'static str),
    /// Zero is none.
    Allowance,
    Time,
    Capacity,
    Strategy,
    Switch,
}

/// What it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum To {
    /// `None`: none.
    Time(Option<Duration>),
    Capacity(Capacity),
    Strategy(String),
    Switch(bool),
    /// Again what the code and the configuration say.
    Configured,
}

/// In the unit in which it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// Without a unit: of whatever the cache counts.
    Plain(u64),
    Bytes(u64),
}

const fn setting(name: &'static str, said: &'static str, field: &'static str, kind: Kind) -> Setting {
    Setting { name, said, field, kind }
}

const OFF: &str = "; to store nothing, `enabled=off`";

/// All of them, in the order in which they are shown.
pub(crate) const SETTINGS: [Setting; 11] = [
    setting("ttl", "ttl", "ttl_seconds", Kind::TimeOrNone(OFF)),
    setting("idle", "idle", "idle_seconds", Kind::TimeOrNone(OFF)),
    setting("stale-while-revalidate", "stale_while_revalidate", "stale_while_revalidate_seconds", Kind::Allowance),
    setting("stale-if-error", "stale_if_error", "stale_if_error_seconds", Kind::Allowance),
    setting("capacity", "capacity", "capacity", Kind::Capacity),
    setting("strategy", "strategy", "strategy", Kind::Strategy),
    setting("enabled", "enabled", "enabled", Kind::Switch),
    setting("dry-run", "dry_run", "dry_run", Kind::Switch),
    setting("timeout", "timeout", "timeout_seconds", Kind::Time),
    setting("soft-load-timeout", "soft_load_timeout", "soft_load_timeout_seconds", Kind::TimeOrNone("")),
    setting("hard-load-timeout", "hard_load_timeout", "hard_load_timeout_seconds", Kind::TimeOrNone("")),
];

impl std::str::FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| "write a name, `=` and a value, such as `ttl=30s`".to_owned())?;
        let setting =
            SETTINGS.iter().find(|setting| setting.name == name || setting.said == name).ok_or_else(|| {
                let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
                format!("there is no setting `{name}`: {} can be changed", all.join(", "))
            })?;
        let to = if value == "configured" { To::Configured } else { setting.read(value)? };
        Ok(Change { setting, to })
    }
}

impl Setting {
    fn read(&self, value: &str) -> Result<To, String> {
        let name = self.name;
        match (&self.kind, value) {
            (Kind::TimeOrNone(_), "none" | "never") => Ok(To::Time(None)),
            (Kind::Allowance, "none") => Ok(To::Time(Some(Duration::ZERO))),
            (Kind::TimeOrNone(_) | Kind::Allowance | Kind::Time, _) => {
                match (humantime::parse_duration(value), &self.kind) {
                    (Ok(Duration::ZERO), Kind::TimeOrNone(instead)) => {
                        Err(format!("{name} is more than zero: `{name}=none` is none{instead}"))
                    }
                    (Ok(Duration::ZERO), Kind::Time) => Err(format!("{name} is more than zero")),
                    (Ok(time), _) => Ok(To::Time(Some(time))),
                    (Err(_), kind) => {
                        let none = if *kind == Kind::Time { "" } else { ", or `none`" };
                        Err(format!("write a time with its unit, such as `{name}=30s` or `{name}=1h30m`{none}"))
                    }
                }
            }
            (Kind::Capacity, _) => capacity(value).map(To::Capacity),
            // A service may have strategies of its own, which only it knows.
            (Kind::Strategy, _) => Ok(To::Strategy(value.to_owned())),
            (Kind::Switch, "on" | "true" | "yes") => Ok(To::Switch(true)),
            (Kind::Switch, "off" | "false" | "no") => Ok(To::Switch(false)),
            (Kind::Switch, _) => Err(format!("write `{name}=on` or `{name}=off`")),
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
        let change = |text: &str| text.parse::<Change>().map(|change| (change.setting.said, change.to));
        let seconds = |count| To::Time(Some(Duration::from_secs(count)));
        assert_eq!(change("ttl=90s"), Ok(("ttl", seconds(90))));
        assert_eq!(change("ttl=none"), Ok(("ttl", To::Time(None))));
        assert_eq!(change("stale-if-error=none"), Ok(("stale_if_error", seconds(0))));
        assert_eq!(change("stale_while_revalidate=1m"), Ok(("stale_while_revalidate", seconds(60))));
        assert_eq!(change("hard-load-timeout=never"), Ok(("hard_load_timeout", To::Time(None))));
        assert_eq!(change("timeout=2s"), Ok(("timeout", seconds(2))));
        assert_eq!(change("capacity=10k"), Ok(("capacity", To::Capacity(Capacity::Plain(10_000)))));
        assert_eq!(change("capacity=2MiB"), Ok(("capacity", To::Capacity(Capacity::Bytes(2 << 20)))));
        assert_eq!(change("capacity=1500B"), Ok(("capacity", To::Capacity(Capacity::Bytes(1_500)))));
        assert_eq!(change("capacity=configured"), Ok(("capacity", To::Configured)));
        assert_eq!(change("strategy=my-own"), Ok(("strategy", To::Strategy("my-own".to_owned()))));
        assert_eq!(change("enabled=off"), Ok(("enabled", To::Switch(false))));
        assert_eq!(change("dry-run=on"), Ok(("dry_run", To::Switch(true))));
        for (wrong, instead) in [
            ("ttl", "`ttl=30s`"),
            ("ttl=30", "with its unit"),
            ("ttl=0s", "enabled=off"),
            ("idle=0s", "`idle=none`"),
            ("timeout=none", "`timeout=30s`"),
            ("timeout=0s", "more than zero"),
            ("soft-load-timeout=0s", "`soft-load-timeout=none`"),
            ("capacity=0", "enabled=off"),
            ("capacity=1MB", "64MiB"),
            ("capacity=99999999999GiB", "64MiB"),
            ("enabled=maybe", "`enabled=on`"),
            ("dry-run=", "`dry-run=on`"),
            ("size=3", "capacity"),
        ] {
            let said = change(wrong).expect_err(wrong);
            assert!(said.contains(instead), "{wrong}: {said}");
        }
    }
}
