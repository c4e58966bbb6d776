//! What is to be written together.

use super::{
    layout::{HEADER, Header, cache_of, id_of, prefix, prefix_of_cache},
    ticket::Ticket,
};
use crate::{Error, backend::Address};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// So many ids are held while they cannot be written; more become whole caches.
const OWED: usize = 65_536;

/// Changes that are written in one transaction: first what is invalidated goes, then what was set meanwhile comes. So what is set after an invalidation
/// stays, and what was set before it is taken out of the batch when the invalidation enters.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// By key: header and envelope, or `None` for what is removed.
    puts: BTreeMap<Box<[u8]>, Option<Bytes>>,
    ids: BTreeSet<Box<[u8]>>,
    caches: BTreeSet<Box<[u8]>>,
    tickets: Vec<Ticket>,
    /// Has to be on the disk before the tickets end.
    durable: bool,
    bytes: usize,
}

/// What a batch knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// It will be this: header and envelope.
    Value(Bytes),
    /// It will be gone.
    Gone,
}

impl Batch {
    pub(super) fn get(&self, key: &[u8]) -> Option<Known> {
        if let Some(put) = self.puts.get(key) {
            return Some(put.clone().map_or(Known::Gone, Known::Value));
        }
        let id = id_of(key);
        let invalidated = !self.ids.is_empty() && self.ids.contains(id)
            || !self.caches.is_empty() && self.caches.contains(cache_of(id));
        invalidated.then_some(Known::Gone)
    }

    pub(super) fn put(&mut self, key: Box<[u8]>, value: Option<Bytes>) {
        let length = key.len();
        self.bytes += length + value.as_ref().map_or(0, Bytes::len);
        if let Some(before) = self.puts.insert(key, value) {
            self.bytes = self.bytes.saturating_sub(length + before.map_or(0, |before| before.len()));
        }
    }

    pub(super) fn invalidate(&mut self, address: &Address) {
        self.forget(&prefix(address.id()));
        self.ids.insert(address.id().as_bytes().into());
        self.durable = true;
    }

    pub(super) fn clear(&mut self, cache: &str) {
        self.forget(&prefix_of_cache(cache));
        self.caches.insert(cache.as_bytes().into());
        self.durable = true;
    }

    /// Takes out what begins with the prefix.
    fn forget(&mut self, prefix: &[u8]) {
        let inside = self.puts.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded)).map(|(key, _)| key);
        let keys: Vec<Box<[u8]>> = inside.take_while(|key| key.starts_with(prefix)).cloned().collect();
        for key in keys {
            if let Some(value) = self.puts.remove(&key) {
                self.bytes = self.bytes.saturating_sub(key.len() + value.map_or(0, |value| value.len()));
            }
        }
    }

    /// Somebody waits for it.
    pub(super) fn ticket(&mut self, durable: bool) -> Ticket {
        let ticket = Ticket::default();
        self.tickets.push(ticket.clone());
        self.durable |= durable;
        ticket
    }

    pub(super) fn is_urgent(&self) -> bool {
        !self.tickets.is_empty()
    }

    pub(super) fn is_durable(&self) -> bool {
        self.durable
    }

    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.ids.is_empty() && self.caches.is_empty() && self.tickets.is_empty()
    }

    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn puts(&self) -> impl Iterator<Item = (&[u8], Option<&Bytes>)> {
        self.puts.iter().map(|(key, value)| (&**key, value.as_ref()))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &[u8]> {
        self.ids.iter().map(|id| &**id)
    }

    pub(super) fn caches(&self) -> impl Iterator<Item = &[u8]> {
        self.caches.iter().map(|cache| &**cache)
    }

    pub(super) fn end(&self, result: &Result<(), Error>) {
        for ticket in &self.tickets {
            ticket.end(result.clone());
        }
    }

    /// Ends what waits for it.
    pub(super) fn end_now(&mut self, result: &Result<(), Error>) {
        self.end(result);
        self.tickets.clear();
    }

    /// `before` could not be written: what it invalidates and replaces is still to go, and what it sets is lost.
    pub(super) fn owes(&mut self, before: &Batch) {
        self.ids.extend(before.ids.iter().cloned());
        self.caches.extend(before.caches.iter().cloned());
        self.owes_keys(before.puts.keys());
        self.durable |= before.durable;
    }

    /// What is there of these is still to go, unless more is known of them.
    pub(super) fn owes_keys<'a>(&mut self, keys: impl Iterator<Item = &'a Box<[u8]>>) {
        for key in keys {
            self.durable = true;
            if self.get(key).is_none() {
                self.put(key.clone(), None);
            }
        }
    }

    /// What is set is lost, and only goes; what is invalidated stays, coarser if it is much. For times in which nothing can be written.
    pub(super) fn hold(&mut self) {
        for put in self.puts.values_mut() {
            *put = None;
        }
        if self.puts.len() > OWED {
            self.caches.extend(self.puts.keys().map(|key| cache_of(id_of(key)).into()));
            self.puts.clear();
        }
        if self.ids.len() > OWED {
            self.caches.extend(self.ids.iter().map(|id| cache_of(id).into()));
            self.ids.clear();
        }
        self.bytes = 0;
    }
}

