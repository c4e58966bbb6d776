//! `Cache-Status` (RFC 9211): what the cache did with a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;

/// The name of the field.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on to the handler (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// The cache was told not to handle it.
    Bypass,
    /// Its method requires it.
    Method,
    /// Nothing is stored for the URI.
    UriMiss,
    /// Nothing is stored for the fields that the response varies on.
    VaryMiss,
    /// What is stored is stale.
    Stale,
    /// The client asked for it.
    Request,
}

impl Forwarded {
    fn token(self) -> &'static str {
        match self {
            Forwarded::Bypass => "bypass",
            Forwarded::Method => "method",
            Forwarded::UriMiss => "uri-miss",
            Forwarded::VaryMiss => "vary-miss",
            Forwarded::Stale => "stale",
            Forwarded::Request => "request",
        }
    }
}

/// What is said of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStatus {
    /// Why it was forwarded; `None`: it was not, which is a hit.
    pub forwarded: Option<Forwarded>,
    /// The status that came back, where it is not the one that is sent on.
    pub forwarded_status: Option<u16>,
    /// Whether the response was stored.
    pub is_stored: bool,
    /// Whether it waited for another request.
    pub is_collapsed: bool,
    /// Seconds of freshness that are left; negative where it is stale.
    pub ttl: Option<i64>,
    /// A word of ours.
    pub detail: Option<&'static str>,
}

impl CacheStatus {
    /// A hit with so many seconds of freshness left.
    #[must_use]
    pub fn hit(ttl: i64) -> Self {
        CacheStatus { ttl: Some(ttl), ..Self::default() }
    }

    /// Forwarded.
    #[must_use]
    pub fn forwarded(why: Forwarded) -> Self {
        CacheStatus { forwarded: Some(why), ..Self::default() }
    }

    /// The freshness that is left, where there is no more to say than that it is a hit.
    pub(crate) fn of_plain_hit(&self) -> Option<i64> {
        self.ttl.filter(|ttl| *self == CacheStatus::hit(*ttl))
    }

    /// As a member of the field's list; `name` is the cache's.
    #[must_use]
    pub fn member(&self, name: &str) -> String {
        let mut member = identifier(name);
        match self.forwarded {
            None => member.push_str("; hit"),
            Some(why) => {
                let _ = write!(member, "; fwd={}", why.token());
            }
        }
        if let Some(status) = self.forwarded_status {
            let _ = write!(member, "; fwd-status={status}");
        }
        if let Some(ttl) = self.ttl {
            let _ = write!(member, "; ttl={}", ttl.clamp(-999_999_999_999_999, 999_999_999_999_999));
        }
        if self.is_stored {
            member.push_str("; stored");
        }
        if self.is_collapsed {
            member.push_str("; collapsed");
        }
        if let Some(detail) = self.detail {
            let _ = write!(member, "; detail={detail}");
        }
        member
    }

    /// Appends it to what caches before this one have said.
    pub fn append_to(&self, fields: &mut HeaderMap, name: &str) {
        if let Ok(member) = HeaderValue::from_str(&self.member(name)) {
            fields.append(CACHE_STATUS, member);
        }
    }
}

/// A name as a token, else as a string of a structured field, with what neither can carry left out.
fn identifier(name: &str) -> String {
    let is_token = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c));
    if is_token {
        return name.to_owned();
    }
    let mut text = String::from("\"");
    for c in name.chars().filter(|c| (' '..='~').contains(c)) {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_of_the_examples() {
        // RFC 9211 §4.
        assert_eq!(CacheStatus::hit(376).member("ExampleCache"), "ExampleCache; hit; ttl=376");
        let miss = CacheStatus { is_stored: true, ..CacheStatus::forwarded(Forwarded::UriMiss) };
        assert_eq!(miss.member("ExampleCache"), "ExampleCache; fwd=uri-miss; stored");
        let validated = CacheStatus { forwarded_status: Some(304), ..CacheStatus::forwarded(Forwarded::Stale) };
        assert_eq!(validated.member("ExampleCache"), "ExampleCache; fwd=stale; fwd-status=304");
        let joined = CacheStatus { is_collapsed: true, ..CacheStatus::forwarded(Forwarded::UriMiss) };
        assert_eq!(joined.member("ExampleCache"), "ExampleCache; fwd=uri-miss; collapsed");
    }

    #[test]
    fn any_name_is_a_structured_field() {
        assert_eq!(CacheStatus::hit(0).member("my \"cache\"\n"), "\"my \\\"cache\\\"\"; hit; ttl=0");
        for name in ["a", "", "ünï", "1a", "a b", "\\"] {
            let member = CacheStatus::hit(i64::MIN).member(name);
            assert!(sfv::Parser::new(&member).parse::<sfv::List>().is_ok(), "{member}");
        }
    }
}
