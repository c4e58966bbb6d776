//! What a request is for the cache, before anything is looked for: its way, and what it is looked for by.

use super::{
    body::CacheBody,
    shared::{Rules, Shared},
    target,
};
use crate::{
    fields::{Forwarded, Marks, RequestDirectives, is_upgrade},
    policy::invalidation,
    store::{EntryKey, Seen},
};
use http::{Method, Response, Uri, request::Parts};
use std::sync::Arc;

/// A request, as far as nobody had to wait.
pub(super) enum Begun {
    /// One that the cache may answer.
    Asked(Asked),
    /// One for the handler.
    Elsewhere(Parts, Way),
}

/// How a request goes that the cache does not answer.
pub(super) enum Way {
    Past(Forwarded),
    /// Its method is not safe: an answer changes what is stored of this URI.
    Unsafe(Uri),
}

/// A request that the cache may answer.
pub(super) struct Asked {
    pub(super) shared: Arc<Shared>,
    pub(super) rules: Rules,
    pub(super) primary: EntryKey,
    pub(super) parts: Parts,
    pub(super) marks: Marks,
    /// What the client said, where that is honoured.
    pub(super) said: Option<RequestDirectives>,
    /// Why it has waited for another request, if it has.
    pub(super) waited: Option<Forwarded>,
    /// The tags of a named response.
    pub(super) named: Option<Vec<String>>,
    /// What the first look has found already.
    pub(super) seen: Option<Seen>,
}

/// What a response depends on and is purged by, as the function says that makes it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// One line.
    pub(super) key: String,
    /// Whom it is for, where that is asked; `Some(None)`: nobody knows, and the request goes past the cache.
    pub(super) identity: Option<Option<String>>,
    pub(super) tags: Vec<String>,
}

/// The tags of a [`Named`] response, on their way to where it is stored.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only handlers of Axum name theirs"))]
pub(super) struct NamedTags(pub(super) Vec<String>);

impl Begun {
    /// The answer, where it is in memory and fresh beyond doubt.
    pub(super) fn at_once(&mut self) -> Option<Response<CacheBody>> {
        match self {
            Begun::Asked(asked) => asked.at_once(),
            Begun::Elsewhere(..) => None,
        }
    }

    /// What was seen and is no answer may be purged until somebody goes on: it is looked for again then.
    pub(super) fn for_later(mut self) -> Self {
        if let Begun::Asked(asked) = &mut self {
            asked.seen = None;
        }
        self
    }
}

/// Begins a request; `named` says what the response depends on, where that is not the URI.
pub(super) fn begin(shared: &Arc<Shared>, mut parts: Parts, named: Option<Named>) -> Begun {
    let is_cached_method = parts.method == Method::GET || parts.method == Method::HEAD;
    // Most layers use a URI for the key alone, and a function that is named sees nothing of its own but what it takes.
    let is_for_the_key = is_cached_method && !shared.looks_at_uris();
    let plain = if is_for_the_key && named.is_none() { target::plain_text(&parts, &shared.scheme) } else { None };
    let target = if is_for_the_key && (named.is_some() || plain.is_some()) {
        None
    } else {
        let Some(target) = target::of(&parts, &shared.scheme).filter(|_| parts.method != Method::CONNECT) else {
            return Begun::Elsewhere(parts, Way::Past(Forwarded::Bypass));
        };
        if !invalidation::is_safe(&parts.method) {
            return Begun::Elsewhere(parts, Way::Unsafe(target));
        }
        if !is_cached_method {
            return Begun::Elsewhere(parts, Way::Past(Forwarded::Method));
        }
        Some(target)
    };
    let rules = shared.rules_of(&mut parts, target.as_ref());
    let rule = rules.first();
    let mut identity = named.as_ref().and_then(|named| named.identity.clone());
    let (mut key_part, mut is_honoured) = (None, false);
    if rule.looks_at_requests() {
        target::outside(&mut parts, |parts| {
            if named.is_none() {
                identity = rule.identity.as_ref().map(|identity| identity(parts));
            }
            key_part = rule.key_part.as_ref().map(|part| part(parts));
            is_honoured = rule.honours.as_ref().is_some_and(|honours| honours(parts));
        });
    }
    let marks = Marks::of(&parts.headers);
    let is_bypassed = rule.is_bypass
        || target.as_ref().is_some_and(|target| !shared.serves(target))
        || identity == Some(None)
        || (marks.has_upgrade && is_upgrade(&parts.headers))
        || marks.guards_a_state;
    if is_bypassed {
        return Begun::Elsewhere(parts, Way::Past(Forwarded::Bypass));
    }
    rule.strip_cookies(&mut parts.headers);
    let identity = identity.flatten();
    let key_of_uri = plain.map(|text| rule.key_of_text(text)).or_else(|| Some(rule.key_of(target.as_ref()?)));
    let key = named.as_ref().map(|named| &*named.key).or(key_of_uri.as_deref()).unwrap_or_default();
    let mut primary = EntryKey::primary(key, identity.as_deref());
    // A function that is named sees nothing else of its request.
    let (rewritten, proxied) = match &named {
        Some(_) => (None, None),
        None => (target::rewritten(&parts), rule.proxied(&parts.headers)),
    };
    let key_fields = rule.key_of_fields(&parts.headers);
    let apart = rules.apart().map(str::to_owned);
    let further = [('r', apart), ('u', rewritten), ('p', proxied), ('k', key_part), ('f', key_fields)];
    for (kind, part) in further.iter().filter_map(|(kind, part)| Some((kind, part.as_ref()?))) {
        primary = primary.with(*kind, part);
    }
    let named = named.map(|named| named.tags);
    let said = is_honoured.then(|| RequestDirectives::of(&parts.headers));
    let shared = shared.clone();
    Begun::Asked(Asked { shared, rules, primary, parts, marks, said, waited: None, named, seen: None })
}
