//! Invalidations that a backend has not taken yet, and those that it took lately.
//!
//! Until they are delivered, this process neither reads nor stores what they name. A queue that is full coarsens instead of forgetting: it becomes the
//! clearing of the caches that it named.
//!
//! What was delivered is kept for a minute: a server that takes the place of the one that took it may not have it.

use crate::{
    backend::{Address, Fingerprint},
    sync::lock,
    time::nanos,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Keys that are remembered one by one, over all caches; and as many tags. More tags than that become the clearings of the caches that have some, as far
/// as this process knows them.
const MOST: usize = 64 * 1024;

/// How long after its delivery an invalidation may have to be repeated.
const LATELY: u64 = nanos(Duration::from_secs(60));

#[derive(Default)]
pub(super) struct Undelivered {
    /// So that a look asks no lock while there is nothing, which is always.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By id, with the number of the invalidation, so that a delivery takes away no later one.
    keys: HashMap<Box<str>, (u64, Address)>,
    caches: HashMap<Box<str>, u64>,
    tags: HashMap<Box<str>, u64>,
    /// Tags that were made stale, which hinders nobody here from reading what has them.
    softened: HashMap<Box<str>, u64>,
    next: u64,
    /// What was delivered, and when last.
    delivered: HashMap<Delivered, u64>,
    /// How many are looked through for what is old.
    prune_at: usize,
    /// The caches of this process that have entries with tags.
    tagged: HashSet<Box<str>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Delivered {
    Key(Box<str>),
    Cache(Box<str>),
    Tag(Box<str>),
    Softened(Box<str>),
}

/// What is to be delivered, in this order: caches, tags, those that become stale, keys.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) caches: Vec<(Box<str>, u64)>,
    pub(super) tags: Vec<(Box<str>, u64)>,
    pub(super) softened: Vec<(Box<str>, u64)>,
    pub(super) keys: Vec<(u64, Address)>,
    /// The largest number that anything has had so far.
    pub(super) last: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.caches.is_empty() && self.tags.is_empty() && self.softened.is_empty() && self.keys.is_empty()
    }
}

impl Undelivered {
    /// Its number; `None`: it has become part of a clearing.
    pub(super) fn add_key(&self, address: &Address) -> Option<u64> {
        let mut state = lock(&self.state);
        if state.caches.contains_key(address.cache()) {
            // Its clearing, delivered from now on, covers the key; as a new one, or a delivery under way would be taken for it.
            let cache = address.cache().to_owned();
            self.add(&mut state, &cache);
            return None;
        }
        if state.keys.len() >= MOST {
            let caches: HashSet<String> = state.keys.values().map(|(_, key)| key.cache().to_owned()).collect();
            state.keys.clear();
            caches.iter().chain([&address.cache().to_owned()]).for_each(|cache| _ = self.add(&mut state, cache));
            return None;
        }
        let number = state.number();
        state.keys.insert(address.id().into(), (number, address.clone()));
        self.any.store(true, Ordering::Release);
        Some(number)
    }

    /// Its number.
    pub(super) fn add_cache(&self, cache: &str) -> u64 {
        let mut state = lock(&self.state);
        state.keys.retain(|_, (_, address)| address.cache() != cache);
        self.add(&mut state, cache)
    }

    /// Its number.
    pub(super) fn add_tag(&self, tag: &str) -> u64 {
        self.add_tag_to(&mut lock(&self.state), tag)
    }

    /// A tag that could not be made stale is to be invalidated instead.
    pub(super) fn harden(&self, tag: &str) {
        let mut state = lock(&self.state);
        state.softened.remove(tag);
        self.add_tag_to(&mut state, tag);
    }

    fn add_tag_to(&self, state: &mut State, tag: &str) -> u64 {
        let number = state.number();
        if state.tags.len() >= MOST && !state.tags.contains_key(tag) {
            tracing::error!(
                "more than {MOST} tags wait to be invalidated: the caches of this process that have tags are cleared instead"
            );
            state.tags.clear();
            let tagged: Vec<Box<str>> = state.tagged.iter().cloned().collect();
            tagged.iter().for_each(|cache| _ = self.add(state, cache));
        }
        state.tags.insert(tag.into(), number);
        self.any.store(true, Ordering::Release);
        number
    }

