//! Asking the handler: in a task of its own where others wait for the answer, so that a client that leaves stops nobody's fill.

use super::{
    begin::NamedTags,
    body::BodyError,
    captures::Captures,
    flights::{Answered, Filling, Flight, Lead, Progress},
    handler::{Handler, ResponseBody, call},
    shared::{Rules, Shared},
    spool::{Reader, Room, Writer},
    target,
    wanted::while_wanted,
};
use crate::{
    fields::{CacheStatus, Forwarded},
    policy::{
        Head,
        reuse::{self, Failure},
        status, storage, validation,
    },
    store::{self, Entry, EntryKey, Keeping},
};
use bytes::Bytes;
use cachekit_runtime::Captured;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use std::{
    future::poll_fn,
    mem,
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::{Duration, SystemTime},
};
use tokio::{sync::oneshot, task::coop::consume_budget};

/// For how long a node has the right to refresh an entry for all.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

const LONGEST_LEASE: Duration = Duration::from_secs(10);

/// What became of it, for who caused it.
pub(super) enum Outcome<P, E> {
    /// What is stored answers: validated, or in place of an error. `own` are fields for who caused it alone.
    Entry { entry: Arc<Entry>, is_validated: bool, own: HeaderMap, status: CacheStatus },
    /// A response that is being stored.
    Filling { filling: Arc<Filling>, reader: Reader, original: http::response::Parts, status: CacheStatus },
    /// A response that is not.
    Passed { response: Response<P>, status: CacheStatus },
    /// None.
    Failed(E),
}

/// One question to the handler.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) shared: Arc<Shared>,
    pub(super) rules: Rules,
    pub(super) primary: EntryKey,
    /// Where the response is looked for.
    pub(super) key: EntryKey,
    /// Where requests for it wait for each other.
    pub(super) flight: EntryKey,
    /// Whether the request tells who sends it.
    pub(super) has_credentials: bool,
    /// What is there and has to be validated.
    pub(super) stale: Option<Arc<Entry>>,
    /// The client's request.
    pub(super) parts: Parts,
    pub(super) why: Forwarded,
    /// `None`: alone.
    pub(super) lead: Option<Lead>,
}

/// Why a response is not stored.
struct Declined {
    word: &'static str,
    /// Another request for the same might be answered with something that is.
    is_of_request: bool,
}

impl Declined {
    fn of_rule(word: &'static str) -> Self {
        Declined { word, is_of_request: false }
    }
}

/// How a response is stored.
struct Storing {
    head: Head,
    max_body: usize,
    /// Those of the rule that stores it.
    tags: Vec<String>,
    /// Of these those that it names itself.
    named: Vec<String>,
    for_validation: Duration,
}

type Reply<P, E> = oneshot::Sender<Outcome<P, E>>;

