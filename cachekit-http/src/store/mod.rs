//! Where responses are kept: in a cache of the runtime, under tags, variants at keys of their own.

mod codec;
mod entry;
mod given;
mod key;
#[cfg(feature = "registry")]
mod shown;
mod variants;

pub use codec::EntryCodec;
pub use entry::{Entry, Recipe, Stored};
pub use key::EntryKey;

use crate::policy::{
    Head,
    vary::{Normalisers, Selection},
};
use bytes::Bytes;
use cachekit_runtime::{Builder, Cache, Captured, Delivery, stats::Stats};
use http::HeaderMap;
use std::{
    future::poll_fn,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;
use variants::{Hashers, Variants};

/// At most so many fields select a variant: more are nobody's negotiation, and make every request a miss.
const MOST_FIELDS: usize = 16;

/// At most so many tags of a rule, beside the two that every response has: with more the runtime stores nothing.
const MOST_TAGS: usize = 14;

/// At most so many paths lead to one response of a handler.
const MOST_PATHS: usize = 8;

/// So many responses can be stored at once.
const TURNS: usize = 256;

/// What a look found.
#[derive(Debug)]
pub(crate) struct Looked {
    /// Where the response is, or would be.
    pub(crate) key: EntryKey,
    /// The response, if there is one.
    pub(crate) entry: Option<Arc<Entry>>,
    /// Whether the URI has variants.
    pub(crate) has_variants: bool,
}

/// What a glance has seen in memory, fresh beyond doubt.
#[derive(Debug)]
pub(crate) enum Seen {
    /// The response at the key of the URI.
    Response(Arc<Stored>),
    /// The response of a variant, and where it is.
    Variant(EntryKey, Arc<Stored>),
    /// What is at the key of the URI, which leads to a variant.
    Primary(Arc<Stored>),
}

/// The entries of one layer.
#[derive(Debug)]
pub(crate) struct Store {
    cache: Cache<EntryKey, Arc<Stored>>,
    /// Keys whose responses may not be shared, for a short while: nobody waits for one.
    passed: Cache<u128, ()>,
    hashers: Hashers,
    variants: Variants,
    /// The tags that the last response of a URI has named; of a handler's those of the paths by which it was asked for.
    learned: Cache<u128, Arc<[String]>>,
    /// No other process has its entries.
    is_alone: bool,
    /// By key: who stores looks first at what it replaces.
    turns: Box<[Mutex<()>]>,
    name: Arc<str>,
}

/// What a builder says of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_bytes: u64,
    pub(crate) max_variants: usize,
    /// No other process has its entries.
    pub(crate) is_alone: bool,
}

/// A response that is to be kept.
#[derive(Debug)]
pub(crate) struct Keeping<'a> {
    pub(crate) primary: &'a EntryKey,
    pub(crate) entry: Entry,
    /// From before it was asked for.
    pub(crate) captured: &'a Captured,
    /// The fields of the request.
    pub(crate) request: &'a HeaderMap,
    pub(crate) normalisers: &'a Normalisers,
    pub(crate) now: SystemTime,
    /// What it freshens, if that is what it does.
    pub(crate) freshens: Option<&'a Head>,
}

impl Seen {
    /// The response, if that is what was seen.
    pub(crate) fn response(&self) -> Option<&Arc<Entry>> {
        match self {
            Seen::Response(stored) | Seen::Variant(_, stored) => match &**stored {
                Stored::Response(entry) => Some(entry),
                Stored::Recipe(_) => None,
            },
            Seen::Primary(_) => None,
        }
    }
}

impl Keeping<'_> {
    /// Whether it is newer than what is there. What is freshened has to be what is there: of anything else nobody has said that it is still good.
    fn may_replace(&self, there: Option<&Stored>) -> bool {
        let Some(Stored::Response(there)) = there else { return true };
        match self.freshens {
            Some(freshened) => there.head.is_same(freshened),
            None => !there.head.is_later_than(&self.entry.head, self.now),
        }
    }
}

