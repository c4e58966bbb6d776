//! What `cachekit.toml` says.

use super::{
    grammar::{self, Origin, Raw, Stated, TIERS, time},
    rules::{Pattern, Rule},
    said::{File, Redis, Said},
    suggest::or_one_of,
};
use crate::{Error, cache::Setting};
use bytesize::ByteSize;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use std::{collections::BTreeMap, io::ErrorKind, ops::Range, path::PathBuf, sync::Arc, time::Duration};
use toml::de::{DeTable, DeValue};

/// Where it is looked for, unless `CACHEKIT_CONFIG` says otherwise.
const NAME: &str = "cachekit.toml";

/// `"250ms"`.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_span(&String::deserialize(deserializer)?).map(Span).map_err(de::Error::custom)
    }
}

pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}: write a time like \"250ms\" or \"2s\""))
}

/// `"16MiB"`, or a number of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

#[derive(Deserialize)]
#[serde(untagged, expecting = "write a number of bytes, or a size like \"16MiB\"")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(bytes) => Ok(Bytes(bytes)),
            NumberOrText::Text(text) => parse_bytes(&text).map(Bytes).map_err(de::Error::custom),
        }
    }
}

pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>();
    size.map(|size| size.as_u64()).map_err(|error| format!("{error}: write a size like \"16MiB\""))
}

/// All that a file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Whole {
    pub(super) said: Said,
    /// How often it is looked at for changes; zero: never.
    pub(super) reload_every: Option<Duration>,
    pub(super) rules: Vec<Rule>,
}

/// Where it is, and whether `CACHEKIT_CONFIG` says so.
pub(super) fn path() -> (PathBuf, bool) {
    match std::env::var_os("CACHEKIT_CONFIG").filter(|value| !value.is_empty()) {
        Some(named) => (PathBuf::from(named), true),
        None => (PathBuf::from(NAME), false),
    }
}

/// Its text; `None`: there is no such file, and nobody has named one.
fn text() -> Result<Option<String>, Error> {
    let (path, is_named) = path();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(None),
        Err(error) => Err(Error::configuration(path.display(), error)),
    }
}

/// Says nothing where there is no such file, unless `CACHEKIT_CONFIG` names it.
pub(super) fn read() -> Result<Whole, Vec<Error>> {
    match text().map_err(|error| vec![error])? {
        Some(text) => parse(&text, &path().0.display().to_string()),
        None => Ok(Whole::default()),
    }
}

/// The file as something else; what that is where there is no file.
///
/// # Errors
/// It cannot be read, or has a mistake.
pub fn read_as<T: DeserializeOwned + Default>() -> Result<T, Error> {
    match text()? {
        Some(text) => parse_as(&text, &path().0.display().to_string()),
        None => Ok(T::default()),
    }
}

/// The text of a file as something.
///
/// # Errors
/// It has a mistake.
pub fn parse_as<T: DeserializeOwned>(text: &str, path: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| not_toml(text, path, &error))
}

fn not_toml(text: &str, path: &str, error: &toml::de::Error) -> Error {
    // The whole message shows the line, in which a password may be.
    let place = error.span().map(|span| format!("line {}: ", line(text, &span))).unwrap_or_default();
    Error::configuration(path, format_args!("{place}{}", error.message()))
}

fn line(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
}

/// Everything that the text says, or all mistakes in it.
pub(super) fn parse(text: &str, path: &str) -> Result<Whole, Vec<Error>> {
    let table = DeTable::parse(text).map_err(|error| vec![not_toml(text, path, &error)])?;
    let mut reader = Reader { text, path: path.into(), mistakes: Vec::new() };
    let whole = reader.whole(table.get_ref());
    if reader.mistakes.is_empty() { Ok(whole) } else { Err(reader.mistakes) }
}

struct Reader<'t> {
    text: &'t str,
    path: Arc<str>,
    mistakes: Vec<Error>,
}

const TOP: [&str; 9] =
    ["namespace", "max_value_bytes", "near_outage", "strict", "reload_every", "redis", "file", "defaults", "caches"];