impl Fetch {
    /// Asks in a task of its own, answers `reply`, and reads the body to its end where it is stored.
    pub(super) async fn run<S, Q, P>(self, service: S, body: Q, reply: Option<Reply<P, S::Error>>)
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        let (shared, flight) = (self.shared.clone(), self.lead.as_ref().map(|lead| lead.flight().clone()));
        let is_wanted = || {
            reply.as_ref().is_some_and(|reply| !reply.is_closed()) || flight.as_ref().is_some_and(Flight::has_followers)
        };
        let asked = while_wanted(&shared, flight.as_ref(), is_wanted, self.ask(service, body)).await;
        let Some((outcome, fill)) = asked else { return };
        if let Some(reply) = reply {
            // Nobody may be there any more.
            let _ = reply.send(outcome);
        }
        if let Some(fill) = fill {
            fill.run().await;
        }
    }

    /// Asks for what is given meanwhile, on one node of all that share it: the others find what that one stores.
    pub(super) async fn refresh<S, Q, P>(self, service: S)
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        // Over when the next refresh is due, and soon enough for another node to try where this one has gone.
        let lifetime = self.stale.as_ref().map(|stale| stale.head.terms.lifetime).unwrap_or_default();
        let lease = (lifetime / 10).clamp(SHORTEST_LEASE, LONGEST_LEASE);
        // The right is to what is there now, which another node may have stored since this one has looked.
        if self.shared.store.lease(&self.key, lease).await && !self.is_replaced().await {
            self.run(service, Q::default(), None).await;
        }
    }

    /// Whether something newer is there than what is to be asked for anew.
    async fn is_replaced(&self) -> bool {
        let (normalisers, now) = (&self.rules.first().normalisers, self.shared.now());
        let there = self.shared.store.look(&self.primary, &self.parts.headers, normalisers, now, None).await.entry;
        let newer = |stale: &Arc<Entry>| there.is_some_and(|there| there.head.received > stale.head.received);
        self.stale.as_ref().is_some_and(newer)
    }

    /// Asks. A response that is to be stored comes with its body still to be read, which is for a task of its own.
    pub(super) async fn ask<S, Q, P>(mut self, mut service: S, body: Q) -> (Outcome<P, S::Error>, Option<Fill<P>>)
    where
        S: Handler<Q, P>,
        Q: Default + Send + 'static,
        P: ResponseBody,
    {
        let captures = self.capture().await;
        let mut requested = self.shared.now();
        let mut result = call(&mut service, self.request(body, self.stale.as_deref())).await;
        if let (Ok(response), Some(stale)) = (&result, &self.stale)
            && response.status() == StatusCode::NOT_MODIFIED
            && !self.is_of_function()
        {
            if validation::is_about(&stale.head, response.headers()) {
                return (self.validated(stale, response.headers(), requested, &captures).await, None);
            }
            // It is about another representation than the one that is here: only the whole helps.
            requested = self.shared.now();
            result = call(&mut service, self.request(Q::default(), None)).await;
        }
        let response = match result {
            Ok(response) if !status::is_error(response.status()) => response,
            failed => match (self.stand_in(&failed, &captures), failed) {
                (Some(outcome), _) => return (outcome, None),
                (None, Ok(response)) => response,
                (None, Err(error)) => return (Outcome::Failed(error), None),
            },
        };
        let length = length_of(response.headers()).or_else(|| response.body().size_hint().exact());
        let decided = match self.decide(&response, length, requested, &captures) {
            Ok(mut storing) => {
                let (store, named) = (&self.shared.store, mem::take(&mut storing.named));
                let captured = captures.of_response(store, &self.primary, &storing.tags, named).await;
                captured.map(|captured| (storing, captured)).ok_or(Declined::of_rule("new-tags"))
            }
            Err(declined) => Err(declined),
        };
        match decided {
            Ok((storing, captured)) => self.fill(response, length, storing, captured),
            Err(declined) => {
                self.decline(response.status(), &declined).await;
                let status = CacheStatus { detail: Some(declined.word), ..CacheStatus::forwarded(self.why) };
                // Who waits need not wait for the body: the lead goes with this.
                (Outcome::Passed { response, status }, None)
            }
        }
    }

    /// Whether a function answers that gets nothing of a question of ours, and once: a 304 of it is for its own client.
    fn is_of_function(&self) -> bool {
        self.parts.extensions.get::<NamedTags>().is_some()
    }

    /// The request for the handler. With `stale` it asks whether that is still good; else for the whole, unless nothing that comes back would be shared.
    fn request<Q>(&self, body: Q, stale: Option<&Entry>) -> Request<Q> {
        let mut parts = self.parts.clone();
        parts.method = Method::GET;
        match stale {
            Some(stale) => {
                validation::make_conditional(&mut parts.headers, &stale.head);
            }
            None if self.lead.is_some() || self.stale.is_some() => {
                // The client's conditions are answered from what comes back.
                for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE, header::IF_RANGE] {
                    parts.headers.remove(name);
                }
            }
            None => {}
        }
        Request::from_parts(parts, body)
    }

    /// The tags of every rule that may store the response, and of what is there, with their versions.
    async fn capture(&mut self) -> Captures {
        let rules = self.rules.clone();
        let of_rules =
            target::outside(&mut self.parts, |parts| rules.storers().map(|rule| rule.tags_of(parts)).collect());
        let stale = self.stale.as_ref().map(|stale| &stale.tags);
        Captures::new(&self.shared.store, &self.primary, &rules, of_rules, stale).await
    }

    /// What to store and how, or why not.
    fn decide<P>(
        &self,
        response: &Response<P>,
        length: Option<u64>,
        requested: SystemTime,
        captures: &Captures,
    ) -> Result<Storing, Declined> {
        let (status, fields) = (response.status(), response.headers());
        let rule = self.rules.storing(status, fields).ok_or(Declined::of_rule("no-rule"))?;
        let asked = storage::Asked { method: &Method::GET, fields: &self.parts.headers, at: requested };
        // The key is made as the first rule says, whichever stores.
        let normalisers = &self.rules.first().normalisers;
        let head = storage::decide(asked, status, fields, self.shared.now(), &rule.policy, normalisers)
            .map_err(|refusal| Declined { word: refusal.word(), is_of_request: refusal.is_of_request() })?;
        if length.is_some_and(|length| length > rule.max_body as u64) {
            return Err(Declined::of_rule("too-long"));
        }
        if store::varies_too_much(&head.selection) {
            return Err(Declined::of_rule("too-many-fields"));
        }
        let (max_body, for_validation) = (rule.max_body, rule.policy.keep_for_validation);
        let tags = captures.tags(&self.rules, rule, fields);
        if store::are_too_many(&tags) {
            return Err(Declined::of_rule("too-many-tags"));
        }
        Ok(Storing { head, max_body, tags, named: rule.tags_named(fields), for_validation })
    }

    /// What follows from a response that is not stored.
    async fn decline(&self, status: StatusCode, declined: &Declined) {
        // Who asks alone does so for a reason of its own, and is not to keep others from waiting for each other.
        if self.lead.is_some() {
            self.shared.store.pass(&self.flight);
        }
        if self.has_credentials {
            self.shared.shareable.remove(&self.primary);
        }
        let is_whole = !matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
        if is_whole && !status.is_informational() && !status.is_server_error() && !declined.is_of_request {
            self.supersede().await;
        }
    }

    /// What was to be validated is no answer any more (RFC 9111 §4.3.3).
    async fn supersede(&self) {
        if let Some(stale) = &self.stale {
            self.shared.store.remove_this(&self.key, &stale.head).await;
        }
    }

    /// What is stored, if it may stand in for this failure.
    fn stand_in<P, E>(&self, failed: &Result<Response<P>, E>, captures: &Captures) -> Option<Outcome<P, E>> {
        let stale = self.stale.as_ref()?;
        let (failure, code) = match failed {
            Ok(response) => (Failure::Error, Some(response.status().as_u16())),
            Err(_) => (Failure::Disconnected, None),
        };
        if !reuse::stands_in(&stale.head, self.shared.now(), failure) {
            return None;
        }
        let status = CacheStatus { forwarded_status: code, ..CacheStatus::forwarded(self.why) };
        let status = CacheStatus { detail: Some("stale-if-error"), ..status };
        // The others would be given the same, and each by a failure of its own.
        let entry = stale.clone();
        self.tell_answer(&entry, captures.of(&entry.tags), &status);
        Some(Outcome::Entry { entry, is_validated: false, own: HeaderMap::new(), status })
    }

    /// What is stored, as a 304 has freshened it.
    async fn validated<P, E>(
        &self,
        stale: &Entry,
        newer: &HeaderMap,
        requested: SystemTime,
        captures: &Captures,
    ) -> Outcome<P, E> {
        let (entry, own, is_stored) = self.freshen(stale, newer, requested, captures).await;
        let code = Some(StatusCode::NOT_MODIFIED.as_u16());
        let status = CacheStatus { forwarded_status: code, ..CacheStatus::forwarded(self.why) };
        if is_stored {
            self.note_shared();
            self.tell_answer(&entry, captures.of(&entry.tags), &status);
        }
        Outcome::Entry { entry, is_validated: true, own, status: CacheStatus { is_stored, ..status } }
    }

    fn tell(&self, progress: Progress) {
        if let Some(lead) = &self.lead {
            lead.tell(progress);
        }
    }

    fn tell_answer(&self, entry: &Arc<Entry>, captured: Option<&Captured>, status: &CacheStatus) {
        let Some(captured) = captured else { return };
        let (entry, captured, status) = (entry.clone(), captured.clone(), status.clone());
        self.tell(Progress::Answered(Arc::new(Answered { entry, captured, status })));
    }

    /// Others may wait for responses like this one.
    fn note_shared(&self) {
        self.shared.store.share(&self.flight);
        if self.has_credentials {
            self.shared.shareable.add(&self.primary);
        }
    }

    /// What is stored, freshened by a 304, what of that is for this client alone, and whether it could be stored again.
    async fn freshen(
        &self,
        stale: &Entry,
        newer: &HeaderMap,
        requested: SystemTime,
        captures: &Captures,
    ) -> (Arc<Entry>, HeaderMap, bool) {
        let now = self.shared.now();
        let (first, Head { status, fields, .. }) = (self.rules.first(), &stale.head);
        let policy = &self.rules.storing(*status, fields).unwrap_or(first).policy;
        let asked = storage::Asked { method: &Method::GET, fields: &self.parts.headers, at: requested };
        match validation::freshen(&stale.head, newer, asked, now, policy, &first.normalisers) {
            Ok(head) => {
                let own = validation::of_one_client(&head.fields, newer);
                let for_validation = policy.keep_for_validation;
                let entry = store::entry(head, stale.body.clone(), stale.tags.clone(), now, for_validation);
                let Some(captured) = captures.of(&stale.tags) else {
                    return (Arc::new(entry), own, false);
                };
                let (request, normalisers, freshens) = (&self.parts.headers, &first.normalisers, Some(&stale.head));
                let (primary, stored) = (&self.primary, entry.clone());
                let keeping = Keeping { primary, entry: stored, captured, request, normalisers, now, freshens };
                let kept = self.shared.store.keep(keeping).await;
                (Arc::new(entry), own, kept)
            }
            Err((refusal, fields)) => {
                if !refusal.is_of_request() {
                    self.supersede().await;
                }
                let mut entry = stale.clone();
                entry.head = Head { fields, received: now, initial_age: Default::default(), ..entry.head };
                (Arc::new(entry), HeaderMap::new(), false)
            }
        }
    }

    /// Gives the body to who reads it, while it is stored.
    fn fill<P, E>(
        self,
        response: Response<P>,
        length: Option<u64>,
        storing: Storing,
        captured: Captured,
    ) -> (Outcome<P, E>, Option<Fill<P>>) {
        self.note_shared();
        let (original, body) = response.into_parts();
        let (writer, reader) = Writer::new();
        let filling = Arc::new(Filling {
            head: storing.head.clone(),
            length,
            tags: storing.tags.clone(),
            spool: writer.spool().clone(),
            captured: captured.clone(),
        });
        let status = CacheStatus { is_stored: true, ..CacheStatus::forwarded(self.why) };
        self.tell(Progress::Filling(filling.clone()));
        let outcome = Outcome::Filling { filling, reader, original, status };
        (outcome, Some(Fill { fetch: self, writer, body, length, storing, captured }))
    }
}

