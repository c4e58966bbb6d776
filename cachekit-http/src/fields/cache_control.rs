//! `Cache-Control` (RFC 9111 §5.2).
//!
//! Directives that forbid are read leniently, those that allow strictly: a value that is invalid, and a directive that contradicts itself, lead to the
//! shorter freshness (RFC 9111 §4.2.1).

use super::{
    list::{delta_seconds, is_token, members, split, unquote},
    targeted,
};
use http::{HeaderMap, HeaderName, header::CACHE_CONTROL};
use std::time::Duration;

/// A directive that can be said of the whole response or of some of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Not said.
    #[default]
    None,
    /// Of these fields alone.
    Fields(Vec<HeaderName>),
    /// Of the whole response.
    All,
}

impl Scope {
    fn widen(&mut self, argument: Option<&[u8]>) {
        let Some(content) = argument.and_then(unquote) else {
            // Without an argument, or with one that nobody can read, it is meant of everything.
            *self = Scope::All;
            return;
        };
        let names: Option<Vec<HeaderName>> = split(&content, b',')
            .filter(|name| !name.is_empty())
            .map(|name| HeaderName::from_bytes(name).ok())
            .collect();
        match (self, names) {
            (Scope::All, _) => {}
            (Scope::Fields(known), Some(names)) if !names.is_empty() => known.extend(names),
            (scope, Some(names)) if !names.is_empty() => *scope = Scope::Fields(names),
            (scope, _) => *scope = Scope::All,
        }
    }

    /// Whether it is said of the whole response.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Scope::All
    }

    /// The fields that it is said of, if it is said of some alone.
    #[must_use]
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Scope::Fields(fields) => fields,
            _ => &[],
        }
    }
}

/// What a response says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseDirectives {
    /// `max-age`. An invalid value is zero.
    pub max_age: Option<Duration>,
    /// `s-maxage`. An invalid value is zero.
    pub s_maxage: Option<Duration>,
    /// `stale-while-revalidate` (RFC 5861 §3).
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4).
    pub stale_if_error: Option<Duration>,
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, perhaps of some fields.
    pub no_cache: Scope,
    /// `private`, perhaps of some fields.
    pub private: Scope,
    /// `public`.
    pub public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
}

/// What a request says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestDirectives {
    /// `max-age`. An invalid value is zero.
    pub max_age: Option<Duration>,
    /// `max-stale`: any staleness, or at most so much.
    pub max_stale: Option<Option<Duration>>,
    /// `min-fresh`.
    pub min_fresh: Option<Duration>,
    /// `no-cache`.
    pub no_cache: bool,
    /// `no-store`.
    pub no_store: bool,
    /// `only-if-cached`.
    pub only_if_cached: bool,
}

/// A directive's name in lower case, and its argument as it is written.
fn directive(member: &[u8]) -> Option<(String, Option<&[u8]>)> {
    let (name, argument) = match member.iter().position(|byte| *byte == b'=') {
        Some(at) => (&member[..at], Some(&member[at + 1..])),
        None => (member, None),
    };
    // `max-age =60` is invalid, and yet it is a `max-age`: one with an argument that nobody can read.
    let token = name.trim_ascii_end();
    let argument = if token.len() < name.len() { argument.map(|_| &b" "[..]) } else { argument };
    is_token(token).then(|| (String::from_utf8_lossy(token).to_ascii_lowercase(), argument))
}

/// Seconds, also in quotes, which recipients are to accept (RFC 9111 §5.2).
fn seconds(argument: Option<&[u8]>) -> Option<Duration> {
    delta_seconds(&unquote(argument?)?).map(Duration::from_secs)
}

/// Said twice, the shorter counts (RFC 9111 §4.2.1).
fn shorten(known: &mut Option<Duration>, argument: Option<&[u8]>) {
    let found = seconds(argument).unwrap_or_default();
    *known = Some(known.map_or(found, |known| known.min(found)));
}