    /// The cache has entries with tags.
    pub(super) fn add_tagged(&self, cache: &str) {
        lock(&self.state).tagged.insert(cache.into());
    }

    /// Is an invalidation of the tag not delivered?
    pub(super) fn holds_tag(&self, tag: &str) -> bool {
        self.is_any() && lock(&self.state).tags.contains_key(tag)
    }

    fn add(&self, state: &mut State, cache: &str) -> u64 {
        let number = state.number();
        state.caches.insert(cache.into(), number);
        self.any.store(true, Ordering::Release);
        number
    }

    /// How many there are.
    #[cfg(feature = "registry")]
    pub(super) fn len(&self) -> usize {
        if !self.is_any() {
            return 0;
        }
        let state = lock(&self.state);
        state.keys.len() + state.caches.len() + state.tags.len() + state.softened.len()
    }

    pub(super) fn is_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Is the backend not to be asked for this entry?
    pub(super) fn holds(&self, address: &Address, tags: &[String]) -> bool {
        self.is_any() && {
            let state = lock(&self.state);
            state.caches.contains_key(address.cache())
                || state.keys.contains_key(address.id())
                || tags.iter().any(|tag| state.tags.contains_key(tag.as_str()))
        }
    }

    /// What has a larger number than this; it stays until it is delivered.
    pub(super) fn next(&self, after: u64) -> Batch {
        let state = lock(&self.state);
        let of = |names: &HashMap<Box<str>, u64>| -> Vec<(Box<str>, u64)> {
            let names = names.iter().filter(|(_, number)| **number > after);
            names.map(|(name, number)| (name.clone(), *number)).collect()
        };
        Batch {
            caches: of(&state.caches),
            tags: of(&state.tags),
            softened: of(&state.softened),
            keys: state.keys.values().filter(|(number, _)| *number > after).cloned().collect(),
            last: state.next,
        }
    }

    pub(super) fn cache_delivered(&self, cache: &str, number: u64, now: u64) {
        let mut state = lock(&self.state);
        if state.caches.get(cache) == Some(&number) {
            state.caches.remove(cache);
        }
        state.note(now, Delivered::Cache(cache.into()));
        self.look(&state);
    }

    pub(super) fn tags_delivered(&self, tags: &[(Box<str>, u64)], now: u64) {
        self.told(tags, now, |state| &mut state.tags, Delivered::Tag);
    }

    /// These were made stale; to be done once more where another server takes the place of the one that did it.
    pub(super) fn softened(&self, tags: &[(Box<str>, u64)], now: u64) {
        self.told(tags, now, |state| &mut state.softened, Delivered::Softened);
    }

    fn told(
        &self,
        tags: &[(Box<str>, u64)],
        now: u64,
        waiting: impl Fn(&mut State) -> &mut HashMap<Box<str>, u64>,
        delivered: impl Fn(Box<str>) -> Delivered,
    ) {
        let mut state = lock(&self.state);
        for (tag, number) in tags {
            let waiting = waiting(&mut state);
            if waiting.get(tag) == Some(number) {
                waiting.remove(tag);
            }
            state.note(now, delivered(tag.clone()));
        }
        self.look(&state);
    }

    pub(super) fn keys_delivered(&self, keys: &[(u64, Address)], now: u64) {
        let mut state = lock(&self.state);
        for (number, address) in keys {
            if state.keys.get(address.id()).is_some_and(|(known, _)| known == number) {
                state.keys.remove(address.id());
            }
            state.note(now, Delivered::Key(address.id().into()));
        }
        self.look(&state);
    }

