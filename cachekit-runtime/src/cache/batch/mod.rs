//! Calls over several ids whose elements are cached one by one.
//!
//! A call looks for each of its ids. What is missing it leads or follows, each element a flight of its own, shared with single calls. It runs the body
//! once for all that it leads, publishes what that gave, and only then waits for what others lead: so two batches that overlap in opposite orders never
//! wait for each other. What others gave up meanwhile is loaded by a further run.

mod elements;
#[cfg(feature = "backend")]
mod far;
#[cfg(not(feature = "backend"))]
#[path = "near_only.rs"]
mod far;
mod load;
mod map;
mod run;
mod sharing;

pub use sharing::{SameKey, SharesValue};

use super::{
    Cache, Look, look, look_refresh,
    miss::{Missed, Plan},
};
use crate::{
    key::{Key, Parts},
    outcome::Outcome,
    output::{BatchOr, ElementProbe, Ids, Value},
    stats::Bypass,
    tags::TagSet,
};
use hashbrown::HashTable;
use sharing::Sharing;

/// A call over several ids, as far as it has looked. `S` is what is stored per id, `V` what the function gives.
#[must_use = "a batch does nothing until it is run"]
pub struct Batch<K, S, V> {
    cache: Cache<K, S>,
    sharing: Sharing<S, V>,
    /// By position in the list of the ids.
    answers: Vec<Answer<V>>,
    wanted: Vec<Wanted<K, S, V>>,
    /// Of `wanted`, by key.
    known: HashTable<usize>,
    purpose: Purpose,
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Load,
    /// Whatever is there is loaded anew.
    Refresh,
    /// Nothing is loaded.
    Get,
}

enum Answer<V> {
    Known(Option<V>),
    /// As the element of that number.
    Wanted(usize),
}

/// An id that is not in memory, once.
struct Wanted<K, S, V> {
    hash: u64,
    key: Option<K>,
    tags: Option<TagSet>,
    plan: Plan<K, S>,
    /// Where it stands first.
    position: usize,
    /// How often it stands in the list.
    uses: usize,
    answer: Option<V>,
}

/// A batch whose elements are stored as they are; ids without a value are not.
pub fn batch<K: Key, V: Value>(cache: &Cache<K, V>, ids: usize) -> Batch<K, V, V> {
    Batch::new(cache, Sharing::VALUES, ids)
}

/// A batch of which ids without a value are stored too.
pub fn batch_of_options<K: Key, V: Value>(cache: &Cache<K, Option<V>>, ids: usize) -> Batch<K, Option<V>, V> {
    Batch::new(cache, Sharing::OPTIONS, ids)
}

/// A batch that shares the entries of a single function.
pub fn batch_of<K: Key, V, SingleK: SameKey<K>, S: Value + SharesValue<V>>(
    cache: &Cache<SingleK, S>,
    ids: usize,
) -> Batch<K, S, V> {
    Batch::new(SingleK::same(cache), Sharing::SHARED, ids)
}

impl<K, S, V> Batch<K, S, V> {
    fn new(cache: &Cache<K, S>, sharing: Sharing<S, V>, ids: usize) -> Self {
        Batch {
            cache: cache.clone(),
            sharing,
            answers: Vec::with_capacity(ids),
            wanted: Vec::new(),
            known: HashTable::new(),
            purpose: Purpose::Load,
        }
    }

    /// Where its elements are.
    pub fn cache(&self) -> &Cache<K, S> {
        &self.cache
    }

    /// Whatever is there is loaded anew.
    pub fn refreshing(mut self) -> Self {
        self.purpose = Purpose::Refresh;
        self
    }

    /// Only what there is is wanted.
    pub fn getting(mut self) -> Self {
        self.purpose = Purpose::Get;
        self
    }

    /// What finds out how its elements are shared with followers.
    pub fn element_probe<R: BatchOr<I, OK>, I, const OK: bool>(&self) -> ElementProbe<S, R::Error> {
        ElementProbe::NEW
    }
}

impl<K: Key, S: Value, V: Value> Batch<K, S, V> {
    /// Looks for the next id.
    #[inline]
    pub fn look<P: Parts<Key = K>>(&mut self, parts: &P) {
        match self.found(parts) {
            Look::Hit(stored) => self.answers.push(Answer::Known((self.sharing.unwrap)(stored))),
            other => self.look_closer(other, parts, None),
        }
    }

