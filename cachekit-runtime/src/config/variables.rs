//! What variables say that have units or are about caches (feature `config`).

use super::{
    grammar::{self, Origin, Raw, Stated, time},
    rules::{Pattern, Rule},
    said::Said,
    suggest::suggestion,
};
use crate::{Error, cache::Setting};
use std::{collections::BTreeMap, ffi::OsString, time::Duration};

/// All that there are beside those of caches.
pub(super) const KNOWN: [&str; 13] = [
    "CACHEKIT_CONFIG",
    "CACHEKIT_DISABLED",
    "CACHEKIT_NAMESPACE",
    "CACHEKIT_MAX_VALUE_BYTES",
    "CACHEKIT_NEAR_OUTAGE",
    "CACHEKIT_STRICT",
    "CACHEKIT_RELOAD_EVERY",
    "CACHEKIT_REDIS_URL",
    "CACHEKIT_REDIS_CONNECT_TIMEOUT",
    "CACHEKIT_REDIS_RESPONSE_TIMEOUT",
    "CACHEKIT_DIR",
    "CACHEKIT_FILE_MAX_BYTES",
    "CACHEKIT_FILE_PAGE_CACHE",
];

const DEFAULTS: &str = "CACHEKIT_DEFAULTS_";
const CACHE: &str = "CACHEKIT_CACHE_";

#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Without what [`environment`](super::environment) reads.
    pub(super) said: Said,
    pub(super) reload_every: Option<Duration>,
    pub(super) rules: Vec<Rule>,
}

pub(super) fn read() -> Result<Variables, Vec<Error>> {
    read_from(std::env::vars_os())
}

/// A setting as it ends the name of a variable.
pub(super) fn ending(setting: Setting) -> String {
    setting.name().to_uppercase().replace('.', "_")
}

pub(super) fn read_from(all: impl Iterator<Item = (OsString, OsString)>) -> Result<Variables, Vec<Error>> {
    let (mut variables, mut mistakes) = (Variables::default(), Vec::new());
    let mut rules: BTreeMap<Option<String>, Rule> = BTreeMap::new();
    // In an order of its own, so that mistakes come in one.
    let all: BTreeMap<OsString, OsString> = all.filter(|(_, value)| !value.is_empty()).collect();
    for (name, value) in all {
        let Some(name) = name.to_str().filter(|name| name.starts_with("CACHEKIT_")) else { continue };
        let said = match value.to_str() {
            Some(value) => read_one(name, value, &mut variables, &mut rules),
            None if name == "CACHEKIT_DIR" || name == "CACHEKIT_CONFIG" => Ok(()),
            None if is_known(name) => Err("it is no UTF-8".to_owned()),
            None => Ok(()),
        };
        mistakes.extend(said.err().map(|message| Error::configuration(name, message)));
    }
    variables.rules = rules.into_values().collect();
    if mistakes.is_empty() { Ok(variables) } else { Err(mistakes) }
}

fn short(name: &str) -> &str {
    name.strip_prefix("CACHEKIT_").unwrap_or(name)
}

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name.starts_with(DEFAULTS) || name.starts_with(CACHE)
}

fn read_one(
    name: &str,
    value: &str,
    variables: &mut Variables,
    rules: &mut BTreeMap<Option<String>, Rule>,
) -> Result<(), String> {
    let raw = Raw::Loose(value);
    match name {
        "CACHEKIT_NEAR_OUTAGE" => variables.said.near_outage = Some(time(raw)?),
        "CACHEKIT_STRICT" => variables.said.strict = Some(grammar::truth(raw)?),
        "CACHEKIT_RELOAD_EVERY" => variables.reload_every = Some(time(raw)?),
        "CACHEKIT_REDIS_CONNECT_TIMEOUT" => variables.said.redis.connect_timeout = Some(time(raw)?),
        "CACHEKIT_REDIS_RESPONSE_TIMEOUT" => variables.said.redis.response_timeout = Some(time(raw)?),
        "CACHEKIT_FILE_MAX_BYTES" => variables.said.file.max_bytes = Some(grammar::bytes(raw)?),
        "CACHEKIT_FILE_PAGE_CACHE" => variables.said.file.page_cache = Some(grammar::bytes(raw)?),
        _ => {
            if let Some(written) = name.strip_prefix(DEFAULTS) {
                let setting = Setting::ALL.into_iter().find(|setting| ending(*setting) == written);
                return state(setting.ok_or_else(|| no_ending(name, written))?, None, name, raw, rules);
            }
            if let Some(written) = name.strip_prefix(CACHE) {
                if let Some(setting) = Setting::ALL.into_iter().find(|setting| ending(*setting) == written) {
                    return Err(no_cache(setting));
                }
                let ends = |setting: &Setting| written.ends_with(&format!("_{}", ending(*setting)));
                // The longest: a cache may be called like a part of one.
                let setting = Setting::ALL.into_iter().filter(ends).max_by_key(|setting| ending(*setting).len());
                let setting = setting.ok_or_else(|| no_ending(name, written))?;
                let cache = written.strip_suffix(&format!("_{}", ending(setting))).unwrap_or_default();
                if cache.is_empty() {
                    return Err(no_cache(setting));
                }
                return state(setting, Some(cache), name, raw, rules);
            }
            // Others may have variables that begin so.
            if let Some(meant) = suggestion(short(name), KNOWN.into_iter().map(short))
                && !KNOWN.contains(&name)
            {
                return Err(format!("there is no such variable: did you mean `CACHEKIT_{meant}`?"));
            }
        }
    }
    Ok(())
}