    /// What was delivered lately is to be delivered once more; and what is on its way now was perhaps sent to the server that has gone.
    pub(super) fn repeat(&self, now: u64) {
        let mut state = lock(&self.state);
        state.prune(now);
        let mut next = state.next;
        let mut number = || {
            next += 1;
            next
        };
        state.caches.values_mut().for_each(|known| *known = number());
        state.tags.values_mut().for_each(|known| *known = number());
        state.softened.values_mut().for_each(|known| *known = number());
        state.keys.values_mut().for_each(|(known, _)| *known = number());
        for (delivered, _) in std::mem::take(&mut state.delivered) {
            match delivered {
                Delivered::Cache(cache) => _ = state.caches.insert(cache, number()),
                Delivered::Tag(tag) => _ = state.tags.insert(tag, number()),
                Delivered::Softened(tag) => _ = state.softened.insert(tag, number()),
                Delivered::Key(id) => {
                    // Under whatever fingerprint: all are reached.
                    if let Some(key) = Address::from_id(&id, Fingerprint(0)) {
                        state.keys.insert(id, (number(), key));
                    }
                }
            }
        }
        state.next = next;
        let State { caches, keys, .. } = &mut *state;
        keys.retain(|_, (_, key)| !caches.contains_key(key.cache()));
        self.look(&state);
    }

    fn look(&self, state: &State) {
        let is_empty =
            state.keys.is_empty() && state.caches.is_empty() && state.tags.is_empty() && state.softened.is_empty();
        self.any.store(!is_empty, Ordering::Release);
    }
}

impl State {
    /// A list that is full becomes shorter by what it can say in fewer words.
    fn note(&mut self, now: u64, delivered: Delivered) {
        self.delivered.insert(delivered, now);
        if self.delivered.len() < self.prune_at.max(1_024) {
            return;
        }
        self.prune(now);
        if self.delivered.len() >= MOST {
            let cache_of = |id: &str| id.split_once(':').map_or(id, |(cache, _)| cache).into();
            let mut caches: HashSet<Box<str>> = HashSet::new();
            for (delivered, _) in self.delivered.drain() {
                match delivered {
                    Delivered::Key(id) => _ = caches.insert(cache_of(&id)),
                    Delivered::Cache(cache) => _ = caches.insert(cache),
                    Delivered::Tag(_) | Delivered::Softened(_) => caches.extend(self.tagged.iter().cloned()),
                }
            }
            self.delivered.extend(caches.into_iter().map(|cache| (Delivered::Cache(cache), now)));
        }
        self.prune_at = (self.delivered.len() * 2).min(MOST);
    }

