//! Who changed what: an event of `tracing` for every change, done or refused.

use super::{Access, refusal::Refusal};
use http::request::Parts;

/// A change was carried out, or failed: `outcome` says which. Keys and tags may be personal data, so that `what` has at most their [`hash`].
pub(super) fn changed(access: &Access, change: &'static str, cache: &str, what: &str, outcome: &str) {
    tracing::info!(target: "cachekit::admin", who = access.who(), change, cache, what, outcome, "a cache was changed");
}

/// Somebody wanted something that is not for everybody.
pub(super) fn refused(access: Option<&Access>, parts: &Parts, refusal: &Refusal) {
    let who = access.map_or("", Access::who);
    let (method, path, code) = (parts.method.as_str(), parts.uri.path(), refusal.code);
    tracing::warn!(target: "cachekit::admin", who, method, path, code, "a request was refused");
}

/// Tells which key it was to who knows the key.
pub(super) fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}