impl Reader<'_> {
    fn at(&self, span: &Range<usize>) -> Origin {
        Origin::Line(self.path.clone(), line(self.text, span))
    }

    fn wrong(&mut self, span: &Range<usize>, message: impl std::fmt::Display) {
        self.mistakes.push(self.at(span).mistake(message));
    }

    /// What the value is, or a mistake is noted.
    fn value<T>(
        &mut self,
        name: &str,
        (span, value): (Range<usize>, &DeValue<'_>),
        parse: impl FnOnce(Raw<'_>) -> Result<T, String>,
    ) -> Option<T> {
        match with_raw(value, parse) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                self.wrong(&span, format_args!("`{name}`: {message}"));
                None
            }
        }
    }

    fn table<'v, 'i>(&mut self, name: &str, span: &Range<usize>, value: &'v DeValue<'i>) -> Option<&'v DeTable<'i>> {
        let table = value.as_table();
        if table.is_none() {
            self.wrong(span, format_args!("`{name}` is a table: write `[{name}]`, and its settings below"));
        }
        table
    }

    fn whole(&mut self, table: &DeTable<'_>) -> Whole {
        let mut whole = Whole::default();
        for (key, value) in table {
            let (name, at) = (key.get_ref().as_ref(), (value.span(), value.get_ref()));
            match name {
                "namespace" => whole.said.namespace = self.value(name, at, |raw| grammar::text(raw).map(str::to_owned)),
                "max_value_bytes" => whole.said.max_value_bytes = self.value(name, at, grammar::bytes),
                "near_outage" => whole.said.near_outage = self.value(name, at, time),
                "strict" => whole.said.strict = self.value(name, at, grammar::truth),
                "reload_every" => whole.reload_every = self.value(name, at, time),
                "redis" => whole.said.redis = self.redis(at),
                "file" => whole.said.file = self.file(at),
                "defaults" => {
                    let rule = self.rule(Pattern::all(), "[defaults]", at);
                    whole.rules.extend(rule);
                }
                "caches" => whole.rules.extend(self.caches(at)),
                // For caches of responses, which read it themselves.
                "http" => {}
                other if is_setting(other) => self.wrong(
                    &key.span(),
                    format_args!("`{other}` is a setting of caches: write it below `[defaults]` or `[caches.\"…\"]`"),
                ),
                other => self.wrong(
                    &key.span(),
                    format_args!("`{other}` is nothing that a cachekit.toml has: {}", or_one_of(other, &TOP)),
                ),
            }
        }
        whole
    }

    fn redis(&mut self, (span, value): (Range<usize>, &DeValue<'_>)) -> Redis {
        let mut redis = Redis::default();
        for (key, value) in self.table("redis", &span, value).into_iter().flatten() {
            let (name, at) = (key.get_ref().as_ref(), (value.span(), value.get_ref()));
            match name {
                "url" => redis.url = self.value(name, at, |raw| grammar::text(raw).map(str::to_owned)),
                "connect_timeout" => redis.connect_timeout = self.value(name, at, time),
                "response_timeout" => redis.response_timeout = self.value(name, at, time),
                other => {
                    let instead = or_one_of(other, &["url", "connect_timeout", "response_timeout"]);
                    self.wrong(&key.span(), format_args!("`{other}` is no setting of `[redis]`: {instead}"));
                }
            }
        }
        redis
    }

    fn file(&mut self, (span, value): (Range<usize>, &DeValue<'_>)) -> File {
        let mut file = File::default();
        for (key, value) in self.table("file", &span, value).into_iter().flatten() {
            let (name, at) = (key.get_ref().as_ref(), (value.span(), value.get_ref()));
            match name {
                "directory" => file.directory = self.value(name, at, |raw| grammar::text(raw).map(PathBuf::from)),
                "max_bytes" => file.max_bytes = self.value(name, at, grammar::bytes),
                "page_cache" => file.page_cache = self.value(name, at, grammar::bytes),
                other => {
                    let instead = or_one_of(other, &["directory", "max_bytes", "page_cache"]);
                    self.wrong(&key.span(), format_args!("`{other}` is no setting of `[file]`: {instead}"));
                }
            }
        }
        file
    }

    fn caches(&mut self, (span, value): (Range<usize>, &DeValue<'_>)) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (key, value) in self.table("caches", &span, value).into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if name.trim().is_empty() {
                self.wrong(
                    &key.span(),
                    "the name of a cache is empty: write it as the registry has it, or `*` for all",
                );
                continue;
            }
            let is_table = value.get_ref().is_table();
            if !is_table && is_setting(name) {
                let message = format!(
                    "`{name}` is a setting, and the name of a cache is missing: write it below `[defaults]` or `[caches.\"…\"]`"
                );
                self.wrong(&key.span(), message);
                continue;
            }
            let place = format!("[caches.\"{name}\"]");
            rules.extend(self.rule(Pattern::new(name), &place, (value.span(), value.get_ref())));
        }
        rules
    }

    fn rule(&mut self, pattern: Pattern, place: &str, (span, value): (Range<usize>, &DeValue<'_>)) -> Option<Rule> {
        let name = place.trim_matches(['[', ']']);
        let mut settings = BTreeMap::new();
        let origin = self.at(&span);
        for (key, value) in self.table(name, &span, value)? {
            let (name, at) = (key.get_ref().as_ref(), (value.span(), value.get_ref()));
            if name == "tiers" {
                self.tiers(place, at, &mut settings);
                continue;
            }
            match grammar::plain().find(|setting| setting.name() == name) {
                Some(setting) => self.setting(setting, at, &mut settings),
                None => self.wrong(&key.span(), grammar::no_setting(name, &format!("`{place}`"))),
            }
        }
        Some(Rule { pattern, settings, origin })
    }

    fn tiers(
        &mut self,
        place: &str,
        (span, value): (Range<usize>, &DeValue<'_>),
        settings: &mut BTreeMap<Setting, Stated>,
    ) {
        for (key, value) in self.table("tiers", &span, value).into_iter().flatten() {
            let name = key.get_ref().as_ref();
            match TIERS.iter().find(|(known, _)| *known == name) {
                Some((_, tier)) => self.setting(Setting::Tier(*tier), (value.span(), value.get_ref()), settings),
                None => {
                    let instead = or_one_of(name, &TIERS.map(|(name, _)| name));
                    let message = format!("`{name}` is no tier, in `tiers` of `{place}`: {instead}");
                    self.wrong(&key.span(), message);
                }
            }
        }
    }

    fn setting(
        &mut self,
        setting: Setting,
        at: (Range<usize>, &DeValue<'_>),
        settings: &mut BTreeMap<Setting, Stated>,
    ) {
        let origin = self.at(&at.0);
        if let Some(what) = self.value(setting.name(), at, |raw| grammar::parse(setting, raw)) {
            settings.insert(setting, Stated { what, origin });
        }
    }
}

fn is_setting(name: &str) -> bool {
    name == "tiers" || grammar::plain().any(|setting| setting.name() == name)
}

fn with_raw<T>(value: &DeValue<'_>, parse: impl FnOnce(Raw<'_>) -> Result<T, String>) -> Result<T, String> {
    match value {
        DeValue::String(text) => parse(Raw::Text(text)),
        DeValue::Boolean(truth) => parse(Raw::Bool(*truth)),
        DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => parse(Raw::Number(number)),
            Err(_) => parse(Raw::Other),
        },
        _ => parse(Raw::Other),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