    /// As [`look`](Self::look), and tags what is loaded, with the tags' versions of now.
    pub fn look_tagged<P: Parts<Key = K>, const N: usize>(&mut self, parts: &P, tags: impl FnOnce() -> [String; N]) {
        match self.found(parts) {
            Look::Hit(stored) => self.answers.push(Answer::Known((self.sharing.unwrap)(stored))),
            other => {
                let tags = TagSet::capture(&self.cache.here().core.tags, tags());
                self.look_closer(other, parts, tags);
            }
        }
    }

    #[inline]
    fn found<P: Parts<Key = K>>(&self, parts: &P) -> Look<K, S> {
        if self.purpose == Purpose::Refresh {
            return Look::Miss(look_refresh(&self.cache, parts, &mut Outcome::new()));
        }
        look(&self.cache, parts)
    }

    #[cold]
    #[inline(never)]
    fn look_closer<P: Parts<Key = K>>(&mut self, found: Look<K, S>, parts: &P, tags: Option<TagSet>) {
        let found = match found {
            Look::Hit(stored) => Ok(stored),
            Look::Stale(stale) if self.purpose == Purpose::Get => Ok(stale.into_value()),
            // The body is here, so a refresh is this call's.
            Look::Stale(stale) => stale.claim_inline(),
            Look::Miss(miss) => Err(miss),
        };
        match found {
            Ok(stored) => self.answers.push(Answer::Known((self.sharing.unwrap)(stored))),
            Err(miss) => match *miss.inner {
                Missed { plan: Plan::Compare(stored, _) | Plan::Renew(_, stored), .. }
                    if self.purpose == Purpose::Get =>
                {
                    self.answers.push(Answer::Known((self.sharing.unwrap)(stored)));
                }
                missed => self.want(missed, parts, tags),
            },
        }
    }

    fn want<P: Parts<Key = K>>(&mut self, missed: Missed<K, S>, parts: &P, tags: Option<TagSet>) {
        let Missed { core, mut hash, key, tags: by_key, plan, .. } = missed;
        if key.is_none() {
            hash = core.hash(parts);
        }
        let wanted = &self.wanted;
        let is_same =
            |at: &usize| wanted.get(*at).and_then(|other| other.key.as_ref()).is_some_and(|key| parts.matches_key(key));
        if let Some(at) = self.known.find(hash, is_same).copied() {
            self.answers.push(Answer::Wanted(at));
            if let Some(same) = self.wanted.get_mut(at) {
                same.uses += 1;
            }
            if !matches!(plan, Plan::Bypass) {
                core.counters.join();
            }
            return;
        }
        let at = wanted.len();
        let hash_of = |at: &usize| wanted.get(*at).map_or(0, |other| other.hash);
        self.known.insert_unique(hash, at, hash_of);
        let (key, position) = (key.or_else(|| parts.to_key()), self.answers.len());
        self.answers.push(Answer::Wanted(at));
        self.wanted.push(Wanted { hash, key, tags: tags.or(by_key), plan, position, uses: 1, answer: None });
    }

    /// `bypass_if` sends the call past the cache.
    pub fn bypass(&self) {
        let counters = &self.cache.here().core.counters;
        counters.bypass(Bypass::Asked);
        counters.batch();
    }

    /// The output, if every id was there.
    ///
    /// # Errors
    /// Itself, if it has to load.
    pub fn complete<R, I, const OK: bool>(mut self, mut ids: impl Iterator<Item = Option<I>>) -> Result<R, Self>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        if !self.wanted.is_empty() {
            return Err(self);
        }
        let values = self.values();
        R::join(&mut ids, values).ok_or(self)
    }

    /// What there is, by position.
    fn values(&mut self) -> Vec<Option<V>> {
        let wanted = &mut self.wanted;
        let value = |answer| match answer {
            Answer::Known(value) => value,
            Answer::Wanted(at) => wanted.get_mut(at).and_then(|wanted| {
                wanted.uses -= 1;
                if wanted.uses == 0 { wanted.answer.take() } else { wanted.answer.clone() }
            }),
        };
        std::mem::take(&mut self.answers).into_iter().map(value).collect()
    }

    fn join<R, I, const OK: bool>(mut self, own: &impl Fn(usize) -> Option<I>) -> Option<R>
    where
        R: BatchOr<I, OK, Value = V>,
    {
        let values = self.values();
        let mut ids = (0..values.len()).map(own);
        let ids: Ids<'_, I> = &mut ids;
        R::join(ids, values)
    }
}