impl ResponseDirectives {
    /// Those of `Cache-Control`; `None` where there is no such field.
    #[must_use]
    pub fn of(fields: &HeaderMap) -> Option<Self> {
        fields.contains_key(CACHE_CONTROL).then(|| {
            let mut directives = Self::default();
            for (name, argument) in members(fields, &CACHE_CONTROL).filter_map(directive) {
                directives.add(&name, argument);
            }
            directives
        })
    }

    /// Those of a targeted field (RFC 9213): a dictionary, read as a whole or not at all. `None` where the field is absent, invalid or empty.
    #[must_use]
    pub fn targeted(fields: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let members = targeted::dictionary(fields, name)?;
        let mut directives = Self::default();
        for (name, value) in members {
            directives.add_targeted(&name, value)?;
        }
        Some(directives)
    }

    fn add(&mut self, name: &str, argument: Option<&[u8]>) {
        match name {
            "max-age" => shorten(&mut self.max_age, argument),
            "s-maxage" => shorten(&mut self.s_maxage, argument),
            "stale-while-revalidate" => shorten(&mut self.stale_while_revalidate, argument),
            "stale-if-error" => shorten(&mut self.stale_if_error, argument),
            "no-cache" => self.no_cache.widen(argument),
            "private" => self.private.widen(argument),
            _ => self.add_flag(name),
        }
    }

    fn add_flag(&mut self, name: &str) {
        match name {
            "no-store" => self.no_store = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            // RFC 9111 §5.2.3: what is not known is ignored.
            _ => {}
        }
    }

    /// `None`: a value of a type that the directive does not have makes the field invalid (RFC 9213 §2.1).
    fn add_targeted(&mut self, name: &str, value: targeted::Value) -> Option<()> {
        use targeted::Value;
        let place = match name {
            "max-age" => &mut self.max_age,
            "s-maxage" => &mut self.s_maxage,
            "stale-while-revalidate" => &mut self.stale_while_revalidate,
            "stale-if-error" => &mut self.stale_if_error,
            "no-cache" | "private" => {
                let scope = if name == "private" { &mut self.private } else { &mut self.no_cache };
                match value {
                    Value::Flag(true) => *scope = Scope::All,
                    Value::Flag(false) => *scope = Scope::None,
                    Value::Text(names) => scope.widen(Some(format!("\"{names}\"").as_bytes())),
                    Value::Integer(_) | Value::Other => return None,
                }
                return Some(());
            }
            "no-store" | "public" | "must-revalidate" | "proxy-revalidate" | "must-understand" => {
                match value {
                    Value::Flag(true) => self.add_flag(name),
                    Value::Flag(false) => {}
                    _ => return None,
                }
                return Some(());
            }
            _ => return Some(()),
        };
        let Value::Integer(seconds) = value else { return None };
        *place = Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        Some(())
    }
}

impl RequestDirectives {
    /// Those of `Cache-Control`; without one, `Pragma: no-cache` says `no-cache` (RFC 9111 §5.4).
    #[must_use]
    pub fn of(fields: &HeaderMap) -> Self {
        let mut directives = Self::default();
        if !fields.contains_key(CACHE_CONTROL) {
            directives.no_cache =
                members(fields, &http::header::PRAGMA).any(|member| member.eq_ignore_ascii_case(b"no-cache"));
            return directives;
        }
        for (name, argument) in members(fields, &CACHE_CONTROL).filter_map(directive) {
            match name.as_str() {
                "max-age" => shorten(&mut directives.max_age, argument),
                "min-fresh" => directives.min_fresh = directives.min_fresh.max(seconds(argument)),
                "max-stale" if argument.is_none() => directives.max_stale = Some(None),
                "max-stale" => directives.max_stale = Some(seconds(argument).or(Some(Duration::ZERO))),
                "no-cache" => directives.no_cache = true,
                "no-store" => directives.no_store = true,
                "only-if-cached" => directives.only_if_cached = true,
                _ => {}
            }
        }
        directives
    }
}

#[cfg(test)]
mod tests;
