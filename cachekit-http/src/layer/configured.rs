//! Rules from `cachekit.toml`.

use super::{CacheLayerBuilder, Rule, pattern::PathPattern, template::Template};
use crate::{
    fields::authority,
    policy::{Heuristic, Overrides, SetCookie, vary::Normaliser},
};
use cachekit_runtime::{
    Error,
    private::{Bytes, Span, read_as, suggestion},
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
    /// heuristic = { percent = 10, most = "1day" }
    /// tags = ["users", "user:{id}"]          # with parameters of the path
    /// tags_from = ["surrogate-key"]
    /// targeted = ["cdn-cache-control"]
    /// set_cookie = "bypass"                  # or "strip", "store"
    /// key_headers = ["x-tenant"]             # parts of the key
    /// ignore_proxied = false
    /// sort_query = false
    /// only_query = ["page"]                  # one of these three
    /// without_query = []
    /// select_language = true
    /// ignore_cookies = ["_ga*"]
    /// overrides = ["ignore-no-store"]        # "ignore-no-cache", "serve-stale-always", "ignore-credentials"
    ///
    /// [http.pages.rules.normalise]           # "combined", "preferences", "ordered", or the first of a list
    /// accept-language = "ordered"
    /// accept-encoding = ["br", "gzip"]
    /// ```
    ///
    /// The rules are read once, here: what is written later holds from the next start on.
    ///
    /// # Errors
    /// The file has a mistake, or cannot be read; it has rules for a name that this cache may have been meant by, and none for its own; or this cache has no name.
    pub fn configured(self) -> Result<Self, Error> {
        self.configured_by(read_as()?)
    }

    fn configured_by(self, whole: Whole) -> Result<Self, Error> {
        let Some(name) = self.name.clone() else {
            let message =
                "a cache of responses without a name has no rules in `cachekit.toml`: give it one before".to_owned();
            return Err(Error::Configuration { at: "the program".to_owned(), message });
        };
        let mut all = whole.http;
        let Some(part) = all.remove(&name) else {
            return match suggestion(&name, all.keys().map(String::as_str)) {
                Some(other) => {
                    let message = format!(
                        "`[http.{other}]` is for no cache of responses of that name, and there is nothing for `{name}`: write `[http.{name}]`, with `rules = []` if both are meant"
                    );
                    Err(Error::Configuration { at: "cachekit.toml".to_owned(), message })
                }
                None => Ok(self),
            };
        };
        Ok(part.rules.into_iter().fold(self, |builder, Checked(rule)| builder.rule(rule)))
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
    rules: Vec<Checked>,
}

/// A rule as it is written, without a mistake.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Checked(Rule);

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
    heuristic: Option<Freshness>,
    max_body: Option<Bytes>,
    tags: Vec<String>,
    tags_from: Vec<Parsed<HeaderName>>,
    targeted: Vec<Parsed<HeaderName>>,
    set_cookie: Option<Cookies>,
    key_headers: Vec<Parsed<HeaderName>>,
    ignore_proxied: bool,
    sort_query: bool,
    only_query: Option<Vec<String>>,
    without_query: Option<Vec<String>>,
    ignore_cookies: Vec<String>,
    normalise: BTreeMap<Parsed<HeaderName>, Normalised>,
    select_language: bool,
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
#[serde(deny_unknown_fields)]
struct Freshness {
    percent: Option<u32>,
    most: Option<Span>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "write \"combined\", \"preferences\", \"ordered\", or a list whose first accepted member counts"
)]
enum Normalised {
    Named(Manner),
    FirstOf(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Manner {
    Combined,
    Preferences,
    Ordered,
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

impl TryFrom<Written> for Checked {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let pattern = written.path.as_deref().map(PathPattern::new);
        if let (Some(path), Some(false)) = (&written.path, pattern.as_ref().map(PathPattern::is_valid)) {
            return Err(format!(
                "`path`: `{path}` is no pattern: it begins with `/`, a parameter is `{{id}}`, at most one in a segment, and `{{*rest}}` is the last segment alone"
            ));
        }
        let is_host = |host: &&String| authority::normalised(host, "http").is_some() && !host.contains('*');
        if let Some(host) = written.host.as_ref().filter(|host| !is_host(host)) {
            return Err(format!("`host`: `{host}` is no host: write one like `shop.example` or `shop.example:8080`"));
        }
        for Parsed(method) in &written.methods {
            let usual = method.as_str().to_ascii_uppercase();
            if usual != method.as_str() && usual.parse::<Method>().is_ok_and(|usual| is_registered(&usual)) {
                return Err(format!("`methods`: `{method}` is no method that clients use: write `{usual}`"));
            }
            if *method == Method::HEAD {
                return Err("`methods`: a `HEAD` is answered as the `GET` of its URI: write `GET`".to_owned());
            }
        }
        let queries = [written.sort_query, written.only_query.is_some(), written.without_query.is_some()];
        if queries.into_iter().filter(|is_said| *is_said).count() > 1 {
            let message =
                "only one of `sort_query`, `only_query` and `without_query` can hold: the last two sort as well";
            return Err(message.to_owned());
        }
        let tags = written.tags.iter().map(|tag| Template::new(tag, pattern.as_ref()));
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|mistake| format!("`tags`: {mistake}"))?;
        Ok(Checked(written.into_rule(pattern, tags)))
    }
}

/// The methods of RFC 9110 and `PATCH`.
fn is_registered(method: &Method) -> bool {
    use Method as M;
    [M::GET, M::HEAD, M::POST, M::PUT, M::DELETE, M::CONNECT, M::OPTIONS, M::TRACE, M::PATCH].contains(method)
}

impl Written {
    fn into_rule(self, pattern: Option<PathPattern>, tags: Vec<Template>) -> Rule {
        let mut rule = Rule::new().methods(self.methods.into_iter().map(|method| method.0));
        rule.conditions.path.clone_from(&pattern);
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
        if let Some(Freshness { percent, most }) = self.heuristic {
            let usual = Heuristic::default();
            let most = most.map_or(usual.most, |Span(most)| most);
            rule = rule.heuristic(Heuristic { percent: percent.unwrap_or(usual.percent), most });
        }
        if !tags.is_empty() {
            rule = rule.tags(move |parts| tags.iter().map(|tag| tag.of(pattern.as_ref(), parts.uri.path())).collect());
        }
        rule = rule.key_headers(self.key_headers.into_iter().map(|name| name.0));
        if self.ignore_proxied {
            rule = rule.ignore_proxied();
        }
        for (Parsed(name), normalised) in self.normalise {
            rule = rule.normalise(
                name,
                match normalised {
                    Normalised::Named(Manner::Combined) => Normaliser::Combined,
                    Normalised::Named(Manner::Preferences) => Normaliser::Preferences,
                    Normalised::Named(Manner::Ordered) => Normaliser::Ordered,
                    Normalised::FirstOf(offered) => {
                        Normaliser::FirstOf(offered.iter().map(|name| name.to_ascii_lowercase()).collect())
                    }
                },
            );
        }
        if self.select_language {
            rule = rule.select_language();
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
    use crate::policy::vary::Normalisers;
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
            host = 'Shop.example:80'
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
            path = '/{page}'
            heuristic = { percent = 20 }
            key_headers = ['X-Tenant']
            ignore_proxied = true
            select_language = true
            tags = ['users', 'page:{page}']
            tags_from = ['surrogate-key']
            targeted = ['cdn-cache-control']
            set_cookie = 'strip'
            only_query = ['page']
            ignore_cookies = ['_ga*']
            overrides = ['ignore-no-store', 'serve-stale-always']
            normalise = { accept-language = 'ordered', accept-encoding = ['BR', 'gzip'] }
            [[http.others.rules]]
            ttl = '1h'";
        let read = rules(text).unwrap();
        let [bypass, pages] = &*read else { panic!("two are of this cache") };
        let pages = &pages.clone().checked("http");
        assert!(bypass.is_bypass && !pages.is_bypass);
        let parts = http::Request::get("http://shop.example/news?page=1&x")
            .header("accept", "text/html")
            .header("x", "")
            .header("x-forwarded-host", "a")
            .header("x-tenant", "a\"b");
        let parts = parts.body(()).unwrap().into_parts().0;
        assert!(pages.matches(&parts, &parts.uri) && !bypass.matches(&parts, &parts.uri));
        assert_eq!(pages.key_of(&parts.uri), "http://shop.example/news?page=1");
        assert_eq!(pages.key_of_fields(&parts.headers).as_deref(), Some(r#"x-tenant="a\"b""#));
        assert_eq!(bypass.proxied(&parts.headers).as_deref(), Some(r#"x-forwarded-host="a""#));
        assert_eq!(pages.proxied(&parts.headers), None);
        assert_eq!((pages.tags_of(&parts), pages.max_body), (vec!["users".to_owned(), "page:news".to_owned()], 100));
        let mut normalisers = Normalisers::default();
        normalisers.set(http::header::ACCEPT_ENCODING, Normaliser::FirstOf(vec!["br".into(), "gzip".into()]));
        normalisers.set(http::header::ACCEPT_LANGUAGE, Normaliser::Ordered);
        normalisers.select_language(true);
        assert_eq!(pages.normalisers, normalisers);
        let policy = &pages.policy;
        assert_eq!(policy.heuristic, Some(Heuristic { percent: 20, ..Heuristic::default() }));
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
            ("path = 'account/{*rest}'\nbypass = true", "`account/{*rest}` is no pattern: it begins with `/`"),
            ("host = 'shop example'", "`shop example` is no host"),
            ("host = '*.shop.example'\nbypass = true", "`*.shop.example` is no host"),
            ("path = '/account/*'\nbypass = true", "`/account/*` is no pattern"),
            ("path = '/users/:id'", "a parameter is `{id}`"),
            ("methods = ['get']", "write `GET`"),
            ("methods = ['HEAD']", "a `HEAD` is answered as the `GET`"),
            ("sort_query = true\nwithout_query = ['a']", "only one of `sort_query`"),
            ("only_query = []\nwithout_query = ['a']", "only one of `sort_query`"),
            ("path = '/{id}'\ntags = ['user:{name}']", "no `{name}`, but `{id}`"),
            ("normalise = { accept = 'ordred' }", "write \"combined\", \"preferences\""),
            ("heuristic = { percents = 1 }", "unknown field `percents`"),
        ] {
            let mistake = rules(&format!("[[http.pages.rules]]\n{rule}")).unwrap_err();
            assert!(mistake.contains(expected), "{mistake}");
        }
        assert!(rules("").unwrap().is_empty());
        let misspelt = rules("[[http.pagez.rules]]\nbypass = true").unwrap_err();
        assert!(misspelt.contains("`[http.pagez]`") && misspelt.contains("write `[http.pages]`"), "{misspelt}");
        assert!(rules("[http.pages]\nrules = []\n[[http.pagez.rules]]\nbypass = true").unwrap().is_empty());
        assert!(rules("[[http.articles.rules]]\nbypass = true").unwrap().is_empty(), "another cache");
        assert!(CacheLayerBuilder::default().configured_by(Whole::default()).is_err(), "it has no name");
    }
}
