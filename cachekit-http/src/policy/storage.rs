//! May a response be stored (RFC 9111 §3), and on which terms?

use super::{Head, Policy, SetCookie, Source, Terms, freshness, status, validation, vary::Normalisers};
use crate::fields::{RequestDirectives, ResponseDirectives, Scope, Vary, date, remove_hop_by_hop};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::time::{Duration, SystemTime};

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Only responses to GET are.
    #[error("the method is not GET")]
    Method,
    /// It is not final, or a part.
    #[error("a response of this status is never stored")]
    Status,
    /// `must-understand`, and the status is not known.
    #[error("must-understand, and the status is not known")]
    NotUnderstood,
    /// `no-store` of the request.
    #[error("the request says no-store")]
    RequestNoStore,
    /// `no-store` of the response.
    #[error("the response says no-store")]
    NoStore,
    /// `private`.
    #[error("the response says private")]
    Private,
    /// The request had credentials, and the response does not say that it is for everybody.
    #[error("the request had credentials")]
    Credentials,
    /// It sets cookies.
    #[error("the response sets cookies")]
    SetCookie,
    /// `Vary: *`.
    #[error("nobody can say what it varies on")]
    Vary,
    /// An event stream.
    #[error("a stream that does not end")]
    Endless,
    /// It is stale from the start and cannot be validated.
    #[error("no freshness and no validator")]
    Useless,
}

impl Refusal {
    /// Whether another request for the same might be answered with something that is stored.
    #[must_use]
    pub fn is_of_request(self) -> bool {
        matches!(self, Refusal::RequestNoStore | Refusal::Credentials | Refusal::Method)
    }

    /// A word for `Cache-Status`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Refusal::Method => "method",
            Refusal::Status => "status",
            Refusal::NotUnderstood => "not-understood",
            Refusal::RequestNoStore => "request-no-store",
            Refusal::NoStore => "no-store",
            Refusal::Private => "private",
            Refusal::Credentials => "credentials",
            Refusal::SetCookie => "set-cookie",
            Refusal::Vary => "vary",
            Refusal::Endless => "endless",
            Refusal::Useless => "no-freshness",
        }
    }
}

/// A request as far as a response to it is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its fields.
    pub fields: &'a HeaderMap,
    /// When it was sent on.
    pub at: SystemTime,
}

/// The directives that count, and whether they are of a targeted field (RFC 9213 §2.2).
#[must_use]
pub fn directives(fields: &HeaderMap, policy: &Policy) -> (ResponseDirectives, bool) {
    let targeted = policy.targeted.iter().find_map(|name| ResponseDirectives::targeted(fields, name));
    let is_targeted = targeted.is_some();
    let mut directives = targeted.or_else(|| ResponseDirectives::of(fields)).unwrap_or_default();
    if policy.overrides.ignore_no_store && !is_targeted {
        directives.no_store = false;
        directives.private = Scope::None;
    }
    if policy.is_private {
        directives.private = Scope::None;
        directives.s_maxage = None;
    }
    (directives, is_targeted)
}

/// The head to store for a response that was received at `received`.
///
/// # Errors
/// Why it is not to be stored.
pub fn decide(
    asked: Asked<'_>,
    status: StatusCode,
    fields: &HeaderMap,
    received: SystemTime,
    policy: &Policy,
    normalisers: &Normalisers,
) -> Result<Head, Refusal> {
    let (directives, is_targeted) = directives(fields, policy);
    if asked.method != Method::GET {
        return Err(Refusal::Method);
    }
    if status.is_informational() || matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED) {
        return Err(Refusal::Status);
    }
    if RequestDirectives::of(asked.fields).no_store {
        return Err(Refusal::RequestNoStore);
    }
    if is_endless(fields) {
        return Err(Refusal::Endless);
    }
    // RFC 9111 §5.2.2.3: who understands the status ignores the `no-store` beside it.
    if directives.must_understand && !status::is_understood(status) {
        return Err(Refusal::NotUnderstood);
    }
    if directives.no_store && !directives.must_understand {
        return Err(Refusal::NoStore);
    }
    if directives.private.is_all() {
        return Err(Refusal::Private);
    }
    let Vary::Fields(names) = Vary::of(fields) else { return Err(Refusal::Vary) };
    let has_cookies = fields.contains_key(header::SET_COOKIE);
    if has_cookies && policy.set_cookie == SetCookie::Bypass {
        return Err(Refusal::SetCookie);
    }
    let (lifetime, source) = freshness::lifetime(status, fields, &directives, is_targeted, received, policy);
    let is_trusted = policy.ignores_credentials();
    if !is_trusted && !credentials_allow(asked.fields, &directives, source) {
        return Err(Refusal::Credentials);
    }
    let may_be_stored = source != Source::None || status::is_heuristically_cacheable(status) || directives.public;
    if !may_be_stored {
        return Err(Refusal::Useless);
    }
    // A ttl of ours is from when the response is there: nobody who gives one thinks of how long the handler takes.
    let asked_at = if source == Source::Ttl { received } else { asked.at };
    // What a rule allows is for what it is about: it makes no content out of what is stale from the start.
    let has_allowance_of_rule = !lifetime.is_zero() && freshness::is_of_ttl(status, policy);
    let head = Head {
        status,
        fields: stored_fields(fields, &directives, received, policy),
        unvalidated: directives.no_cache.fields().to_vec(),
        terms: Terms {
            is_for_all: is_trusted || source == Source::Explicit || is_for_all(&directives),
            ..terms(&directives, lifetime, source, policy, has_allowance_of_rule)
        },
        requested: asked.at,
        received,
        initial_age: freshness::initial_age(fields, asked_at, received),
        selection: normalisers.select(&names, asked.fields),
    };
    let is_worth_it = head.fresh_for(received) > Duration::ZERO
        || terms(&directives, lifetime, source, policy, false).allowance() > head.stale_for(received)
        || validation::has_validator(&head.fields);
    if is_worth_it { Ok(head) } else { Err(Refusal::Useless) }
}