    fn prune(&mut self, now: u64) {
        self.delivered.retain(|_, then| now.saturating_sub(*then) <= LATELY);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(cache: &str, arguments: usize) -> Address {
        Address::new(cache, &arguments.to_string(), Fingerprint(1))
    }

    #[test]
    fn holds_what_it_has_and_nothing_else() {
        let queue = Undelivered::default();
        assert!(!queue.holds(&address("a", 1), &[]));
        queue.add_key(&address("a", 1));
        assert!(queue.holds(&address("a", 1).with_fingerprint(Fingerprint(2)), &[]), "whatever the fingerprint");
        assert!(!queue.holds(&address("a", 2), &[]) && !queue.holds(&address("b", 1), &[]));
        queue.add_cache("b");
        assert!(queue.holds(&address("b", 1), &[]));
    }

    #[test]
    fn a_delivery_takes_away_no_later_invalidation() {
        let queue = Undelivered::default();
        queue.add_key(&address("a", 1));
        queue.add_cache("b");
        let batch = queue.next(0);
        queue.add_key(&address("a", 1));
        queue.add_key(&address("b", 7));
        queue.keys_delivered(&batch.keys, 0);
        batch.caches.iter().for_each(|(cache, number)| queue.cache_delivered(cache, *number, 0));
        assert!(queue.holds(&address("a", 1), &[]) && queue.holds(&address("b", 7), &[]));
        let batch = queue.next(0);
        queue.keys_delivered(&batch.keys, 0);
        batch.caches.iter().for_each(|(cache, number)| queue.cache_delivered(cache, *number, 0));
        assert!(!queue.is_any() && !queue.holds(&address("a", 1), &[]) && !queue.holds(&address("b", 7), &[]));
    }

    #[test]
    fn a_full_queue_coarsens() {
        let queue = Undelivered::default();
        for key in 0..MOST {
            queue.add_key(&address(if key % 2 == 0 { "a" } else { "b" }, key));
        }
        assert!(!queue.holds(&address("a", 1), &[]));
        queue.add_key(&address("c", 1));
        assert!(["a", "b", "c"].iter().all(|cache| queue.holds(&address(cache, 999_999_999), &[])));
        assert_eq!((queue.next(0).caches.len(), queue.next(0).keys.len()), (3, 0));
    }

    /// All that is to be delivered, and delivers it at that time.
    fn deliver(queue: &Undelivered, now: u64) -> (Vec<String>, Vec<String>, Vec<String>) {
        let batch = queue.next(0);
        batch.caches.iter().for_each(|(cache, number)| queue.cache_delivered(cache, *number, now));
        queue.tags_delivered(&batch.tags, now);
        queue.softened(&batch.softened, now);
        queue.keys_delivered(&batch.keys, now);
        let names = |all: Vec<(Box<str>, u64)>| -> Vec<String> {
            let mut names: Vec<String> = all.into_iter().map(|(name, _)| name.into()).collect();
            names.sort();
            names
        };
        let mut keys: Vec<String> = batch.keys.iter().map(|(_, key)| key.id().to_owned()).collect();
        keys.sort();
        (names(batch.caches), names(batch.tags), keys)
    }

    #[test]
    fn keys_caches_and_tags_are_repeated_for_a_minute() {
        let queue = Undelivered::default();
        queue.add_key(&address("a", 1));
        queue.add_key(&address("b", 1));
        queue.add_tag("t");
        queue.add_cache("b");
        let all = (vec!["b".to_owned()], vec!["t".to_owned()], vec!["a:1".to_owned()]);
        assert_eq!(deliver(&queue, 0), all, "the key of `b` is part of its clearing");
        assert!(!queue.is_any());
        queue.repeat(LATELY);
        assert!(queue.holds(&address("b", 7), &[]) && queue.holds(&address("a", 1), &[]) && queue.holds_tag("t"));
        assert_eq!(deliver(&queue, LATELY), all);
        // Delivered anew, and so to be repeated for another minute; then it is forgotten.
        queue.repeat(2 * LATELY);
        assert_eq!(deliver(&queue, 2 * LATELY), all);
        queue.repeat(3 * LATELY + 1);
        assert!(!queue.is_any() && deliver(&queue, 0) == (Vec::new(), Vec::new(), Vec::new()));
    }

    #[test]
    fn what_is_on_its_way_while_it_is_repeated_stays() {
        let queue = Undelivered::default();
        queue.add_key(&address("a", 1));
        queue.add_tag("t");
        queue.add_cache("b");
        let to_the_server_that_fell = queue.next(0);
        queue.repeat(0);
        queue.keys_delivered(&to_the_server_that_fell.keys, 0);
        queue.tags_delivered(&to_the_server_that_fell.tags, 0);
        for (cache, number) in &to_the_server_that_fell.caches {
            queue.cache_delivered(cache, *number, 0);
        }
        assert!(queue.holds(&address("a", 1), &[]) && queue.holds_tag("t") && queue.holds(&address("b", 1), &[]));
    }

    #[test]
    fn too_much_to_repeat_becomes_clearings() {
        let queue = Undelivered::default();
        queue.add_tagged("tagged");
        queue.add_tag("t");
        let tag = queue.next(0).tags;
        queue.tags_delivered(&tag, 0);
        let keys: Vec<_> = (0..MOST as u64).map(|key| (key, address("a", key as usize))).collect();
        queue.keys_delivered(&keys, 1);
        assert!(lock(&queue.state).delivered.len() < MOST, "bounded");
        queue.repeat(2);
        assert!(queue.holds(&address("a", usize::MAX), &[]) && queue.holds(&address("tagged", 1), &[]));
        assert!(!queue.holds(&address("b", 1), &[]));
    }

    #[test]
    fn too_many_tags_become_clearings_of_what_has_tags() {
        let queue = Undelivered::default();
        queue.add_tagged("tagged");
        (0..MOST).for_each(|tag| _ = queue.add_tag(&tag.to_string()));
        assert!(queue.holds_tag("0") && !queue.holds(&address("tagged", 1), &[]));
        queue.add_tag("0");
        assert!(queue.holds_tag("1"), "one of them once more is not one more");
        queue.add_tag("last");
        assert!(queue.holds(&address("tagged", 1), &[]) && queue.holds_tag("last") && !queue.holds_tag("1"));
        assert!(!queue.holds(&address("plain", 1), &[]));
    }
}
