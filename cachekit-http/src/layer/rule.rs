//! Rules: what applies to which requests and responses.

use super::{
    conditions::{Conditions, Test},
    pattern::PathPattern,
    query::Query,
    target,
};
use crate::{
    fields::{authority, percent, proxied},
    policy::{
        Heuristic, Overrides, Policy, SetCookie,
        vary::{Normaliser, Normalisers},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use std::{fmt, sync::Arc, time::Duration};

type KeyPart = Arc<dyn Fn(&Parts) -> String + Send + Sync>;
type Identity = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type Tags = Arc<dyn Fn(&Parts) -> Vec<String> + Send + Sync>;

/// Which requests a rule is for, and what it says about them. The first rule that matches counts; conditions on the response decide whether it is stored by
/// this rule or by a later one.
///
/// Where a rule asks for fields of requests, or has a test, the requests for one URI that match it have entries of their own, which a purge of the URI reaches all the same.
///
/// Closures get the request with the URI that paths are compared with: that from before routers took parts of it away.
///
/// ```
/// use cachekit_http::Rule;
/// use std::time::Duration;
///
/// Rule::new().path("/users/{id}").ttl(Duration::from_secs(30)).stale_while_revalidate(Duration::from_secs(300));
/// Rule::new().path("/admin/{*rest}").bypass();
/// ```
#[derive(Clone)]
#[must_use = "a rule does nothing until a layer has it"]
pub struct Rule {
    pub(super) conditions: Conditions,
    pub(super) policy: Policy,
    pub(super) normalisers: Normalisers,
    pub(super) is_bypass: bool,
    pub(super) honours: Option<Test>,
    pub(super) identity: Option<Identity>,
    pub(super) tags: Option<Tags>,
    pub(super) tag_fields: Vec<HeaderName>,
    pub(super) key_part: Option<KeyPart>,
    pub(super) key_fields: Vec<HeaderName>,
    pub(super) ignores_proxied: bool,
    pub(super) query: Query,
    /// Of a URI the key has the path alone.
    pub(super) is_of_paths: bool,
    pub(super) ignored_cookies: Vec<String>,
    pub(super) max_body: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Rule::new()
    }
}

impl Rule {
    /// A rule for everything, with the safe defaults of [`Policy`]: responses are stored as they say, up to 1 MiB.
    pub fn new() -> Self {
        Rule {
            conditions: Conditions::default(),
            policy: Policy::default(),
            normalisers: Normalisers::default(),
            is_bypass: false,
            honours: None,
            identity: None,
            tags: None,
            tag_fields: Vec::new(),
            key_part: None,
            key_fields: Vec::new(),
            ignores_proxied: false,
            query: Query::default(),
            is_of_paths: false,
            ignored_cookies: Vec::new(),
            max_body: 1 << 20,
        }
    }

    /// A rule for everything, with all that RFC 9111 lets a shared cache do ([`Policy::rfc`]): for proxies in front of servers that know of caches.
    pub fn rfc() -> Self {
        let mut rule = Rule { policy: Policy::rfc(), ..Rule::new() };
        rule.normalisers.select_language(true);
        rule
    }

    /// For these methods alone.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.conditions.methods.extend(methods);
        self
    }

    /// For paths of this pattern: `/users/{id}`, `/users/{id}.json`, `/files/{*rest}`. As in routers, `{…}` and `{*…}` stand for something that is not empty:
    /// `/files/{*rest}` is not for `/files` and `/files/`, which a rule that is to protect them has to name too. A segment has at most one `{…}`, and `{*…}` is the last one
    /// alone. Any other pattern is an error in the log, and its rule for no path at all; one that is a [`bypass`](Self::bypass) is for every path, so that nothing is stored that was not to be.
    pub fn path(mut self, pattern: &str) -> Self {
        self.conditions.path = Some(PathPattern::new(pattern));
        self
    }

    /// For this host alone, with its port unless that is the default of the scheme: `shop.example`, `shop.example:8080`. What is no host is an error in the log, as with
    /// [`path`](Self::path).
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.conditions.host = Some(host.into());
        self
    }

    /// For requests with this field.
    pub fn has_header(mut self, name: HeaderName) -> Self {
        self.conditions.fields.push((name, None));
        self
    }

    /// For requests with this field of this value.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.conditions.fields.push((name, Some(value)));
        self
    }

    /// For requests that pass this test.
    pub fn request_if(mut self, test: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.conditions.test = Some(Arc::new(test));
        self
    }

    /// Stores responses of these statuses alone.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.conditions.statuses.extend(statuses);
        self
    }

    /// Stores responses whose `Content-Type` begins with this alone.
    pub fn content_type(mut self, prefix: impl Into<String>) -> Self {
        self.conditions.content_type = Some(prefix.into().to_ascii_lowercase());
        self
    }

    /// Stores responses whose `Content-Length` is at most so many bytes alone; those that do not say their length are not.
    pub fn max_content_length(mut self, bytes: u64) -> Self {
        self.conditions.max_content_length = Some(bytes);
        self
    }

    /// How long responses without freshness of their own are fresh. What says `no-store` or `private` is not stored for it, and neither are responses to requests with
    /// `Authorization` or `Cookie`.
    ///
    /// It says that a response is the same for everybody: a handler that tells users apart by anything else, a field with a key or the certificate of a client, has to say
    /// `private`, or its rule has to be [`private`](Self::private) or a [`bypass`](Self::bypass).
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.policy.ttl = Some(ttl);
        self
    }

    /// The statuses that [`ttl`](Self::ttl) is for. Default: successes and permanent redirects.
    pub fn ttl_for(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.policy.ttl_statuses = Some(statuses.into_iter().collect());
        self
    }

    /// How long past its freshness a response is given while it is asked for anew, unless it says so itself. For responses that are fresh at first and of the statuses of
    /// the [`ttl`](Self::ttl), as are the next two.
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.policy.stale_while_revalidate = Some(time);
        self
    }

    /// How long past its freshness a response stands in for a 500, 502, 503 or 504, unless it says so itself.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.policy.stale_if_error = Some(time);
        self
    }

    /// How long past its freshness a response stands in where the handler gives none at all, or fails.
    pub fn stale_if_disconnected(mut self, time: Duration) -> Self {
        self.policy.stale_if_disconnected = Some(time);
        self
    }

    /// Freshness by the time since the last modification, for responses that say nothing else.
    pub fn heuristic(mut self, heuristic: Heuristic) -> Self {
        self.policy.heuristic = Some(heuristic);
        self
    }

    /// How long a stale response with a validator is kept, so that a 304 can freshen it. Default: one hour.
    pub fn keep_for_validation(mut self, time: Duration) -> Self {
        self.policy.keep_for_validation = time;
        self
    }

    /// Takes these cookies out of requests, so that nothing depends on them and a request with no others is like one without `Cookie`: those of scripts that measure visits, for
    /// instance. A name that ends with `*` stands for all that begin so. The handler does not get them, unless the request goes past the cache.
    pub fn ignore_cookies<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.ignored_cookies.extend(names.into_iter().map(Into::into));
        self
    }

    /// What is done with responses that set cookies. Default: they are not stored.
    pub fn set_cookie(mut self, set_cookie: SetCookie) -> Self {
        self.policy.set_cookie = set_cookie;
        self
    }

    /// Honours this targeted field too, after those before it: `CDN-Cache-Control` for instance. It is sent on.
    pub fn targeted(mut self, field: HeaderName) -> Self {
        self.policy.targeted.push(field);
        self
    }

    /// What responses say and is not honoured, by its name.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.policy.overrides = overrides;
        self
    }

    /// How a request field is written for comparison, where a response varies on it.
    pub fn normalise(mut self, field: HeaderName, normaliser: Normaliser) -> Self {
        self.normalisers.set(field, normaliser);
        self
    }

    /// Lets a response in the language that a client prefers to all others answer, see [`Normalisers::select_language`].
    pub fn select_language(mut self) -> Self {
        self.normalisers.select_language(true);
        self
    }

    /// Neither looks nor stores. With conditions on responses: does not store those.
    pub fn bypass(mut self) -> Self {
        self.is_bypass = true;
        self
    }

    /// Honours the directives of the requests that pass this test: `no-cache`, `max-age`, `only-if-cached` and so on. By default they are not, since they
    /// are a free way to cause misses.
    pub fn honour_if(mut self, test: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.honours = Some(Arc::new(test));
        self
    }

    /// Makes it a private cache: each identity has entries of its own, in which `private` responses and those to requests with credentials are too. A request
    /// without an identity goes past the cache.
    pub fn private(mut self, identity: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.identity = Some(Arc::new(identity));
        self.policy.is_private = true;
        self
    }

    /// Tags of the responses, to purge them by; `#[invalidate(tags = …)]` and `cachekit::invalidate_tag` reach them too. At most 14.
    pub fn tags(mut self, tags: impl Fn(&Parts) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.tags = Some(Arc::new(tags));
        self
    }

    /// Tags that responses name themselves in this field, separated by white space or commas: `Surrogate-Key` or `Cache-Tag`, for instance. It is sent on. With those of
    /// [`tags`](Self::tags) at most 14.
    ///
    /// They are known when the response comes, and nobody could tell what was purged before that. So with [`backends`](super::CacheLayerBuilder::backends) a response that names other tags than
    /// the last one of its URI is not stored, and the next one is; without, it is not where any tag was invalidated between the question and the response.
    pub fn tags_from(mut self, field: HeaderName) -> Self {
        self.tag_fields.push(field);
        self
    }

    /// A part of the key beside the URI: what a handler depends on and says in no `Vary`, such as the tenant that a layer outside of the cache has found out. Purges of the URI
    /// reach all of them.
    pub fn key_with(mut self, part: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        self.key_part = Some(Arc::new(part));
        self
    }

    /// These fields of requests are parts of the key: those that a handler depends on and its responses do not name in `Vary`. Purges of the URI reach all of them.
    pub fn key_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.key_fields.extend(names);
        self
    }

    /// What proxies say that was asked for, in `X-Forwarded-Host`, `X-Original-URL` and the like, does not belong to the key: handlers read none of it. By default it does,
    /// since whoever sends such a field could put a page with links of their own into the cache.
    pub fn ignore_proxied(mut self) -> Self {
        self.ignores_proxied = true;
        self
    }

    /// The order of the query's parameters does not belong to the key.
    pub fn sort_query(mut self) -> Self {
        self.query = Query::Sorted;
        self
    }

    /// Only these parameters of the query belong to the key, sorted. For handlers that read no others.
    pub fn only_query<S: Into<String>>(mut self, parameters: impl IntoIterator<Item = S>) -> Self {
        self.query = Query::Only(parameters.into_iter().map(Into::into).collect());
        self
    }

    /// These parameters of the query do not belong to the key, the others sorted. For handlers that do not read them.
    pub fn without_query<S: Into<String>>(mut self, parameters: impl IntoIterator<Item = S>) -> Self {
        self.query = Query::Without(parameters.into_iter().map(Into::into).collect());
        self
    }

    /// Of a URI the path alone is what responses are purged by: what is made by a handler depends on what that takes, and neither on hosts nor on the rest of a query.
    #[cfg(feature = "axum")]
    pub(super) fn of_paths(mut self) -> Self {
        self.is_of_paths = true;
        self
    }

    /// The longest body that is stored, in bytes. Longer ones pass. Default: 1 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Its host as targets have it. A condition that nothing can fulfil is none where the rule keeps requests out.
    pub(super) fn checked(mut self, scheme: &str) -> Self {
        if let Some(host) = self.conditions.host.take() {
            self.conditions.host = match authority::normalised(&host, scheme) {
                Some(host) => Some(host),
                None => {
                    tracing::error!(host, "no host: the rule is for no request, and for every one if it is a bypass");
                    Some(host).filter(|_| !self.is_bypass)
                }
            };
        }
        if self.is_bypass && self.conditions.path.as_ref().is_some_and(|path| !path.is_valid()) {
            self.conditions.path = None;
        }
        self
    }

    /// Whether it is for a request.
    pub(super) fn matches(&self, parts: &Parts, target: &Uri) -> bool {
        self.conditions.matches(parts, target)
    }

    /// Whether it stores such a response.
    pub(super) fn stores(&self, status: StatusCode, fields: &HeaderMap) -> bool {
        self.conditions.stores(status, fields)
    }

    /// Whether it may say how a request is looked for. What it does not want to store is known later.
    pub(super) fn may_be_first(&self) -> bool {
        !(self.is_bypass && self.conditions.are_of_responses())
    }

    /// The URI as a part of the key.
    pub(super) fn key_of(&self, target: &Uri) -> String {
        if self.is_of_paths {
            return percent::canonical(target.path()).into_owned();
        }
        self.key_of_text(target::text(target))
    }

    /// As [`key_of`](Self::key_of), from the text of the URI.
    pub(super) fn key_of_text(&self, text: String) -> String {
        let Some((front, query)) = text.split_once('?').filter(|_| self.query != Query::Exact) else { return text };
        let kept = self.query.of(query);
        if kept.is_empty() { front.to_owned() } else { format!("{front}?{kept}") }
    }

    /// Whether anything beyond its conditions asks for more of a request than its URI.
    pub(super) fn looks_at_requests(&self) -> bool {
        self.identity.is_some() || self.key_part.is_some() || self.honours.is_some()
    }

    /// The fields of a request that are parts of its key, as text.
    pub(super) fn key_of_fields(&self, request: &HeaderMap) -> Option<String> {
        // Quotes are escaped, so no value can pretend to be another field.
        let values = |name: &HeaderName| {
            let all = request.get_all(name).iter();
            all.map(|value| format!("\"{}\"", value.as_bytes().escape_ascii())).collect::<Vec<_>>().join(",")
        };
        let fields = self.key_fields.iter().map(|name| format!("{name}={}", values(name)));
        (!self.key_fields.is_empty()).then(|| fields.collect::<Vec<_>>().join(";"))
    }

    /// What proxies say that was asked for, where that is a part of the key.
    pub(super) fn proxied(&self, request: &HeaderMap) -> Option<String> {
        if self.ignores_proxied { None } else { proxied(request) }
    }

    /// Whether the user's code is run to begin a request.
    pub(super) fn runs_code(&self) -> bool {
        self.looks_at_requests() || self.conditions.test.is_some()
    }

    /// The tags of responses to a request.
    pub(super) fn tags_of(&self, parts: &Parts) -> Vec<String> {
        self.tags.as_ref().map(|tags| tags(parts)).unwrap_or_default()
    }

    /// Whether responses name tags.
    pub(super) fn names_tags(&self) -> bool {
        !self.tag_fields.is_empty()
    }

    /// The tags that a response names, in the order of their names.
    pub(super) fn tags_named(&self, response: &HeaderMap) -> Vec<String> {
        let values = self.tag_fields.iter().flat_map(|name| response.get_all(name));
        let texts = values.filter_map(|value| value.to_str().ok());
        let tags = texts.flat_map(|text| text.split([' ', '\t', ','])).filter(|tag| !tag.is_empty());
        let mut tags: Vec<String> = tags.map(str::to_owned).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Takes the cookies out that do not matter.
    pub(super) fn strip_cookies(&self, fields: &mut HeaderMap) {
        if self.ignored_cookies.is_empty() || !fields.contains_key(header::COOKIE) {
            return;
        }
        let is_ignored = |pair: &[u8]| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            self.ignored_cookies.iter().any(|ignored| match ignored.strip_suffix('*') {
                Some(begin) => name.starts_with(begin.as_bytes()),
                None => name == ignored.as_bytes(),
            })
        };
        let lines: Vec<HeaderValue> = fields.get_all(header::COOKIE).iter().cloned().collect();
        fields.remove(header::COOKIE);
        for line in lines {
            let pairs = line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let kept: Vec<&[u8]> = pairs.filter(|pair| !pair.is_empty() && !is_ignored(pair)).collect();
            if !kept.is_empty()
                && let Ok(kept) = HeaderValue::from_bytes(&kept.join(&b"; "[..]))
            {
                fields.append(header::COOKIE, kept);
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("conditions", &self.conditions)
            .field("policy", &self.policy)
            .field("is_bypass", &self.is_bypass)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn matches(rule: &Rule, request: http::request::Builder) -> bool {
        let parts = request.body(()).unwrap().into_parts().0;
        rule.matches(&parts, &parts.uri)
    }

    #[test]
    fn all_conditions_have_to_hold() {
        let rule = Rule::new()
            .methods([Method::GET])
            .path("/users/{id}")
            .host("A.example")
            .header(HeaderName::from_static("x"), HeaderValue::from_static("1"))
            .has_header(HeaderName::from_static("y"))
            .request_if(|parts| parts.uri.query().is_none())
            .checked("http");
        let uri = "http://a.example/users/7";
        assert!(matches(&rule, Request::get(uri).header("x", "1").header("y", "2")));
        assert!(matches(&rule, Request::head(uri).header("x", "1").header("y", "2")));
        for other in [
            Request::post(uri).header("x", "1").header("y", "2"),
            Request::get(uri).header("x", "2").header("y", "2"),
            Request::get(uri).header("x", "1"),
            Request::get("http://b.example/users/7").header("x", "1").header("y", "2"),
            Request::get("http://a.example/users/7/8").header("x", "1").header("y", "2"),
            Request::get("http://a.example/users/7?a").header("x", "1").header("y", "2"),
        ] {
            assert!(!matches(&rule, other));
        }
    }

    #[test]
    fn the_query_is_exact_unless_said_otherwise() {
        let target = Uri::from_static("http://a/x?b=2&a=1&b=1&utm=3");
        assert_eq!(Rule::new().key_of(&target), "http://a/x?b=2&a=1&b=1&utm=3");
        assert_eq!(Rule::new().sort_query().key_of(&target), "http://a/x?a=1&b=2&b=1&utm=3");
        assert_eq!(Rule::new().only_query(["a"]).key_of(&target), "http://a/x?a=1");
        assert_eq!(Rule::new().only_query(["c"]).key_of(&target), "http://a/x");
        assert_eq!(Rule::new().without_query(["utm"]).key_of(&target), "http://a/x?a=1&b=2&b=1");
    }
}
