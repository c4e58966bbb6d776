//! Who changed what: an event of `tracing` for every change, done or refused.

use super::{Access, refusal::Refusal};
use http::request::Parts;
use std::future::Future;
use tracing::Instrument;

/// A change was carried out, or failed: `outcome` says which. Keys and tags may be personal data, so that `what` has at most their [`hash`].
pub(super) fn changed(access: &Access, change: &'static str, cache: &str, what: &str, outcome: &str) {
    tracing::info!(target: "cachekit::admin", who = access.who(), change, cache, what, outcome, "a cache was changed");
}

/// A change that waits for something. Its event comes when it ends, whatever becomes of the request: `abandoned` where it was dropped halfway, as when the service ends.
struct Change {
    access: Access,
    change: &'static str,
    cache: String,
    what: String,
    outcome: &'static str,
}

impl Change {
    fn end(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        changed(&self.access, self.change, &self.cache, &self.what, self.outcome);
    }
}

/// Carries out a change in a task of its own, so that a client that goes away leaves neither half a change nor one without its event. `outcome` says how it ended.
pub(super) async fn carried_out<T: Send + 'static>(
    access: &Access,
    change: &'static str,
    cache: &str,
    what: String,
    work: impl Future<Output = T> + Send + 'static,
    outcome: fn(&T) -> &'static str,
) -> Result<T, Refusal> {
    let mut change = Change { access: access.clone(), change, cache: cache.to_owned(), what, outcome: "abandoned" };
    let carry_out = async move {
        let done = work.await;
        change.end(outcome(&done));
        done
    };
    // In the span of the request, which may say more of who asked.
    let work = tokio::spawn(carry_out.in_current_span());
    work.await.map_err(|_| Refusal::panicked())
}

/// For changes that can fail.
pub(super) fn by_result<T, E>(done: &Result<T, E>) -> &'static str {
    if done.is_ok() { "done" } else { "failed" }
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