fn no_cache(setting: Setting) -> String {
    format!("it names no cache: for all of them write `{DEFAULTS}{}`", ending(setting))
}

fn state(
    setting: Setting,
    cache: Option<&str>,
    name: &str,
    raw: Raw<'_>,
    rules: &mut BTreeMap<Option<String>, Rule>,
) -> Result<(), String> {
    let what = grammar::parse(setting, raw)?;
    let origin = Origin::Variable(name.into());
    let pattern = cache.map_or_else(Pattern::all, Pattern::of_variable);
    let rule = rules.entry(cache.map(str::to_owned)).or_insert_with(|| Rule {
        pattern,
        settings: BTreeMap::new(),
        origin: origin.clone(),
    });
    rule.settings.insert(setting, Stated { what, origin });
    Ok(())
}

/// Of a variable of caches that ends in no setting.
fn no_ending(name: &str, written: &str) -> String {
    let endings: Vec<String> = Setting::ALL.into_iter().map(ending).collect();
    // What is wrong may have as many words as any.
    let tails = written.match_indices('_').map(|(at, _)| at + 1).chain([0]);
    let near = tails.filter_map(|at| {
        let tail = written.get(at..)?;
        suggestion(tail, endings.iter().map(String::as_str)).map(|meant| (tail.len(), tail, meant))
    });
    // With as many words as it stands for.
    let near = near.filter(|(_, tail, meant)| tail.matches('_').count() == meant.matches('_').count());
    match near.max() {
        Some((_, tail, meant)) => {
            let whole = name.strip_suffix(tail).unwrap_or_default();
            format!("it ends in no setting: did you mean `{whole}{meant}`?")
        }
        None => format!("it ends in no setting: end it in one of `{}`", endings.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::counting;

    fn read(variables: &[(&str, &str)]) -> Result<Variables, Vec<String>> {
        let all = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        read_from(all).map_err(|mistakes| mistakes.iter().map(Error::to_string).collect())
    }

    #[test]
    fn a_variable_is_about_all_caches_or_one() {
        let variables = read(&[
            ("CACHEKIT_DEFAULTS_STALE_IF_ERROR", "5s"),
            ("CACHEKIT_CACHE_APP__USER_TTL", "1m"),
            ("CACHEKIT_CACHE_APP__USER_TIERS_FILE", "/elsewhere"),
            ("CACHEKIT_CACHE_MY_IDLE_TTL", "2m"),
            ("CACHEKIT_NEAR_OUTAGE", "3s"),
            ("CACHEKIT_FILE_MAX_BYTES", "1GiB"),
            ("CACHEKIT_TESTS_CHILD", "of somebody else"),
            ("CACHEKIT_CACHE_EMPTY_TTL", ""),
        ]);
        let variables = variables.unwrap();
        assert_eq!(variables.said.near_outage, Some(Duration::from_secs(3)));
        assert_eq!(variables.said.file.max_bytes, Some(1 << 30));
        let of = |name: &str| counting(&variables.rules, name).into_keys().collect::<Vec<_>>();
        assert_eq!(of("app::user"), [Setting::Ttl, Setting::StaleIfError, Setting::Tier(crate::outcome::Tier::File)]);
        assert_eq!(of("my-idle#2"), [Setting::Ttl, Setting::StaleIfError]);
        assert_eq!(of("empty"), [Setting::StaleIfError]);
    }

    #[test]
    fn a_mistake_names_the_variable_and_what_to_write() {
        for (name, value, expected) in [
            ("CACHEKIT_DEFAULTS_TLL", "5s", "did you mean `CACHEKIT_DEFAULTS_TTL`?"),
            ("CACHEKIT_CACHE_USER_CAPCITY", "5", "did you mean `CACHEKIT_CACHE_USER_CAPACITY`?"),
            ("CACHEKIT_CACHE_USER_STALE_WHILE_REVALIDAT", "5s", "`CACHEKIT_CACHE_USER_STALE_WHILE_REVALIDATE`?"),
            ("CACHEKIT_CACHE_TTL", "5s", "write `CACHEKIT_DEFAULTS_TTL`"),
            ("CACHEKIT_CACHE__TTL", "5s", "write `CACHEKIT_DEFAULTS_TTL`"),
            ("CACHEKIT_CACHE_USER_COLOUR", "red", "end it in one of `TTL`"),
            ("CACHEKIT_REDIS_ULR", "redis://:secret@h", "did you mean `CACHEKIT_REDIS_URL`?"),
            ("CACHEKIT_DEFAULTS_TTL", "5", "write a time like"),
            ("CACHEKIT_DEFAULTS_ENABLED", "maybe", "write `true` or `false`"),
            ("CACHEKIT_STRICT", "perhaps", "write `true` or `false`"),
        ] {
            let mistakes = read(&[(name, value)]).unwrap_err();
            let [mistake] = &mistakes[..] else { panic!("{mistakes:?}") };
            assert!(mistake.starts_with(name) && mistake.contains(expected), "{mistake}");
            assert!(!mistake.contains("secret"), "{mistake}");
        }
    }
}