impl Store {
    pub(crate) fn new(
        cache: Builder<EntryKey, Arc<Stored>>,
        passed: Builder<u128, ()>,
        name: &str,
        limits: Limits,
    ) -> Self {
        // What is known of URIs is a small part of what is kept of them.
        let besides = (limits.max_bytes / 16).max(64 << 10);
        let learned = Cache::builder().name(format!("{name}-tags"));
        let learned = learned.max_bytes_with(besides, |_: &u128, tags: &Arc<[String]>| {
            tags.iter().map(|tag| tag.len() as u64 + 32).sum::<u64>() + 64
        });
        let name: Arc<str> = name.into();
        let of_key = name.clone();
        let cache = cache
            .ttl_with(|stored: &Arc<Stored>| stored.kept_for())
            // How long what is stale may be given is a matter of each response.
            .give_softened()
            .tags_with(move |key: &EntryKey| vec![tag_of_all(&of_key), tag_of_uri(&of_key, key.uri())]);
        #[cfg(feature = "registry")]
        let cache = cache.readable().described_by(|stored| stored.to_string());
        Store {
            cache: cache.build(),
            passed: passed.build(),
            hashers: Hashers::default(),
            variants: Variants::new(&name, besides, limits.max_variants),
            learned: learned.build(),
            is_alone: limits.is_alone,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            name,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.cache.stats()
    }

    /// What is there without waiting for anything. `None` says nothing.
    pub(crate) fn glance(&self, primary: &EntryKey, request: &HeaderMap, normalisers: &Normalisers) -> Option<Seen> {
        let stored = self.cache.get_at_once(primary)?;
        let names = match &*stored {
            Stored::Response(entry) if entry.head.selection.is_empty() => {
                return Some(Seen::Response(stored));
            }
            Stored::Response(entry) => entry.head.selection.names(),
            Stored::Recipe(recipe) => recipe.names.clone(),
        };
        let key = primary.variant(&normalisers.select(&names, request));
        match self.cache.get_at_once(&key) {
            Some(variant) if matches!(&*variant, Stored::Response(_)) => {
                self.variants.touch(primary, &key);
                Some(Seen::Variant(key, variant))
            }
            _ => Some(Seen::Primary(stored)),
        }
    }

    /// The response to a request, or where it would be. `seen`: by a glance just now.
    pub(crate) async fn look(
        &self,
        primary: &EntryKey,
        request: &HeaderMap,
        normalisers: &Normalisers,
        now: SystemTime,
        seen: Option<Seen>,
    ) -> Looked {
        let found = seen.as_ref().and_then(Seen::response).cloned();
        let stored = match seen {
            Some(Seen::Response(_)) => return Looked { key: primary.clone(), entry: found, has_variants: false },
            Some(Seen::Variant(key, _)) => return Looked { key, entry: found, has_variants: true },
            Some(Seen::Primary(stored)) => Some((stored, None)),
            None => self.cache.get_softened_async(primary).await,
        };
        let recipe = match stored.as_ref().map(|(stored, stale_for)| (&**stored, *stale_for)) {
            None => return Looked { key: primary.clone(), entry: None, has_variants: false },
            Some((Stored::Response(entry), stale_for)) if entry.head.selection.is_empty() => {
                let entry = Some(softened(entry, stale_for, now));
                return Looked { key: primary.clone(), entry, has_variants: false };
            }
            Some((Stored::Response(entry), _)) => entry.head.selection.names(),
            Some((Stored::Recipe(recipe), _)) => recipe.names.clone(),
        };
        let selection = normalisers.select(&recipe, request);
        let key = primary.variant(&selection);
        let mut entry = self.response_at(&key, now).await;
        if entry.is_none()
            && let Some(preferred) = normalisers.by_preferred_language(&selection, request)
        {
            entry = self.response_at(&primary.variant(&preferred), now).await;
        }
        if entry.is_some() {
            self.variants.touch(primary, &key);
        }
        Looked { key, entry, has_variants: true }
    }

    async fn response_at(&self, key: &EntryKey, now: SystemTime) -> Option<Arc<Entry>> {
        let (stored, stale_for) = self.cache.get_softened_async(key).await?;
        match &*stored {
            Stored::Response(entry) => Some(softened(entry, stale_for, now)),
            Stored::Recipe(_) => None,
        }
    }

    /// Before the handler is asked: what is purged from now on is not stored.
    pub(crate) async fn capture(&self, key: &EntryKey, tags: &[String]) -> Captured {
        let implicit = [tag_of_all(&self.name), tag_of_uri(&self.name, key.uri())];
        self.cache.capture(implicit.iter().chain(tags)).await
    }

    /// The tags that the last response of a URI has named.
    pub(crate) fn learned_tags(&self, primary: &EntryKey) -> Option<Arc<[String]>> {
        self.learned.get(&self.hashers.hash(primary))
    }

    pub(crate) fn learn_tags(&self, primary: &EntryKey, named: Vec<String>) {
        let _ = self.learned.insert(self.hashers.hash(primary), named.into());
    }

    /// The tags of the paths by which a response of a handler is purged that is asked for by this one: beside it those by which it was asked for before, as far as what is there
    /// (`there`) has told, and as there is room beside so many tags of its own.
    pub(crate) fn tags_of_paths(&self, primary: &EntryKey, path: &str, there: &[String], others: usize) -> Vec<String> {
        let (own, known) = (self.tag_of_uri(path), self.learned_tags(primary));
        let found = there.iter().filter(|tag| uri_of(&self.name, tag).is_some());
        let mut tags: Vec<String> = known.iter().flat_map(|known| known.iter()).cloned().collect();
        for tag in found {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        if !tags.contains(&own) {
            tags.push(own);
        }
        // Those stay that were met first: others, that anybody may think of, take nobody's place, and are asked for anew each time.
        tags.truncate(MOST_PATHS.min(MOST_TAGS.saturating_sub(others)).max(1));
        // One is what most responses have, and nothing to remember.
        if !there.is_empty() {
            self.learn_tags(primary, tags.clone());
        }
        tags
    }

    /// Whether a response with these tags is purged with this URI.
    pub(crate) fn is_purged_by(&self, tags: &[String], uri: &str) -> bool {
        // Those of URIs are the last ones.
        tags.iter().rev().any(|tag| uri_of(&self.name, tag) == Some(uri))
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// How often tags have changed in this process.
    pub(crate) fn tag_changes(&self) -> u64 {
        self.cache.tag_changes()
    }

    /// Keeps a response. `false`: it was purged meanwhile, or something that is newer is there.
    pub(crate) async fn keep(&self, keeping: Keeping<'_>) -> bool {
        let Keeping { primary, ref entry, captured, request, normalisers, now, .. } = keeping;
        let turn = usize::try_from(self.hashers.hash(primary) % TURNS as u128).unwrap_or_default();
        let _turn = match self.turns.get(turn) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let there = self.cache.get_softened_async(primary).await;
        let (there, is_softened) = match &there {
            Some((there, stale_for)) => (Some(&**there), stale_for.is_some()),
            None => (None, false),
        };
        if !keeping.may_replace(there) {
            return false;
        }
        let known = match there {
            Some(Stored::Recipe(recipe)) => Some(recipe),
            _ => None,
        };
        if entry.head.selection.is_empty() && known.is_none() {
            let response = Arc::new(Stored::Response(Arc::new(keeping.entry)));
            return self.cache.insert_captured(primary.clone(), response, captured).await.is_some();
        }
        let mut names = entry.head.selection.names();
        names.extend(known.into_iter().flat_map(|recipe| recipe.names.clone()));
        names.sort_by(|one, two| one.as_str().cmp(two.as_str()));
        names.dedup();
        if names.len() > MOST_FIELDS {
            return false;
        }
        let selection = normalisers.select(&names, request);
        let key = primary.variant(&selection);
        if known.is_some() && !keeping.may_replace(self.cache.get_async(&key).await.as_deref()) {
            return false;
        }
        let kept_until = later(now, entry.kept_for);
        let is_known = known.is_some_and(|recipe| recipe.names == names && recipe.kept_until >= kept_until);
        // One that was made stale is made invalid some time, and would take along what is asked for anew.
        let is_known = is_known && !is_softened;
        if !is_known {
            // The first one is for the first response; one that was outlived is likely to be again, and is small.
            let margin = if known.is_some() { entry.kept_for } else { Duration::ZERO };
            let least = later(kept_until, margin);
            let kept_until = known.map_or(least, |recipe| recipe.kept_until.max(least));
            let kept_for = kept_until.duration_since(now).unwrap_or_default();
            let recipe = Arc::new(Stored::Recipe(Recipe { names, kept_for, kept_until }));
            if self.cache.insert_captured(primary.clone(), recipe, captured).await.is_none() {
                return false;
            }
        }
        for spare in self.variants.add(primary, &key, kept_until, now) {
            self.remove(&spare).await;
        }
        self.keep_variant(primary, &selection, keeping.entry, captured, normalisers).await
    }

    async fn keep_variant(
        &self,
        primary: &EntryKey,
        selection: &Selection,
        entry: Entry,
        captured: &Captured,
        normalisers: &Normalisers,
    ) -> bool {
        let by_language = normalisers.by_language_of(selection, &entry.head.fields);
        let response = Arc::new(Stored::Response(Arc::new(entry)));
        for selection in by_language.iter().chain([selection]) {
            let key = primary.variant(selection);
            if self.cache.insert_captured(key, response.clone(), captured).await.is_none() {
                return false;
            }
        }
        true
    }

    /// Whether this process is to ask for what is at the key anew, of all that share it, for so long.
    pub(crate) async fn lease(&self, key: &EntryKey, time: Duration) -> bool {
        self.cache.lease(key, time).await
    }

    /// Takes one response away.
    pub(crate) async fn remove(&self, key: &EntryKey) {
        self.cache.invalidate_async(key).await;
    }

    /// Takes a response away, unless another one has come in its place.
    pub(crate) async fn remove_this(&self, key: &EntryKey, head: &Head) {
        if let Some(Stored::Response(there)) = self.cache.get_async(key).await.as_deref()
            && there.head.is_same(head)
        {
            self.remove(key).await;
        }
    }

    /// The responses of the key may not be shared.
    pub(crate) fn pass(&self, key: &EntryKey) {
        let _ = self.passed.insert(self.hashers.hash(key), ());
    }

    /// The responses of the key may be shared again.
    pub(crate) fn share(&self, key: &EntryKey) {
        if self.is_passed(key) {
            self.passed.invalidate(&self.hashers.hash(key));
        }
    }

    /// Whether the last response of the key could not be shared.
    pub(crate) fn is_passed(&self, key: &EntryKey) -> bool {
        self.passed.contains(&self.hashers.hash(key))
    }

    /// What the responses of a URI have beside the tags of their rule.
    pub(crate) fn tag_of_uri(&self, uri: &str) -> String {
        tag_of_uri(&self.name, uri)
    }

    /// Makes all responses of a URI invalid, however rules write it: every variant, of every identity, on every node. Begins with the call; dropped meanwhile, it goes on.
    pub(crate) fn invalidate_uris(&self, uris: &[String]) -> impl Future<Output = Delivery> + Send + use<> {
        self.invalidate_tags(uris.iter().map(|uri| tag_of_uri(&self.name, uri)).collect())
    }

    /// Makes everything invalid. Begins with the call; dropped meanwhile, it goes on.
    pub(crate) fn invalidate_all(&self) -> impl Future<Output = Delivery> + Send + use<> {
        self.invalidate_tags(vec![tag_of_all(&self.name)])
    }

    /// Makes the responses with these tags invalid. Begins with the call; dropped meanwhile, it goes on.
    pub(crate) fn invalidate_tags(&self, tags: Vec<String>) -> impl Future<Output = Delivery> + Send + use<> {
        // A process that has stored nothing yet has not met its backends either, and they are to be told.
        self.cache.tell_of_tags();
        all(tags.into_iter().map(cachekit_runtime::invalidate_tag_async).collect())
    }

    /// As [`invalidate_uris`](Self::invalidate_uris), but what is there may still stand in where stale responses may.
    pub(crate) fn soften_uris(&self, uris: &[String]) -> impl Future<Output = Delivery> + Send + use<> {
        self.soften_tags(uris.iter().map(|uri| tag_of_uri(&self.name, uri)).collect())
    }

    /// As [`invalidate_all`](Self::invalidate_all), softly.
    pub(crate) fn soften_all(&self) -> impl Future<Output = Delivery> + Send + use<> {
        self.soften_tags(vec![tag_of_all(&self.name)])
    }

    /// As [`invalidate_tags`](Self::invalidate_tags), softly. Begins with the call; dropped meanwhile, the tags are invalidated where they were not made stale yet.
    pub(crate) fn soften_tags(&self, tags: Vec<String>) -> impl Future<Output = Delivery> + Send + use<> {
        all(tags.into_iter().map(|tag| self.cache.soften_tag_async(tag)).collect())
    }
}

/// A response that was made stale so long ago.
fn softened(entry: &Arc<Entry>, stale_for: Option<Duration>, now: SystemTime) -> Arc<Entry> {
    match stale_for {
        Some(stale_for) => Arc::new(entry.stale_since(now.checked_sub(stale_for).unwrap_or(now))),
        None => entry.clone(),
    }
}

/// What all of these say, which go on at once.
fn all<F: Future<Output = Delivery> + Send>(futures: Vec<F>) -> impl Future<Output = Delivery> + Send {
    let mut under_way: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut delivery = Delivery::Local;
    poll_fn(move |context| {
        under_way.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(told) => {
                delivery = delivery.and(told);
                false
            }
            Poll::Pending => true,
        });
        if under_way.is_empty() { Poll::Ready(delivery) } else { Poll::Pending }
    })
}

fn later(time: SystemTime, by: Duration) -> SystemTime {
    // Whoever keeps something for longer than there are times keeps it for ever.
    let forever = || time.checked_add(Duration::from_secs(1 << 32)).unwrap_or(time);
    time.checked_add(by).unwrap_or_else(forever)
}

/// Whether responses with these tags cannot be stored.
pub(crate) fn are_too_many(tags: &[String]) -> bool {
    tags.len() > MOST_TAGS && tags.iter().collect::<std::collections::HashSet<_>>().len() > MOST_TAGS
}

/// Whether responses that vary on these fields cannot be stored.
pub(crate) fn varies_too_much(selection: &Selection) -> bool {
    selection.fields().count() > MOST_FIELDS
}

fn tag_of_all(name: &str) -> String {
    format!("http:{name}:all")
}

fn tag_of_uri(name: &str, uri: &str) -> String {
    format!("http:{name}:uri:{uri}")
}

/// The URI whose tag this is, if it is one.
fn uri_of<'a>(name: &str, tag: &'a str) -> Option<&'a str> {
    tag.strip_prefix("http:")?.strip_prefix(name)?.strip_prefix(":uri:")
}

/// What an entry weighs: names, values, body and the key, with something for the bookkeeping of each.
pub(crate) fn weight(key: &EntryKey, stored: &Arc<Stored>) -> u64 {
    key.as_str().len() as u64 + stored.weight() + 128
}

/// An entry of a head and a body, for as long as it is worth keeping.
pub(crate) fn entry(head: Head, body: Bytes, tags: Vec<String>, now: SystemTime, for_validation: Duration) -> Entry {
    let kept_for = head.keep_for(now, for_validation);
    Entry::new(head, body, tags, kept_for)
}