/// A body that is on its way into the store.
pub(super) struct Fill<P> {
    fetch: Fetch,
    writer: Writer,
    body: P,
    length: Option<u64>,
    storing: Storing,
    captured: Captured,
}

impl<P: ResponseBody> Fill<P> {
    /// Reads the body, and stores it if it ends well.
    pub(super) async fn run(self) {
        let Fill { fetch, writer, body, length, storing, captured } = self;
        let Storing { head, max_body, tags, for_validation, .. } = storing;
        let (shared, flight) = (fetch.shared.clone(), fetch.lead.as_ref().map(|lead| lead.flight().clone()));
        let readers = writer.spool().clone();
        let is_wanted = || readers.is_read() || flight.as_ref().is_some_and(Flight::has_followers);
        let work = spool(body, writer, max_body, || fetch.tell(Progress::Alone));
        // Who does not end says nothing about what is stored.
        let Some(body) = while_wanted(&shared, flight.as_ref(), is_wanted, work).await else { return };
        let Some(body) = body.filter(|body| length.is_none_or(|length| length == body.len() as u64)) else {
            return fetch.supersede().await;
        };
        let now = shared.now();
        let entry = store::entry(head, body, tags, now, for_validation);
        let (primary, request, normalisers) = (&fetch.primary, &fetch.parts.headers, &fetch.rules.first().normalisers);
        let (captured, freshens) = (&captured, None);
        shared.store.keep(Keeping { primary, entry, captured, request, normalisers, now, freshens }).await;
        fetch.tell(Progress::Stored);
    }
}

fn length_of(fields: &HeaderMap) -> Option<u64> {
    fields.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body into a spool; all of it, if it is not too long and ends well.
async fn spool<P: ResponseBody>(body: P, writer: Writer, max_body: usize, too_long: impl FnOnce()) -> Option<Bytes> {
    let mut body = pin!(body);
    let (mut bytes, mut trailers, mut too_long) = (0_usize, None, Some(too_long));
    loop {
        // A handler that is quiet is let go when its last reader leaves, too.
        let next = poll_fn(|context| match ready!(writer.poll_room(context)) {
            Room::NotNeeded => Poll::Ready(None),
            Room::There => body.as_mut().poll_frame(context).map(Some),
        });
        let frame = match next.await? {
            None => return writer.finish(trailers),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                writer.fail(BodyError::handler(error));
                return None;
            }
        };
        match frame.into_data() {
            Ok(data) => {
                bytes = bytes.saturating_add(data.len());
                writer.push(data);
                if bytes > max_body
                    && let Some(too_long) = too_long.take()
                {
                    writer.stop_collecting();
                    too_long();
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        // One that always has more would keep its thread from everybody else.
        consume_budget().await;
    }
}
