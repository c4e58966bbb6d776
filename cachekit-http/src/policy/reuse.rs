//! Does a stored response answer a request now (RFC 9111 §4)?

use super::{Head, storage};
use crate::fields::RequestDirectives;
use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// What may be done with a stored response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It is the answer.
    Fresh,
    /// It is the answer, while it is asked for anew (RFC 5861 §3).
    WhileRevalidating,
    /// It is the answer although it is stale: the client has said so.
    Stale,
    /// It has to be validated first.
    Validate,
}

/// Whether a stored response may answer a request with these fields at all: what is stored by a mere rule says nothing to those who tell who they are.
#[must_use]
pub fn is_for(head: &Head, request: &HeaderMap) -> bool {
    head.terms.is_for_all || !storage::has_credentials(request)
}

/// What kind of failure a stored response would stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The handler answered with an error.
    Error,
    /// It gave no answer.
    Disconnected,
}

/// Whether a stored response answers now. `request` are the client's directives, where they are honoured.
#[must_use]
pub fn decide(head: &Head, now: SystemTime, request: Option<&RequestDirectives>) -> Reuse {
    let (terms, fresh_for) = (&head.terms, head.fresh_for(now));
    if terms.needs_validation || request.is_some_and(|request| wants_another(head, now, request)) {
        return Reuse::Validate;
    }
    if fresh_for > Duration::ZERO {
        return Reuse::Fresh;
    }
    let stale_for = head.stale_for(now);
    if stale_for < terms.stale_while_revalidate {
        return Reuse::WhileRevalidating;
    }
    // What allows no staleness for anybody allows none for a client.
    let allowed = request.filter(|_| !terms.allowance().is_zero()).and_then(|request| request.max_stale);
    match allowed {
        Some(None) => Reuse::Stale,
        Some(Some(most)) if stale_for <= most => Reuse::Stale,
        _ => Reuse::Validate,
    }
}

/// RFC 9111 §5.2.1: `no-cache`, `max-age`, `min-fresh`.
fn wants_another(head: &Head, now: SystemTime, request: &RequestDirectives) -> bool {
    request.no_cache
        || request.max_age.is_some_and(|most| head.age(now) > most && request.max_stale.is_none())
        || request.min_fresh.is_some_and(|least| head.fresh_for(now) < least)
}

/// Whether a stored response may stand in for a failure (RFC 5861 §4, RFC 9111 §4.2.4).
#[must_use]
pub fn stands_in(head: &Head, now: SystemTime, failure: Failure) -> bool {
    let allowance = match failure {
        Failure::Error => head.terms.stale_if_error,
        Failure::Disconnected => head.terms.stale_if_disconnected,
    };
    !head.terms.needs_validation && (head.fresh_for(now) > Duration::ZERO || head.stale_for(now) < allowance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Source, Terms, vary::Selection};
    use http::{HeaderValue, StatusCode};
    use std::time::UNIX_EPOCH;

    const NOW: SystemTime = UNIX_EPOCH;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Fresh for 10 s, 5 s more while it is revalidated, 60 s for an error.
    fn aged(age: u64) -> Head {
        Head {
            status: StatusCode::OK,
            fields: HeaderMap::new(),
            unvalidated: Vec::new(),
            terms: Terms {
                lifetime: seconds(10),
                source: Source::Explicit,
                stale_while_revalidate: seconds(5),
                stale_if_error: seconds(60),
                stale_if_disconnected: seconds(90),
                needs_validation: false,
                is_for_all: true,
            },
            requested: NOW,
            received: NOW,
            initial_age: seconds(age),
            selection: Selection::default(),
        }
    }

    fn request(line: &'static str) -> RequestDirectives {
        let line = HeaderValue::from_static(line);
        RequestDirectives::of(&[(http::header::CACHE_CONTROL, line)].into_iter().collect())
    }

    #[test]
    fn freshness_ends_at_the_lifetime_and_staleness_at_the_allowance() {
        // RFC 9111 §4.2, RFC 5861 §3.
        for (age, expected) in [
            (0, Reuse::Fresh),
            (9, Reuse::Fresh),
            (10, Reuse::WhileRevalidating),
            (14, Reuse::WhileRevalidating),
            (15, Reuse::Validate),
            (u64::MAX, Reuse::Validate),
        ] {
            assert_eq!(decide(&aged(age), NOW, None), expected, "{age}");
        }
        let mut always = aged(0);
        always.terms.needs_validation = true;
        assert_eq!(decide(&always, NOW, None), Reuse::Validate);
        assert!(!stands_in(&always, NOW, Failure::Disconnected));
    }

    #[test]
    fn clients_are_heard_where_they_are_honoured() {
        // RFC 9111 §5.2.1.
        for (line, age, expected) in [
            ("no-cache", 0, Reuse::Validate),
            ("max-age=5", 6, Reuse::Validate),
            ("max-age=5", 5, Reuse::Fresh),
            ("min-fresh=5", 6, Reuse::Validate),
            ("min-fresh=5", 5, Reuse::Fresh),
            ("max-stale", 100, Reuse::Stale),
            ("max-stale=10", 20, Reuse::Stale),
            ("max-stale=10", 21, Reuse::Validate),
        ] {
            assert_eq!(decide(&aged(age), NOW, Some(&request(line))), expected, "{line} at {age}");
        }
        let mut strict = aged(20);
        (strict.terms.stale_while_revalidate, strict.terms.stale_if_error) = (seconds(0), seconds(0));
        strict.terms.stale_if_disconnected = seconds(0);
        assert_eq!(decide(&strict, NOW, Some(&request("max-stale"))), Reuse::Validate, "must-revalidate wins");
    }

    #[test]
    fn errors_are_stood_in_for_within_their_allowance() {
        // RFC 5861 §4.
        for (age, error, disconnected) in [(0, true, true), (69, true, true), (70, false, true), (100, false, false)] {
            assert_eq!(stands_in(&aged(age), NOW, Failure::Error), error, "{age}");
            assert_eq!(stands_in(&aged(age), NOW, Failure::Disconnected), disconnected, "{age}");
        }
    }
}