/// An entry as it stands in a batch or in the table, unless its time is over.
pub(super) fn envelope_of(value: &Bytes, now: u64) -> Option<(Header, Bytes)> {
    let (header, _) = Header::read(value)?;
    (header.end > now).then(|| (header, value.slice(HEADER..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Fingerprint, file::layout::key};

    fn address(arguments: &str) -> Address {
        Address::new("cache", arguments, Fingerprint(1))
    }

    fn put(batch: &mut Batch, arguments: &str, value: &'static str) {
        batch.put(key(&address(arguments)), Some(Bytes::from(value)));
    }

    fn get(batch: &Batch, arguments: &str) -> Option<Known> {
        batch.get(&key(&address(arguments)))
    }

    #[test]
    fn what_is_set_before_an_invalidation_is_gone_and_what_is_set_after_it_stays() {
        let mut batch = Batch::default();
        put(&mut batch, "1", "before");
        put(&mut batch, "12", "neighbour");
        batch.put(key(&address("1").with_fingerprint(Fingerprint(9))), Some("other shape".into()));
        batch.invalidate(&address("1"));
        assert_eq!(get(&batch, "1"), Some(Known::Gone));
        assert_eq!(batch.get(&key(&address("1").with_fingerprint(Fingerprint(9)))), Some(Known::Gone));
        assert_eq!(get(&batch, "12"), Some(Known::Value("neighbour".into())));
        put(&mut batch, "1", "after");
        assert_eq!(get(&batch, "1"), Some(Known::Value("after".into())));
        batch.clear("cache");
        assert_eq!((get(&batch, "1"), get(&batch, "3")), (Some(Known::Gone), Some(Known::Gone)));
        assert_eq!(batch.get(&key(&Address::new("cach", "1", Fingerprint(1)))), None);
        assert_eq!(batch.bytes(), 0);
        assert!(batch.is_durable());
    }

    #[test]
    fn what_could_not_be_written_is_owed_unless_it_was_set_again() {
        let (mut lost, mut next) = (Batch::default(), Batch::default());
        lost.invalidate(&address("1"));
        put(&mut lost, "2", "lost");
        put(&mut lost, "3", "lost");
        put(&mut next, "3", "newer");
        put(&mut next, "1", "newer");
        next.owes(&lost);
        assert_eq!(get(&next, "2"), Some(Known::Gone), "what it replaced must not come back");
        assert_eq!(get(&next, "1"), Some(Known::Value("newer".into())));
        assert_eq!(get(&next, "3"), Some(Known::Value("newer".into())));
        assert!(next.ids().any(|id| id == b"cache:1") && next.is_durable());
    }

    #[test]
    fn what_is_owed_for_long_becomes_coarse_and_is_not_forgotten() {
        let mut batch = Batch::default();
        put(&mut batch, "set", "value");
        for n in 0..=OWED {
            batch.invalidate(&address(&n.to_string()));
        }
        batch.hold();
        assert_eq!(batch.ids().count(), 0);
        assert_eq!(get(&batch, "7"), Some(Known::Gone));
        assert_eq!(get(&batch, "set"), Some(Known::Gone));
    }
}
