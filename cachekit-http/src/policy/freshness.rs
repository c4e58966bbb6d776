//! Freshness and age (RFC 9111 §4.2).

use super::{Policy, status};
use crate::fields::{ResponseDirectives, age, date};
use http::{HeaderMap, StatusCode, header};
use std::time::{Duration, SystemTime};

/// Where a lifetime comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The response says it: a targeted field, `s-maxage`, `max-age` or `Expires`.
    Explicit,
    /// The rule's or handler's ttl.
    Ttl,
    /// The time since the last modification.
    Heuristic,
    /// Nothing: it is stale from the start, and may be validated.
    None,
}

/// On what terms a response is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// How long it is fresh, counted in its age.
    pub lifetime: Duration,
    /// Who said so.
    pub source: Source,
    /// How long past that it may be given while it is asked for anew.
    pub stale_while_revalidate: Duration,
    /// How long past that it may stand in for an error.
    pub stale_if_error: Duration,
    /// How long past that it may stand in for no response at all.
    pub stale_if_disconnected: Duration,
    /// `no-cache`: never without validation.
    pub needs_validation: bool,
    /// Whether it may answer requests with credentials: the response has said something about its use, and not only a rule.
    pub is_for_all: bool,
}

impl Terms {
    /// How long past its lifetime it is of any use; without validators, that is.
    #[must_use]
    pub fn allowance(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error).max(self.stale_if_disconnected)
    }
}

/// The lifetime of a response (RFC 9111 §4.2.1), with our own steps after `Expires`.
///
/// `directives` are those that count, `is_targeted` whether they are of a targeted field, which replaces `Expires` too (RFC 9213 §2.2).
#[must_use]
pub fn lifetime(
    status: StatusCode,
    fields: &HeaderMap,
    directives: &ResponseDirectives,
    is_targeted: bool,
    received: SystemTime,
    policy: &Policy,
) -> (Duration, Source) {
    if let Some(time) = directives.s_maxage.or(directives.max_age) {
        return (time, Source::Explicit);
    }
    let date = date::of(fields, &header::DATE).unwrap_or(received);
    if !is_targeted && fields.contains_key(header::EXPIRES) {
        // Invalid, it is in the past (RFC 9111 §5.3).
        let until = date::of(fields, &header::EXPIRES).and_then(|expires| expires.duration_since(date).ok());
        return (until.unwrap_or_default(), Source::Explicit);
    }
    if let Some(ttl) = policy.ttl.filter(|_| is_of_ttl(status, policy)) {
        return (ttl, Source::Ttl);
    }
    if let Some(heuristic) = policy.heuristic
        && (status::is_heuristically_cacheable(status) || directives.public)
        && let Some(modified) = date::of(fields, &header::LAST_MODIFIED)
        && let Ok(unchanged) = date.duration_since(modified)
    {
        let part = unchanged.checked_mul(heuristic.percent).unwrap_or(Duration::MAX) / 100;
        return (part.min(heuristic.most), Source::Heuristic);
    }
    (Duration::ZERO, Source::None)
}

/// Whether the ttl of the policy, and what it allows past it, is for responses of this status.
#[must_use]
pub fn is_of_ttl(status: StatusCode, policy: &Policy) -> bool {
    match &policy.ttl_statuses {
        Some(statuses) => statuses.contains(&status),
        None => status::is_success(status),
    }
}

