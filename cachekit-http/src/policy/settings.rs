//! What a cache is told beyond what responses say.

use http::{HeaderName, StatusCode};
use std::time::Duration;

/// The targeted field that is our own: honoured, and taken away before the response goes on.
pub const OWN_FIELD: HeaderName = HeaderName::from_static("cachekit-cache-control");

/// The targeted field of all content delivery networks (RFC 9213 §3.1).
pub const CDN_FIELD: HeaderName = HeaderName::from_static("cdn-cache-control");

/// What a shared cache does where responses leave it a choice. The default is the safe one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The targeted fields that are honoured, the first valid one counts (RFC 9213 §2.2). Default: `Cachekit-Cache-Control`.
    pub targeted: Vec<HeaderName>,
    /// How long a response without freshness of its own is fresh. Default: none.
    pub ttl: Option<Duration>,
    /// The statuses that `ttl` is for. Default: `None`, successes and permanent redirects.
    pub ttl_statuses: Option<Vec<StatusCode>>,
    /// Freshness by the time since the last modification (RFC 9111 §4.2.2). Default: none.
    pub heuristic: Option<Heuristic>,
    /// `stale-while-revalidate` for responses that do not say it, are fresh at first, and have a status that `ttl` is for. Default: none.
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` for the same. Default: none.
    pub stale_if_error: Option<Duration>,
    /// How long past its freshness such a response stands in where the handler gives no response at all (RFC 9111 §4.2.4). Default: none.
    pub stale_if_disconnected: Option<Duration>,
    /// How long a stale response with a validator is kept, so that a 304 can freshen it. Default: one hour.
    pub keep_for_validation: Duration,
    /// What is done with a response that sets cookies. Default: it is not stored.
    pub set_cookie: SetCookie,
    /// What responses say and is not honoured. Default: nothing.
    pub overrides: Overrides,
    /// The key has whom the response is for, so that `private` and credentials forbid nothing, and `s-maxage` is not meant. Default: no.
    pub is_private: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            targeted: vec![OWN_FIELD],
            ttl: None,
            ttl_statuses: None,
            heuristic: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            stale_if_disconnected: None,
            keep_for_validation: Duration::from_secs(3600),
            set_cookie: SetCookie::Bypass,
            overrides: Overrides::default(),
            is_private: false,
        }
    }
}

impl Policy {
    /// Whether requests that tell who sends them are like any other.
    pub(crate) fn ignores_credentials(&self) -> bool {
        self.overrides.ignore_credentials || self.is_private
    }

    /// All that RFC 9111 lets a shared cache do, which is more than is safe in front of an application that does not know of it: responses with
    /// cookies are stored, responses without freshness are given some, and stale ones stand in for a handler that does not answer.
    #[must_use]
    pub fn rfc() -> Self {
        Policy {
            targeted: vec![OWN_FIELD, CDN_FIELD],
            heuristic: Some(Heuristic::default()),
            stale_if_disconnected: Some(Duration::from_secs(24 * 3600)),
            set_cookie: SetCookie::Store,
            ..Policy::default()
        }
    }
}

/// Freshness by a part of the time since the last modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heuristic {
    /// The part, in percent.
    pub percent: u32,
    /// The longest that it may be.
    pub most: Duration,
}

impl Default for Heuristic {
    /// A tenth, as the RFC suggests, and at most a day.
    fn default() -> Self {
        Heuristic { percent: 10, most: Duration::from_secs(24 * 3600) }
    }
}

/// What is done with a response that has `Set-Cookie`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetCookie {
    /// It is not stored.
    #[default]
    Bypass,
    /// It is stored without its cookies: only who caused it gets them.
    Strip,
    /// It is stored as it is, and everybody gets the cookies.
    Store,
}

/// What responses say and is not honoured; each by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// `no-store` and `private` of `Cache-Control`; those of a targeted field count.
    pub ignore_no_store: bool,
    /// `no-cache`: responses are used without validation.
    pub ignore_no_cache: bool,
    /// What forbids stale answers: `must-revalidate`, `proxy-revalidate`, `s-maxage`.
    pub serve_stale_always: bool,
    /// Requests with `Authorization` or `Cookie` are like any other, under `ttl` too. For responses that are the same for everybody.
    pub ignore_credentials: bool,
}

impl Overrides {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`ignore_no_store`](Self::ignore_no_store).
    #[must_use]
    pub fn ignore_no_store(self) -> Self {
        Overrides { ignore_no_store: true, ..self }
    }

    /// Sets [`ignore_no_cache`](Self::ignore_no_cache).
    #[must_use]
    pub fn ignore_no_cache(self) -> Self {
        Overrides { ignore_no_cache: true, ..self }
    }

    /// Sets [`serve_stale_always`](Self::serve_stale_always).
    #[must_use]
    pub fn serve_stale_always(self) -> Self {
        Overrides { serve_stale_always: true, ..self }
    }

    /// Sets [`ignore_credentials`](Self::ignore_credentials).
    #[must_use]
    pub fn ignore_credentials(self) -> Self {
        Overrides { ignore_credentials: true, ..self }
    }
}
