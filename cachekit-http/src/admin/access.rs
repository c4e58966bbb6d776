//! Who asks, and what that person may do.

use http::{header::AUTHORIZATION, request::Parts};
use std::sync::Arc;

/// What one may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// See caches, their statistics and settings, and what a call for a given key would meet.
    Read,
    /// Change settings, and start and stop advice. A smaller capacity evicts.
    Operate,
    /// Take entries away: invalidate, clear.
    Destroy,
}

/// Who asks, and what that person may do: nothing, until it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    who: Arc<str>,
    scopes: u8,
    sees_entries: bool,
}

impl Access {
    /// Of somebody by that name, which is in the audit events.
    #[must_use]
    pub fn named(who: impl Into<Arc<str>>) -> Self {
        Access { who: who.into(), scopes: 0, sees_entries: false }
    }

    /// May do that as well. No scope is part of another.
    #[must_use]
    pub fn may(mut self, scope: Scope) -> Self {
        self.scopes |= bit(scope);
        self
    }

    /// May see keys and values, on asking for them, which may be personal data.
    #[must_use]
    pub fn may_see_entries(mut self) -> Self {
        self.sees_entries = true;
        self
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }

    pub(super) fn has(&self, scope: Scope) -> bool {
        self.scopes & bit(scope) != 0
    }

    pub(super) fn sees_entries(&self) -> bool {
        self.sees_entries
    }

    pub(super) fn scopes(&self) -> Vec<&'static str> {
        [Scope::Read, Scope::Operate, Scope::Destroy]
            .into_iter()
            .filter(|scope| self.has(*scope))
            .map(Scope::name)
            .collect()
    }
}

impl Scope {
    pub(super) fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Operate => "operate",
            Scope::Destroy => "destroy",
        }
    }
}

fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Read => 1,
        Scope::Operate => 2,
        Scope::Destroy => 4,
    }
}

/// Whether the request has `Authorization: Bearer` with that secret, compared in a time that does not tell how much of it was right. An empty secret is nobody's.
#[must_use]
pub fn is_bearer(request: &Parts, secret: &str) -> bool {
    let mut given = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return false };
    let given = only.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, token)) = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else { return false };
    // Hashes are compared in constant time.
    !secret.is_empty() && blake3::hash(token.as_bytes()) == blake3::hash(secret.as_bytes())
}