/// The age of a response when it was received (RFC 9111 §4.2.3, `corrected_initial_age`).
#[must_use]
pub fn initial_age(fields: &HeaderMap, requested: SystemTime, received: SystemTime) -> Duration {
    let delay = received.duration_since(requested).unwrap_or_default();
    let corrected = age::of(fields).unwrap_or_default().saturating_add(delay);
    let apparent =
        date::of(fields, &header::DATE).and_then(|date| received.duration_since(date).ok()).unwrap_or_default();
    // The date is to the second: what is within it is no age.
    let apparent = if apparent < Duration::from_secs(1) { Duration::ZERO } else { apparent };
    corrected.max(apparent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
    }

    fn fields(lines: &[(&str, &str)]) -> HeaderMap {
        let read = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(read).collect()
    }

    fn of(status: u16, lines: &[(&str, &str)], policy: &Policy) -> (u64, Source) {
        let fields = fields(lines);
        let directives = ResponseDirectives::of(&fields).unwrap_or_default();
        let status = StatusCode::from_u16(status).unwrap();
        let (time, source) = lifetime(status, &fields, &directives, false, at(0), policy);
        (time.as_secs(), source)
    }

    #[test]
    fn the_order_is_that_of_the_rfc() {
        // RFC 9111 §4.2.1.
        let (then, date) = (date::format(at(300)), date::format(at(100)));
        let policy = Policy { ttl: Some(Duration::from_secs(7)), ..Policy::rfc() };
        let cc = |value| ("cache-control", value);
        for (lines, expected) in [
            (vec![cc("max-age=1, s-maxage=2"), ("expires", &then)], (2, Source::Explicit)),
            (vec![cc("max-age=0"), ("expires", &then)], (0, Source::Explicit)),
            (vec![cc("public"), ("expires", &then), ("date", &date)], (200, Source::Explicit)),
            (vec![("expires", &then)], (300, Source::Explicit)),
            (vec![("expires", &then), ("date", "foo")], (300, Source::Explicit)),
            (vec![("expires", "0")], (0, Source::Explicit)),
            (vec![("expires", &then), ("expires", &then)], (0, Source::Explicit)),
            (vec![("expires", &date), ("date", &then)], (0, Source::Explicit)),
            (vec![], (7, Source::Ttl)),
        ] {
            assert_eq!(of(200, &lines, &policy), expected, "{lines:?}");
        }
        assert_eq!(of(404, &[], &policy), (0, Source::None), "a mere ttl is for successes");
        let found = Policy { ttl_statuses: Some(vec![StatusCode::NOT_FOUND]), ..policy };
        assert_eq!(of(404, &[], &found), (7, Source::Ttl));
    }

    #[test]
    fn heuristics_need_a_date_and_a_status() {
        // RFC 9111 §4.2.2, RFC 9110 §15.1.
        let modified = date::format(UNIX_EPOCH + Duration::from_secs(1_000_000_000 - 1000));
        let line = ("last-modified", modified.as_str());
        assert_eq!(of(200, &[line], &Policy::rfc()), (100, Source::Heuristic));
        assert_eq!(of(201, &[line], &Policy::rfc()), (0, Source::None));
        assert_eq!(of(599, &[line, ("cache-control", "public")], &Policy::rfc()), (100, Source::Heuristic));
        assert_eq!(of(200, &[line], &Policy::default()), (0, Source::None), "off by default");
        let day = Policy::rfc().heuristic.unwrap().most.as_secs();
        let old = ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(of(200, &[old], &Policy::rfc()), (day, Source::Heuristic));
    }

    #[test]
    fn the_age_is_the_larger_of_both_kinds() {
        // RFC 9111 §4.2.3.
        let age = |lines: &[(&str, &str)]| initial_age(&fields(lines), at(0), at(2)).as_secs();
        let ten_ago = date::format(UNIX_EPOCH + Duration::from_secs(1_000_000_000 - 8));
        assert_eq!(age(&[]), 2);
        assert_eq!(age(&[("age", "30")]), 32);
        assert_eq!(age(&[("age", "1"), ("date", &ten_ago)]), 10);
        assert_eq!(age(&[("date", &date::format(at(100)))]), 2);
        assert_eq!(age(&[("age", "18446744073709551615")]), u64::MAX);
        assert_eq!(initial_age(&fields(&[]), at(2), at(0)), Duration::ZERO, "a clock that went back");
    }
}