/// RFC 9111 §3.5; and a mere ttl says nothing about whom the response is for.
fn credentials_allow(request: &HeaderMap, directives: &ResponseDirectives, source: Source) -> bool {
    let has_authorization = request.contains_key(header::AUTHORIZATION);
    match source {
        Source::Explicit => !has_authorization || is_for_all(directives) || directives.must_revalidate,
        _ => is_for_all(directives) || !has_credentials(request),
    }
}

fn is_for_all(directives: &ResponseDirectives) -> bool {
    directives.public || directives.s_maxage.is_some()
}

/// Whether a request tells who sends it.
#[must_use]
pub fn has_credentials(request: &HeaderMap) -> bool {
    request.contains_key(header::AUTHORIZATION) || request.contains_key(header::COOKIE)
}

fn is_endless(fields: &HeaderMap) -> bool {
    let kind = fields.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
    let is_of = |endless: &&[u8]| kind.as_ref().is_some_and(|kind| kind.starts_with(endless));
    [&b"text/event-stream"[..], b"multipart/x-mixed-replace"].iter().any(is_of)
}

/// `has_rule`: what the rule allows counts, where the response says nothing of it.
fn terms(
    directives: &ResponseDirectives,
    lifetime: Duration,
    source: Source,
    policy: &Policy,
    has_rule: bool,
) -> Terms {
    let needs_validation = directives.no_cache.is_all() && !policy.overrides.ignore_no_cache;
    // RFC 9111 §4.2.4; `s-maxage` implies `proxy-revalidate` (§5.2.2.10).
    let forbids_stale = needs_validation
        || (directives.must_revalidate || directives.proxy_revalidate || directives.s_maxage.is_some())
            && !policy.overrides.serve_stale_always;
    let allow = |said: Option<Duration>, ruled: Option<Duration>| match forbids_stale {
        true => Duration::ZERO,
        false => said.or(ruled.filter(|_| has_rule)).unwrap_or_default(),
    };
    Terms {
        lifetime,
        source,
        stale_while_revalidate: allow(directives.stale_while_revalidate, policy.stale_while_revalidate),
        stale_if_error: allow(directives.stale_if_error, policy.stale_if_error),
        stale_if_disconnected: allow(directives.stale_if_error, policy.stale_if_error)
            .max(allow(None, policy.stale_if_disconnected)),
        needs_validation,
        is_for_all: false,
    }
}

/// What is stored of the fields (RFC 9111 §3.1). Our own targeted field is, since a 304 that does not repeat it leaves it in force; no client gets it.
pub(super) fn stored_fields(
    fields: &HeaderMap,
    directives: &ResponseDirectives,
    received: SystemTime,
    policy: &Policy,
) -> HeaderMap {
    let mut stored = copied(fields);
    remove_hop_by_hop(&mut stored);
    // The age is that of the entry, and the length that of the body that is stored.
    stored.remove(header::AGE);
    stored.remove(header::CONTENT_LENGTH);
    if policy.set_cookie != SetCookie::Store {
        stored.remove(header::SET_COOKIE);
    }
    for name in directives.private.fields() {
        stored.remove(name);
    }
    if date::of(&stored, &header::DATE).is_none()
        && let Ok(date) = HeaderValue::from_str(&date::format(received))
    {
        // RFC 9110 §6.6.1: who receives a response without a date records one.
        stored.insert(header::DATE, date);
    }
    stored
}

/// The same fields in buffers of their own: values that came over a connection are parts of what was read from it, and would keep all of that.
fn copied(fields: &HeaderMap) -> HeaderMap {
    let copy = |value: &HeaderValue| {
        let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        copy.set_sensitive(value.is_sensitive());
        Some(copy)
    };
    fields.iter().filter_map(|(name, value)| Some((name.clone(), copy(value)?))).collect()
}

#[cfg(test)]
mod tests;
