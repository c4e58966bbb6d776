//! Invalidations that a backend has not taken yet, and those that it took lately.
//!
//! Until they are delivered, this process neither reads nor stores what they name. A queue that is full coarsens instead of forgetting: it becomes the
//! clearing of the caches that it named.
//!
//! What was delivered is kept for a minute: a server that takes the place of the one that took it may not have it.

use crate::{backend::Address, sync::lock, time::nanos};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Keys that are remembered one by one, over all caches; and as many tags.
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
    next: u64,
    /// Since when, oldest first.
    delivered: VecDeque<(u64, Delivered)>,
}

enum Delivered {
    Key(Address),
    Cache(Box<str>),
    Tag(Box<str>),
}

/// What is to be delivered, in this order: caches, tags, keys.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) caches: Vec<(Box<str>, u64)>,
    pub(super) tags: Vec<(Box<str>, u64)>,
    pub(super) keys: Vec<(u64, Address)>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.caches.is_empty() && self.tags.is_empty() && self.keys.is_empty()
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
        let mut state = lock(&self.state);
        let number = state.number();
        state.tags.insert(tag.into(), number);
        self.any.store(true, Ordering::Release);
        number
    }

    fn add(&self, state: &mut State, cache: &str) -> u64 {
        let number = state.number();
        state.caches.insert(cache.into(), number);
        self.any.store(true, Ordering::Release);
        number
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

    /// Up to `most` keys and all caches, which stay until they are delivered.
    pub(super) fn next(&self, most: usize) -> Batch {
        let state = lock(&self.state);
        Batch {
            caches: state.caches.iter().map(|(cache, number)| (cache.clone(), *number)).collect(),
            tags: state.tags.iter().take(most).map(|(tag, number)| (tag.clone(), *number)).collect(),
            keys: state.keys.values().take(most).cloned().collect(),
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
        let mut state = lock(&self.state);
        for (tag, number) in tags {
            if state.tags.get(tag) == Some(number) {
                state.tags.remove(tag);
            }
            state.note(now, Delivered::Tag(tag.clone()));
        }
        self.look(&state);
    }

    pub(super) fn keys_delivered(&self, keys: &[(u64, Address)], now: u64) {
        let mut state = lock(&self.state);
        for (number, address) in keys {
            if state.keys.get(address.id()).is_some_and(|(known, _)| known == number) {
                state.keys.remove(address.id());
            }
            state.note(now, Delivered::Key(address.clone()));
        }
        self.look(&state);
    }

    /// What was delivered lately is to be delivered once more.
    pub(super) fn repeat(&self, now: u64) {
        let mut state = lock(&self.state);
        state.drop_old(now);
        for (_, delivered) in std::mem::take(&mut state.delivered) {
            let number = state.number();
            match delivered {
                Delivered::Cache(cache) => _ = state.caches.insert(cache, number),
                Delivered::Tag(tag) => _ = state.tags.insert(tag, number),
                Delivered::Key(key) if state.caches.contains_key(key.cache()) => {}
                Delivered::Key(key) => _ = state.keys.insert(key.id().into(), (number, key)),
            }
        }
        self.look(&state);
    }

    fn look(&self, state: &State) {
        let is_empty = state.keys.is_empty() && state.caches.is_empty() && state.tags.is_empty();
        self.any.store(!is_empty, Ordering::Release);
    }
}

impl State {
    /// A list that is full becomes shorter by what it can say in fewer words.
    fn note(&mut self, now: u64, delivered: Delivered) {
        self.drop_old(now);
        if self.delivered.len() >= MOST {
            let mut caches = HashSet::new();
            let tags_and_caches = |entry: &(u64, Delivered)| match &entry.1 {
                Delivered::Key(key) => {
                    caches.insert(Box::<str>::from(key.cache()));
                    false
                }
                Delivered::Cache(_) | Delivered::Tag(_) => true,
            };
            self.delivered.retain(tags_and_caches);
            self.delivered.extend(caches.into_iter().map(|cache| (now, Delivered::Cache(cache))));
        }
        self.delivered.push_back((now, delivered));
    }

    fn drop_old(&mut self, now: u64) {
        while self.delivered.front().is_some_and(|(then, _)| now.saturating_sub(*then) > LATELY) {
            self.delivered.pop_front();
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Fingerprint;

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
        let batch = queue.next(10);
        queue.add_key(&address("a", 1));
        queue.add_key(&address("b", 7));
        queue.keys_delivered(&batch.keys, 0);
        batch.caches.iter().for_each(|(cache, number)| queue.cache_delivered(cache, *number, 0));
        assert!(queue.holds(&address("a", 1), &[]) && queue.holds(&address("b", 7), &[]));
        let batch = queue.next(10);
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
        assert_eq!((queue.next(10).caches.len(), queue.next(10).keys.len()), (3, 0));
    }
}
