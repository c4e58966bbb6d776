//! Which requests and responses a rule is for.

use super::pattern::PathPattern;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use std::{fmt, sync::Arc};

pub(super) type Test = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

#[derive(Clone, Default)]
pub(super) struct Conditions {
    pub(super) methods: Vec<Method>,
    pub(super) path: Option<PathPattern>,
    pub(super) host: Option<String>,
    pub(super) fields: Vec<(HeaderName, Option<HeaderValue>)>,
    pub(super) test: Option<Test>,
    pub(super) statuses: Vec<StatusCode>,
    pub(super) content_type: Option<String>,
    pub(super) max_content_length: Option<u64>,
}

impl Conditions {
    pub(super) fn matches(&self, parts: &Parts, target: &Uri) -> bool {
        // A HEAD is answered as a GET would be.
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        let has = |(name, value): &(HeaderName, Option<HeaderValue>)| match value {
            Some(value) => parts.headers.get_all(name).iter().any(|known| known == value),
            None => parts.headers.contains_key(name),
        };
        (self.methods.is_empty() || self.methods.contains(method))
            && self.may_match(target)
            && self.fields.iter().all(has)
            && self.test.as_ref().is_none_or(|test| test(parts))
    }

    /// Whether some request for the URI matches.
    pub(super) fn may_match(&self, target: &Uri) -> bool {
        self.path.as_ref().is_none_or(|path| path.matches(target.path()))
            && self.host.as_ref().is_none_or(|host| target.authority().is_some_and(|known| known.as_str() == host))
    }

    /// What it asks for in a request beyond its URI, as a part of the key: those that match it do not share with those that do not. `number` is the one of its
    /// rule, and stands for a test, which says nothing of itself.
    pub(super) fn apart(&self, number: usize) -> Option<String> {
        // Quotes are escaped, so no value can pretend to be another condition.
        let field = |(name, value): &(HeaderName, Option<HeaderValue>)| match value {
            Some(value) => format!("{name}=\"{}\"", value.as_bytes().escape_ascii()),
            None => name.to_string(),
        };
        let mut asked: Vec<String> = self.fields.iter().map(field).collect();
        asked.extend(self.test.as_ref().map(|_| format!("({number})")));
        if asked.is_empty() { None } else { Some(asked.join(", ")) }
    }

    pub(super) fn stores(&self, status: StatusCode, fields: &HeaderMap) -> bool {
        let kind = || fields.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
        let length = || fields.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok();
        (self.statuses.is_empty() || self.statuses.contains(&status))
            && self
                .content_type
                .as_ref()
                .is_none_or(|prefix| kind().is_some_and(|kind| kind.starts_with(prefix.as_bytes())))
            && self.max_content_length.is_none_or(|most| length().is_some_and(|length| length <= most))
    }

    /// Whether it says something of responses.
    pub(super) fn are_of_responses(&self) -> bool {
        !self.statuses.is_empty() || self.content_type.is_some() || self.max_content_length.is_some()
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conditions").field("path", &self.path).field("host", &self.host).finish_non_exhaustive()
    }
}
