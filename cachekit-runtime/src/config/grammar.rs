//! What can be said of the settings of caches, whoever says it.

use super::{
    file::{parse_bytes, parse_span},
    suggest::or_one_of,
};
use crate::{
    cache::{Change, Setting, Whereabouts},
    outcome::Tier,
};
use std::{fmt, sync::Arc, time::Duration};

/// The largest number of entries: policies have tables of that size, and where there is no memory for one the process ends.
const MOST_ENTRIES: u64 = 1 << 26;

/// A value, before anybody knows what for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Raw<'a> {
    Text(&'a str),
    Number(u64),
    Bool(bool),
    /// Of a variable: text that may stand for anything.
    Loose(&'a str),
    /// Anything else.
    Other,
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Line(Arc<str>, usize),
    Variable(Arc<str>),
}

impl Origin {
    /// A mistake there.
    pub(crate) fn mistake(&self, message: impl fmt::Display) -> crate::Error {
        match self {
            Origin::Line(path, line) => crate::Error::configuration(path, format_args!("line {line}: {message}")),
            Origin::Variable(name) => crate::Error::configuration(name, message),
        }
    }
}

/// What is said of one setting.
#[derive(Debug, Clone)]
pub(crate) struct Stated {
    pub(crate) what: What,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Change(Change),
    /// By its name: the program may yet have to name its own.
    Strategy(String),
}

/// The settings of a cache, without `tiers.…`, which are a table.
pub(crate) fn plain() -> impl Iterator<Item = Setting> {
    Setting::ALL.into_iter().filter(|setting| !matches!(setting, Setting::Tier(_)))
}

/// The tiers by name.
pub(crate) const TIERS: [(&str, Tier); 4] =
    [("memory", Tier::Memory), ("file", Tier::File), ("redis", Tier::Redis), ("own", Tier::Own)];

pub(crate) fn name_of(tier: Tier) -> &'static str {
    TIERS.iter().find(|(_, known)| *known == tier).map_or("own", |(name, _)| name)
}

/// # Errors
/// What is wrong with the value, and what to write.
pub(crate) fn parse(setting: Setting, raw: Raw<'_>) -> Result<What, String> {
    Ok(What::Change(match setting {
        Setting::Ttl => Change::Ttl(time_or_never(raw, "a ttl of zero stores nothing: write `enabled = false`")?),
        Setting::Idle => {
            Change::Idle(time_or_never(raw, "with an idle time of zero nothing stays: write `enabled = false`")?)
        }
        Setting::StaleWhileRevalidate => Change::StaleWhileRevalidate(time(raw)?),
        Setting::StaleIfError => Change::StaleIfError(time(raw)?),
        Setting::Capacity => Change::Capacity(capacity(raw)?),
        Setting::MaxBytes => match bytes(raw)? {
            0 => return Err("with no byte nothing is stored: write `enabled = false`".to_owned()),
            bytes => Change::MaxBytes(bytes),
        },
        Setting::Strategy => {
            return match raw {
                Raw::Text(name) | Raw::Loose(name) if !name.is_empty() => Ok(What::Strategy(name.to_owned())),
                _ => Err("write the name of a strategy: `\"lru\"`".to_owned()),
            };
        }
        Setting::Enabled => Change::Enabled(truth(raw)?),
        Setting::DryRun => Change::DryRun(truth(raw)?),
        Setting::Timeout => match time(raw)? {
            Duration::ZERO => {
                return Err("with no time no backend answers: switch tiers off by `tiers.redis = false`".to_owned());
            }
            time => Change::Timeout(time),
        },
        Setting::SoftLoadTimeout => Change::SoftLoadTimeout(time_or_never(raw, NO_LOAD)?),
        Setting::HardLoadTimeout => Change::HardLoadTimeout(time_or_never(raw, NO_LOAD)?),
        Setting::Tier(tier) => Change::Tier(tier, whereabouts(tier, raw)?),
    }))
}

const NO_LOAD: &str = "with no time no load ends well: write `\"never\"` for no timeout";

pub(super) fn time(raw: Raw<'_>) -> Result<Duration, String> {
    match raw {
        Raw::Text(text) | Raw::Loose(text) => parse_span(text),
        Raw::Number(number) => Err(format!("a time has a unit: write `\"{number}s\"` or `\"{number}ms\"`")),
        Raw::Bool(_) | Raw::Other => Err("write a time like \"250ms\" or \"2s\"".to_owned()),
    }
}

