//! Rules from `cachekit.toml`.

use super::{CacheLayerBuilder, Rule};
use crate::policy::{Overrides, SetCookie};
use cachekit_runtime::{
    Error,
    private::{Bytes, Span, read_as},
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

impl CacheLayerBuilder {
    /// Adds the rules that `cachekit.toml` has for the [name](Self::name) of this cache, after those that it has so far. The file is where
    /// [`configure`](cachekit_runtime::configure) looks for it, and everything in it can be left out:
    ///
    /// ```toml
    /// [[http.pages.rules]]                   # `pages` is the name; the first rule that matches counts
    /// methods = ["GET"]
    /// path = "/users/{id}"
    /// host = "shop.example"
    /// headers = { accept = "text/html" }     # of this value
    /// has_headers = ["x-internal"]           # of any value
    /// statuses = [200]
    /// content_type = "text/"
    /// max_content_length = "16KiB"
    /// bypass = false
    /// ttl = "30s"
    /// ttl_for = [200, 404]
    /// stale_while_revalidate = "5m"
    /// stale_if_error = "1h"
    /// stale_if_disconnected = "1h"
    /// keep_for_validation = "1h"
    /// max_body = "1MiB"
    /// tags = ["users"]
    /// tags_from = ["surrogate-key"]
    /// targeted = ["cdn-cache-control"]
    /// set_cookie = "bypass"                  # or "strip", "store"
    /// sort_query = false
    /// only_query = ["page"]                  # one of these three
    /// without_query = ["utm_source"]
    /// ignore_cookies = ["_ga*"]
    /// overrides = ["ignore-no-store"]        # "ignore-no-cache", "serve-stale-always", "ignore-credentials"
    /// ```
    ///
    /// # Errors
    /// The file has a mistake, or cannot be read; or this cache has no name.
    pub fn configured(self) -> Result<Self, Error> {
        self.configured_by(read_as()?)
    }

    fn configured_by(self, whole: Whole) -> Result<Self, Error> {
        let Some(name) = self.name.clone() else {
            let message =
                "a cache of responses without a name has no rules in `cachekit.toml`: give it one before".to_owned();
            return Err(Error::Configuration { at: "the program".to_owned(), message });
        };
        let rules = whole.http.into_iter().filter(|(of, _)| *of == name).flat_map(|(_, part)| part.rules);
        Ok(rules.fold(self, |builder, rule| builder.rule(rule.into_rule())))
    }
}

/// The rest of the file is for others.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole {
    http: BTreeMap<String, Part>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Part {
    rules: Vec<Written>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Written {
    methods: Vec<Parsed<Method>>,
    path: Option<String>,
    host: Option<String>,
    headers: BTreeMap<Parsed<HeaderName>, Parsed<HeaderValue>>,
    has_headers: Vec<Parsed<HeaderName>>,
    statuses: Vec<Status>,
    content_type: Option<String>,
    max_content_length: Option<Bytes>,
    bypass: bool,
    ttl: Option<Span>,
    ttl_for: Option<Vec<Status>>,
    stale_while_revalidate: Option<Span>,
    stale_if_error: Option<Span>,
    stale_if_disconnected: Option<Span>,
    keep_for_validation: Option<Span>,
    max_body: Option<Bytes>,
    tags: Vec<String>,
    tags_from: Vec<Parsed<HeaderName>>,
    targeted: Vec<Parsed<HeaderName>>,
    set_cookie: Option<Cookies>,
    sort_query: bool,
    only_query: Option<Vec<String>>,
    without_query: Option<Vec<String>>,
    ignore_cookies: Vec<String>,
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cookies {
    Bypass,
    Strip,
    Store,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Override {
    IgnoreNoStore,
    IgnoreNoCache,
    ServeStaleAlways,
    IgnoreCredentials,
}

struct Status(StatusCode);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        StatusCode::from_u16(number).map(Status).map_err(|error| D::Error::custom(format!("{number}: {error}")))
    }
}

/// What is written as a text.
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Parsed).map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
    }
}

impl PartialEq for Parsed<HeaderName> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Parsed<HeaderName> {}

