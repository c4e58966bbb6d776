//! The way of a request through the cache.

use super::{
    begin::{Asked, Begun, NamedTags, Way, begin},
    body::CacheBody,
    fetch::{Fetch, Outcome},
    flights::{Answered, Filling, Joined, Lead, Progress},
    handler::{Handler, ResponseBody, call},
    respond::Asking,
    shared::Shared,
    target,
};
use crate::{
    fields::{CacheStatus, Forwarded, RequestDirectives, percent},
    policy::{
        invalidation,
        reuse::{self, Reuse},
        storage, validation,
    },
    store::{self, Entry, EntryKey, Keeping, Looked},
};
use http::{Method, Request, Response, StatusCode, Uri, header, request::Parts};
use std::{
    future::{poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};
use tokio::sync::{oneshot, watch};
use tracing::Instrument;

/// How often a request joins another one before it goes alone.
const MOST_JOINS: usize = 3;

/// An answer, there or on its way.
pub(super) type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<CacheBody>, E>> + Send>>;

/// Answers a request: from the store, from another request that asks for the same, or from the handler. What is in memory is the answer at once, unless the user's code says
/// what it is: that runs where the answer is awaited.
pub(super) fn answer<S, Q, P>(shared: &Arc<Shared>, service: &S, request: Request<Q>) -> Answering<S::Error>
where
    S: Handler<Q, P>,
    Q: http_body::Body + Default + Send + 'static,
    P: ResponseBody,
{
    if shared.runs_code() {
        let (shared, service) = (shared.clone(), service.clone());
        return Box::pin(async move {
            let (mut begun, body) = begun(&shared, request);
            match begun.at_once() {
                Some(response) => Ok(response),
                // A hit has no use for all that is in this.
                None => Box::pin(go_on(shared, service, begun, body)).await,
            }
        });
    }
    let (mut begun, body) = begun(shared, request);
    match begun.at_once() {
        Some(response) => Box::pin(ready(Ok(response))),
        None => Box::pin(go_on(shared.clone(), service.clone(), begun.for_later(), body)),
    }
}

fn begun<Q: http_body::Body>(shared: &Arc<Shared>, request: Request<Q>) -> (Begun, Q) {
    let (parts, body) = request.into_parts();
    let is_safe = parts.method == Method::GET || parts.method == Method::HEAD;
    let begun = match is_safe && has_body(&parts, &body) {
        true => Begun::Elsewhere(parts, Way::Past(Forwarded::Bypass)),
        false => begin(shared, parts, None),
    };
    (begun, body)
}

/// The answer to a request that was begun and not answered at once.
pub(super) async fn go_on<S, Q, P>(
    shared: Arc<Shared>,
    mut service: S,
    begun: Begun,
    body: Q,
) -> Result<Response<CacheBody>, S::Error>
where
    S: Handler<Q, P>,
    Q: Default + Send + 'static,
    P: ResponseBody,
{
    let (parts, target) = match begun {
        Begun::Asked(asked) => return asked.answer(service, body).await,
        Begun::Elsewhere(parts, Way::Past(why)) => {
            return pass(&shared, service, Request::from_parts(parts, body), why).await;
        }
        Begun::Elsewhere(parts, Way::Unsafe(target)) => (parts, target),
    };
    let method = parts.method.clone();
    let unanswered = Unanswered(Some((shared.clone(), target)));
    let response = call(&mut service, Request::from_parts(parts, body)).await?;
    if let Some(target) = unanswered.answered()
        && invalidation::invalidates(&method, response.status())
    {
        invalidate(&shared, &target, response.headers()).await;
    }
    Ok(shared.pass(response, &CacheStatus::forwarded(Forwarded::Method)))
}

/// An unsafe request under way. Where nobody learns how it ends, because its client has left or its handler failed, it may have done its work: its URI is purged.
struct Unanswered(Option<(Arc<Shared>, Uri)>);

impl Unanswered {
    fn answered(mut self) -> Option<Uri> {
        self.0.take().map(|(_, target)| target)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some((shared, target)) = self.0.take()
            && let Some(keys) = shared.keys_of(&target)
        {
            drop(shared.store.invalidate_uris(&keys));
        }
    }
}

/// What the store has for a request.
enum Found {
    Answer(Response<CacheBody>),
    /// The answer for now; what is there is to be asked for anew.
    StaleAnswer(Response<CacheBody>, EntryKey, Arc<Entry>),
    /// What is there has to be validated, if anything is.
    Missing {
        key: EntryKey,
        stale: Option<Arc<Entry>>,
        why: Forwarded,
    },
    /// What is there is not for who tells who they are.
    NotForYou,
}

impl Asked {
    /// Says what the response of a function is purged by; `there`: the tags of what is there, if that is purged by other paths.
    fn name_tags(&mut self, there: &[String]) {
        let Some(tags) = &self.named else { return };
        let mut tags = tags.clone();
        let path = percent::canonical(target::path(&self.parts));
        tags.extend(self.shared.store.tags_of_paths(&self.primary, &path, there, tags.len()));
        self.parts.extensions.insert(NamedTags(tags));
    }

    /// Whether a purge of what the client asks for reaches a response with these tags: one of a function may have been asked for by another path, and whether
    /// this one was purged since then nobody knows.
    fn is_purged_with(&self, tags: &[String]) -> bool {
        self.named.is_none() || self.shared.store.is_purged_by(tags, &percent::canonical(target::path(&self.parts)))
    }

    fn asking(&self) -> Asking<'_> {
        Asking { method: &self.parts.method, fields: &self.parts.headers, marks: self.marks }
    }

    /// The answer, where it is in memory and fresh beyond doubt.
    pub(super) fn at_once(&mut self) -> Option<Response<CacheBody>> {
        let fields = &self.parts.headers;
        let seen = self.shared.store.glance(&self.primary, fields, &self.rules.first().normalisers)?;
        let now = self.shared.now();
        if let Some(entry) = seen.response()
            && self.is_purged_with(&entry.tags)
            && reuse::is_for(&entry.head, fields)
            && reuse::decide(&entry.head, now, self.said.as_ref()) == Reuse::Fresh
        {
            let status = CacheStatus::hit(entry.head.ttl(now));
            return Some(self.shared.respond(self.asking(), entry, now, false, &status));
        }
        self.seen = Some(seen);
        None
    }

    async fn answer<S, Q, P>(mut self, service: S, body: Q) -> Result<Response<CacheBody>, S::Error>
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        self.name_tags(&[]);
        let mut variant: Option<EntryKey> = None;
        for _ in 0..MOST_JOINS {
            let (key, stale, why) = match self.look().await {
                Found::Answer(response) => return Ok(response),
                Found::StaleAnswer(response, key, stale) => {
                    self.revalidate(service, key, stale);
                    return Ok(response);
                }
                Found::NotForYou if self.said.as_ref().is_some_and(|said| said.only_if_cached) => {
                    return Ok(self.shared.respond_nothing());
                }
                Found::NotForYou => {
                    let request = Request::from_parts(self.parts, body);
                    return pass(&self.shared, service, request, Forwarded::Bypass).await;
                }
                Found::Missing { key, stale, why } => (variant.take().unwrap_or(key), stale, why),
            };
            if self.said.as_ref().is_some_and(|said| said.only_if_cached) {
                return Ok(self.shared.respond_nothing());
            }
            if self.parts.method == Method::HEAD {
                return self.head(service, body, key, stale, why).await;
            }
            let flight = self.flight_of(&key);
            if !self.may_wait(&flight, stale.as_deref()) {
                return self.fetch(service, body, key, stale, why, None).await;
            }
            let mut waits = match self.shared.flights.join(&flight) {
                Joined::Lead(lead) => return self.fetch(service, body, key, stale, why, Some(lead)).await,
                Joined::Follow(waits) => waits,
            };
            match self.wait(&mut waits).await {
                Progress::Filling(filling) => match self.join(&filling, why) {
                    Ok(Some(response)) => return Ok(response),
                    Ok(None) => return self.fetch(service, body, key, stale, why, None).await,
                    Err(other) => variant = Some(other),
                },
                Progress::Answered(answered) => {
                    if let Some(response) = self.share(&answered, stale.as_deref(), why) {
                        return Ok(response);
                    }
                }
                Progress::Stored => {}
                Progress::Waiting => {
                    let lead = self.shared.flights.take_over(&flight, &waits);
                    return self.fetch(service, body, key, stale, why, lead).await;
                }
                Progress::Alone => return self.fetch(service, body, key, stale, why, None).await,
            }
            // What was validated meanwhile answers this request too, whatever the client said: it was asked for after it came.
            self.said = None;
            self.waited = Some(why);
        }
        let key = self.primary.clone();
        self.fetch(service, body, key, None, Forwarded::UriMiss, None).await
    }

    /// Whether the client tells who it is, and that matters.
    fn has_credentials(&self) -> bool {
        !self.rules.first().policy.ignores_credentials() && storage::has_credentials(&self.parts.headers)
    }

    /// Where requests for a key wait for each other: each kind for one of its own kind.
    fn flight_of(&self, key: &EntryKey) -> EntryKey {
        if self.has_credentials() { key.with_credentials() } else { key.clone() }
    }

    /// Whether what comes back is likely to answer others too, so that they may wait for each other.
    fn may_wait(&self, flight: &EntryKey, stale: Option<&Entry>) -> bool {
        let (shared, fields) = (&self.shared, &self.parts.headers);
        let is_shareable = match stale {
            // What is never fresh has to be asked for anew by each.
            Some(stale) => !stale.head.terms.needs_validation && !stale.head.terms.lifetime.is_zero(),
            // A part is for who wants it; and a page of one's own would be waited for in vain.
            None => {
                let is_known = || !self.has_credentials() || shared.shareable.contains(&self.primary);
                !fields.contains_key(header::RANGE) && is_known()
            }
        };
        is_shareable && !RequestDirectives::of(fields).no_store && !shared.store.is_passed(flight)
    }

    /// Looks in the store.
    async fn look(&mut self) -> Found {
        let (seen, normalisers) = (self.seen.take(), &self.rules.first().normalisers);
        let look = self.shared.store.look(&self.primary, &self.parts.headers, normalisers, self.shared.now(), seen);
        let Looked { key, entry, has_variants } = look.await;
        let Some(entry) = entry else {
            let why = if has_variants { Forwarded::VaryMiss } else { Forwarded::UriMiss };
            return Found::Missing { key, stale: None, why };
        };
        if !reuse::is_for(&entry.head, &self.parts.headers) {
            return Found::NotForYou;
        }
        if !self.is_purged_with(&entry.tags) {
            self.name_tags(&entry.tags);
            return Found::Missing { key, stale: None, why: Forwarded::UriMiss };
        }
        let now = self.shared.now();
        let reused = reuse::decide(&entry.head, now, self.said.as_ref());
        if reused == Reuse::Validate {
            let is_fresh = reuse::decide(&entry.head, now, None) == Reuse::Fresh;
            let why = if is_fresh { Forwarded::Request } else { Forwarded::Stale };
            return Found::Missing { key, stale: Some(entry), why };
        }
        let status = match self.waited {
            Some(why) => CacheStatus { is_collapsed: true, ..CacheStatus::forwarded(why) },
            None => CacheStatus::hit(entry.head.ttl(now)),
        };
        let response = self.shared.respond(self.asking(), &entry, now, false, &status);
        match reused {
            Reuse::WhileRevalidating => Found::StaleAnswer(response, key, entry),
            _ => Found::Answer(response),
        }
    }

    /// Asks for what is stale anew, while it is given; unless somebody does already, or has just done so in vain.
    fn revalidate<S, Q, P>(&self, service: S, key: EntryKey, stale: Arc<Entry>)
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        let flight = self.flight_of(&key);
        let is_in_vain = RequestDirectives::of(&self.parts.headers).no_store || self.shared.store.is_passed(&flight);
        if !is_in_vain && let Joined::Lead(lead) = self.shared.flights.join(&flight) {
            let fetch = self.to_fetch(key, Some(stale), Forwarded::Stale, Some(lead));
            tokio::spawn(fetch.refresh(service).in_current_span());
        }
    }

    fn to_fetch(&self, key: EntryKey, stale: Option<Arc<Entry>>, why: Forwarded, lead: Option<Lead>) -> Fetch {
        let (shared, rules, primary) = (self.shared.clone(), self.rules.clone(), self.primary.clone());
        let (flight, has_credentials) = (self.flight_of(&key), self.has_credentials());
        Fetch { shared, rules, primary, key, flight, has_credentials, stale, parts: self.parts.clone(), why, lead }
    }

    /// Asks the handler: in a task of its own where others may wait for the answer, else here, so that it ends with its client.
    async fn fetch<S, Q, P>(
        self,
        service: S,
        body: Q,
        key: EntryKey,
        stale: Option<Arc<Entry>>,
        why: Forwarded,
        lead: Option<Lead>,
    ) -> Result<Response<CacheBody>, S::Error>
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        let is_alone = lead.is_none();
        let fetch = self.to_fetch(key, stale, why, lead);
        if is_alone {
            let (outcome, fill) = fetch.ask(service, body).await;
            if let Some(fill) = fill {
                tokio::spawn(fill.run().in_current_span());
            }
            return self.respond(outcome);
        }
        let (reply, outcome) = oneshot::channel();
        let task = tokio::spawn(fetch.run(service, body, Some(reply)).in_current_span());
        match outcome.await {
            Ok(outcome) => self.respond(outcome),
            Err(_) => match task.await {
                // A handler's panic is its caller's, as without a cache.
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime ends, and this with it.
                _ => std::future::pending().await,
            },
        }
    }

    fn respond<P: ResponseBody, E>(&self, outcome: Outcome<P, E>) -> Result<Response<CacheBody>, E> {
        let shared = &self.shared;
        match outcome {
            Outcome::Entry { entry, is_validated, own, status } => {
                let mut response = shared.respond(self.asking(), &entry, shared.now(), is_validated, &status);
                response.headers_mut().extend(own);
                Ok(response)
            }
            Outcome::Filling { filling, reader, original, status } => {
                Ok(shared.respond_filling(self.asking(), &filling, reader, Some(original), &status))
            }
            Outcome::Passed { response, status } => Ok(shared.pass(response, &status)),
            Outcome::Failed(error) => Err(error),
        }
    }

    /// Waits for who asks; `Waiting`: in vain, for as long as one does.
    async fn wait(&self, progress: &mut watch::Receiver<Progress>) -> Progress {
        let mut limit = pin!(self.shared.time.sleep(self.shared.wait_limit));
        let mut there = pin!(async {
            let there = progress.wait_for(|progress| !matches!(progress, Progress::Waiting)).await;
            there.map_or(Progress::Alone, |progress| progress.clone())
        });
        poll_fn(|context| match there.as_mut().poll(context) {
            Poll::Ready(progress) => Poll::Ready(progress),
            Poll::Pending => limit.as_mut().poll(context).map(|()| Progress::Waiting),
        })
        .await
    }

    /// Takes what another request was answered with. `None`: it is not for this one.
    fn share(&self, answered: &Answered, stale: Option<&Entry>, why: Forwarded) -> Option<Response<CacheBody>> {
        let head = &answered.entry.head;
        let selection = self.rules.first().normalisers.select(&head.selection.names(), &self.parts.headers);
        // Who came after a purge has found nothing stale.
        let is_right = stale.is_some() && answered.captured.is_current() && selection == head.selection;
        if !is_right || !self.is_purged_with(&answered.entry.tags) || !reuse::is_for(head, &self.parts.headers) {
            return None;
        }
        let status = CacheStatus { forwarded: Some(why), is_collapsed: true, ..answered.status.clone() };
        Some(self.shared.respond(self.asking(), &answered.entry, self.shared.now(), false, &status))
    }

    /// Takes part in a response that is under way. `Ok(None)`: it is not for this request. `Err`: it is another variant, and this is where the right one is.
    fn join(&self, filling: &Filling, why: Forwarded) -> Result<Option<Response<CacheBody>>, EntryKey> {
        let head = &filling.head;
        let selection = self.rules.first().normalisers.select(&head.selection.names(), &self.parts.headers);
        if selection != head.selection {
            return Err(self.primary.variant(&selection));
        }
        let is_fresh = filling.captured.is_current() && reuse::decide(head, self.shared.now(), None) == Reuse::Fresh;
        if !is_fresh || !self.is_purged_with(&filling.tags) || !reuse::is_for(head, &self.parts.headers) {
            return Ok(None);
        }
        let status = CacheStatus { is_collapsed: true, ..CacheStatus::forwarded(why) };
        let respond = |reader| self.shared.respond_filling(self.asking(), filling, reader, None, &status);
        Ok(filling.spool.reader().map(respond))
    }

    /// A HEAD that goes on to the handler; what comes back tells something of what is stored (RFC 9111 §4.3.5).
    async fn head<S, Q, P>(
        self,
        mut service: S,
        body: Q,
        key: EntryKey,
        stored: Option<Arc<Entry>>,
        why: Forwarded,
    ) -> Result<Response<CacheBody>, S::Error>
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        let Asked { shared, rules, primary, parts, .. } = self;
        let (requested, fields) = (shared.now(), parts.headers.clone());
        let captured = shared.store.capture(&primary, stored.as_ref().map_or(&[][..], |entry| &entry.tags)).await;
        let response = call(&mut service, Request::from_parts(parts, body)).await?;
        let mut status = CacheStatus::forwarded(why);
        if let Some(stored) =
            stored.filter(|entry| response.status() == StatusCode::OK && entry.head.status == StatusCode::OK)
        {
            let (now, newer, head) = (shared.now(), response.headers(), &stored.head);
            let asked = storage::Asked { method: &Method::GET, fields: &fields, at: requested };
            let agrees = validation::head_agrees(head, stored.body.len(), newer);
            let normalisers = &rules.first().normalisers;
            let policy = &rules.storing(head.status, &head.fields).unwrap_or(rules.first()).policy;
            match validation::freshen(head, newer, asked, now, policy, normalisers) {
                Ok(fresh) if agrees => {
                    let (body, tags) = (stored.body.clone(), stored.tags.clone());
                    let entry = store::entry(fresh, body, tags, now, policy.keep_for_validation);
                    let (captured, request, freshens) = (&captured, &fields, Some(head));
                    let keeping = Keeping { primary: &primary, entry, captured, request, normalisers, now, freshens };
                    status.is_stored = shared.store.keep(keeping).await;
                }
                // What this request alone is the reason for says nothing about what is stored.
                Err((refusal, _)) if refusal.is_of_request() => {}
                _ => shared.store.remove_this(&key, head).await,
            }
        }
        Ok(shared.pass(response, &status))
    }
}

/// Whether a request has a body, which a GET has no use for: a handler that reads it all the same must not answer others with what one has sent.
fn has_body<Q: http_body::Body>(parts: &Parts, body: &Q) -> bool {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let is_announced =
        parts.headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0");
    // HTTP/2 announces none.
    is_announced || !(body.is_end_stream() || body.size_hint().exact() == Some(0))
}

/// Past the cache.
async fn pass<S, Q, P>(
    shared: &Shared,
    mut service: S,
    request: Request<Q>,
    why: Forwarded,
) -> Result<Response<CacheBody>, S::Error>
where
    S: Handler<Q, P>,
    P: ResponseBody,
{
    let response = call(&mut service, request).await?;
    Ok(shared.pass(response, &CacheStatus::forwarded(why)))
}

/// RFC 9111 §4.4.
async fn invalidate(shared: &Shared, target: &Uri, response: &http::HeaderMap) {
    let named = invalidation::named(target, response);
    let uris = [target].into_iter().chain(&named);
    let keys: Vec<String> = uris.filter_map(|uri| shared.keys_of(uri)).flatten().collect();
    // All at once: what has begun goes on when this is dropped.
    shared.store.invalidate_uris(&keys).await;
}