fn time_or_never(raw: Raw<'_>, zero: &str) -> Result<Option<Duration>, String> {
    match raw {
        Raw::Text("never") | Raw::Loose("never") => Ok(None),
        Raw::Bool(false) => Err("write `\"never\"` for none".to_owned()),
        _ => match time(raw)? {
            Duration::ZERO => Err(zero.to_owned()),
            time => Ok(Some(time)),
        },
    }
}

fn capacity(raw: Raw<'_>) -> Result<Option<u64>, String> {
    let number = match raw {
        Raw::Text("unbounded") | Raw::Loose("unbounded") => return Ok(None),
        Raw::Number(number) => Some(number),
        Raw::Loose(text) => text.parse().ok(),
        Raw::Text(text) if text.parse::<u64>().is_ok() => {
            return Err(format!("a number has no quotes: write `capacity = {text}`"));
        }
        _ => None,
    };
    match number {
        Some(1..=MOST_ENTRIES) => Ok(number),
        Some(0) => Err("with room for nothing nothing is stored: write `enabled = false`".to_owned()),
        Some(_) => Err(format!("at most {MOST_ENTRIES} entries: write `\"unbounded\"` for no bound")),
        None if matches!(raw, Raw::Text(text) | Raw::Loose(text) if parse_bytes(text).is_ok()) => {
            Err("this is a size in bytes, and a capacity is a number of entries: did you mean `max_bytes`?".to_owned())
        }
        None => Err("write a number of entries like 10000, or `\"unbounded\"`".to_owned()),
    }
}

pub(super) fn bytes(raw: Raw<'_>) -> Result<u64, String> {
    match raw {
        Raw::Number(bytes) => Ok(bytes),
        Raw::Text(text) | Raw::Loose(text) => parse_bytes(text),
        Raw::Bool(_) | Raw::Other => Err("write a number of bytes, or a size like \"16MiB\"".to_owned()),
    }
}

pub(super) fn truth(raw: Raw<'_>) -> Result<bool, String> {
    match raw {
        Raw::Bool(truth) => Ok(truth),
        Raw::Loose("true" | "1" | "on" | "yes") => Ok(true),
        Raw::Loose("false" | "0" | "off" | "no") => Ok(false),
        Raw::Text(text @ ("true" | "false")) => Err(format!("write `{text}` without quotes")),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

pub(super) fn text<'a>(raw: Raw<'a>) -> Result<&'a str, String> {
    match raw {
        Raw::Text(text) | Raw::Loose(text) => Ok(text),
        _ => Err("write a text in quotes".to_owned()),
    }
}

fn whereabouts(tier: Tier, raw: Raw<'_>) -> Result<Whereabouts, String> {
    let elsewhere = match truth(raw) {
        Ok(true) => return Ok(Whereabouts::Declared),
        Ok(false) => return Ok(Whereabouts::Off),
        Err(mistake) => match raw {
            Raw::Text(text) | Raw::Loose(text) if !matches!(text, "" | "true" | "false") => text,
            _ => return Err(mistake),
        },
    };
    match tier {
        Tier::Redis => {
            #[cfg(feature = "redis")]
            crate::backend::redis::check_url(elsewhere).map_err(|error| error.to_string())?;
            Ok(Whereabouts::At(elsewhere.to_owned()))
        }
        Tier::File => Ok(Whereabouts::At(elsewhere.to_owned())),
        Tier::Memory => Err("memory is nowhere else: write `true` or `false`".to_owned()),
        Tier::Own => Err("where a backend of one's own is the code alone can say: write `true` or `false`".to_owned()),
    }
}

/// That there is no such strategy.
#[cfg(feature = "registry")]
pub(crate) fn no_strategy(name: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    format!("there is no strategy `{name}`: {}, or name your own by `registry::add_strategy`", or_one_of(name, &known))
}

/// That there is no such setting, in a place of that name.
pub(crate) fn no_setting(written: &str, place: &str) -> String {
    let known: Vec<&str> = plain().map(Setting::name).chain(["tiers"]).collect();
    format!("`{written}` is no setting of {place}: {}", or_one_of(written, &known))
}