impl PartialOrd for Parsed<HeaderName> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parsed<HeaderName> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl Written {
    fn into_rule(self) -> Rule {
        let mut rule = Rule::new().methods(self.methods.into_iter().map(|method| method.0));
        if let Some(path) = &self.path {
            rule = rule.path(path);
        }
        if let Some(host) = self.host {
            rule = rule.host(host);
        }
        rule = self.headers.into_iter().fold(rule, |rule, (name, value)| rule.header(name.0, value.0));
        rule = self.has_headers.into_iter().fold(rule, |rule, name| rule.has_header(name.0));
        rule = rule.statuses(self.statuses.into_iter().map(|status| status.0));
        if let Some(kind) = self.content_type {
            rule = rule.content_type(kind);
        }
        if let Some(bytes) = self.max_content_length {
            rule = rule.max_content_length(bytes.0);
        }
        if self.bypass {
            rule = rule.bypass();
        }
        for (time, set) in [
            (self.ttl, Rule::ttl as fn(Rule, _) -> Rule),
            (self.stale_while_revalidate, Rule::stale_while_revalidate),
            (self.stale_if_error, Rule::stale_if_error),
            (self.stale_if_disconnected, Rule::stale_if_disconnected),
            (self.keep_for_validation, Rule::keep_for_validation),
        ] {
            if let Some(Span(time)) = time {
                rule = set(rule, time);
            }
        }
        if let Some(statuses) = self.ttl_for {
            rule = rule.ttl_for(statuses.into_iter().map(|status| status.0));
        }
        if let Some(bytes) = self.max_body {
            rule = rule.max_body(usize::try_from(bytes.0).unwrap_or(usize::MAX));
        }
        if !self.tags.is_empty() {
            let tags = self.tags;
            rule = rule.tags(move |_| tags.clone());
        }
        rule = self.tags_from.into_iter().fold(rule, |rule, name| rule.tags_from(name.0));
        rule = self.targeted.into_iter().fold(rule, |rule, name| rule.targeted(name.0));
        rule = match self.set_cookie {
            Some(Cookies::Bypass) | None => rule,
            Some(Cookies::Strip) => rule.set_cookie(SetCookie::Strip),
            Some(Cookies::Store) => rule.set_cookie(SetCookie::Store),
        };
        rule = match (self.only_query, self.without_query) {
            (Some(only), _) => rule.only_query(only),
            (None, Some(without)) => rule.without_query(without),
            (None, None) if self.sort_query => rule.sort_query(),
            (None, None) => rule,
        };
        let overrides = self.overrides.into_iter().fold(Overrides::new(), |overrides, one| match one {
            Override::IgnoreNoStore => overrides.ignore_no_store(),
            Override::IgnoreNoCache => overrides.ignore_no_cache(),
            Override::ServeStaleAlways => overrides.serve_stale_always(),
            Override::IgnoreCredentials => overrides.ignore_credentials(),
        });
        rule.ignore_cookies(self.ignore_cookies).overrides(overrides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cachekit_runtime::private::parse_as;
    use std::time::Duration;

    fn rules(text: &str) -> Result<Vec<Rule>, String> {
        let whole = parse_as(text, "cachekit.toml").map_err(|error| error.to_string())?;
        let builder = CacheLayerBuilder::default().name("pages").configured_by(whole);
        builder.map(|builder| builder.rules).map_err(|error| error.to_string())
    }

    #[test]
    fn a_cache_gets_the_rules_of_its_name_in_their_order() {
        let text = "
            namespace = 'shop'
            [[http.pages.rules]]
            path = '/account/{*rest}'
            bypass = true
            [[http.pages.rules]]
            methods = ['GET']
            host = 'shop.example'
            headers = { Accept = 'text/html' }
            has_headers = ['x']
            statuses = [200]
            content_type = 'text/'
            max_content_length = '16KiB'
            ttl = '30s'
            ttl_for = [200, 404]
            stale_while_revalidate = '5m'
            keep_for_validation = '2h'
            max_body = 100
            tags = ['users']
            tags_from = ['surrogate-key']
            targeted = ['cdn-cache-control']
            set_cookie = 'strip'
            only_query = ['page']
            ignore_cookies = ['_ga*']
            overrides = ['ignore-no-store', 'serve-stale-always']
            [[http.others.rules]]
            ttl = '1h'";
        let read = rules(text).unwrap();
        let [bypass, pages] = &*read else { panic!("two are of this cache") };
        assert!(bypass.is_bypass && !pages.is_bypass);
        let parts = http::Request::get("http://shop.example/?page=1&x").header("accept", "text/html").header("x", "");
        let parts = parts.body(()).unwrap().into_parts().0;
        assert!(pages.matches(&parts, &parts.uri) && !bypass.matches(&parts, &parts.uri));
        assert_eq!(pages.key_of(&parts.uri), "http://shop.example/?page=1");
        assert_eq!((pages.tags_of(&parts), pages.max_body), (vec!["users".to_owned()], 100));
        let policy = &pages.policy;
        assert_eq!((policy.ttl, policy.stale_if_error), (Some(Duration::from_secs(30)), None));
        assert_eq!(policy.keep_for_validation, Duration::from_secs(7200));
        assert!(policy.overrides.ignore_no_store && !policy.overrides.ignore_credentials);
        assert_eq!((policy.set_cookie, policy.targeted.len()), (SetCookie::Strip, 2));
    }

    #[test]
    fn mistakes_name_their_line_and_what_is_wrong() {
        for (rule, expected) in [
            ("ttk = '1s'", "line 2: unknown field `ttk`"),
            ("ttl = '5 parsecs'", "write a time like"),
            ("statuses = [99]", "99: invalid status code"),
            ("has_headers = ['a b']", "`a b`: invalid HTTP header name"),
            ("set_cookie = 'eat'", "unknown variant `eat`"),
        ] {
            let mistake = rules(&format!("[[http.pages.rules]]\n{rule}")).unwrap_err();
            assert!(mistake.contains(expected), "{mistake}");
        }
        assert!(rules("").unwrap().is_empty());
        assert!(CacheLayerBuilder::default().configured_by(Whole::default()).is_err(), "it has no name");
    }
}
