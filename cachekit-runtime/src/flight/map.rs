//! The flights under way in one cache, by key.
//!
//! A flight is in the map while later callers may join it. It leaves when it ends, when its last waiter leaves it without a leader, or when an
//! invalidation cuts it off (it then goes on for those who wait already, and its result is not stored).

use super::{
    group::Group,
    patrol::Patrol,
    shim::{AtomicU64, Mutex, MutexGuard, Ordering, lock},
    state::{FIRST_LEADER, Flight, Payload, Vacancy},
};
use crate::{tags::TagSet, time::Clock};
use hashbrown::HashTable;
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

const SHARDS: usize = 16;

struct Slot<K, V> {
    hash: u64,
    key: K,
    flight: Arc<Flight<V>>,
    /// Followers that hold a [`Follower`]; guarded by the shard's lock.
    followers: usize,
    /// The tags that the leader captured: callers from after a tag's invalidation do not join.
    tags: Option<TagSet>,
    /// A stall check is scheduled.
    watched: bool,
}

#[repr(align(64))]
struct Shard<K, V> {
    /// How many there are. Written under the lock, and read without it by those who have nothing to do where there are none: a flight that they do
    /// not see here begins after they looked, and so looks into the table after them.
    listed: AtomicU64,
    slots: Mutex<HashTable<Slot<K, V>>>,
}

/// The slots of a shard, locked. Whoever changes their number says so when done.
struct Locked<'a, K, V> {
    listed: &'a AtomicU64,
    slots: MutexGuard<'a, HashTable<Slot<K, V>>>,
}

impl<K, V> Shard<K, V> {
    fn lock(&self) -> Locked<'_, K, V> {
        Locked { listed: &self.listed, slots: lock(&self.slots) }
    }

    fn is_empty(&self) -> bool {
        self.listed.load(Ordering::SeqCst) == 0
    }
}

impl<K, V> Deref for Locked<'_, K, V> {
    type Target = HashTable<Slot<K, V>>;
    fn deref(&self) -> &Self::Target {
        &self.slots
    }
}

impl<K, V> DerefMut for Locked<'_, K, V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.slots
    }
}

impl<K, V> Drop for Locked<'_, K, V> {
    fn drop(&mut self) {
        let len = self.slots.len() as u64;
        if self.listed.load(Ordering::Relaxed) != len {
            self.listed.store(len, Ordering::SeqCst);
        }
    }
}

pub(crate) struct Flights<K, V> {
    shards: [Shard<K, V>; SHARDS],
    patrol: Patrol<V>,
}

/// The right and the duty to load. Dropped without [`Lead::finish`], it hands over to a follower.
pub(crate) struct Lead<K, V> {
    flights: Arc<Flights<K, V>>,
    pub(crate) flight: Arc<Flight<V>>,
    hash: u64,
    leader: u64,
}

/// A place among those who wait for a flight.
pub(crate) struct Follower<K, V> {
    flights: Arc<Flights<K, V>>,
    pub(crate) flight: Arc<Flight<V>>,
    hash: u64,
}

pub(crate) enum Joined<K, V> {
    Lead(Lead<K, V>),
    Follow(Follower<K, V>),
}

impl<K, V> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Flights {
            shards: std::array::from_fn(|_| Shard { listed: AtomicU64::new(0), slots: Mutex::new(HashTable::new()) }),
            patrol: Patrol::new(),
        }
    }

    fn shard(&self, hash: u64) -> &Shard<K, V> {
        &self.shards[(hash >> 48) as usize % SHARDS]
    }

    /// Leads the key's flight, or follows it. A flight from before an invalidation of one of its tags is not joined but replaced.
    pub(crate) fn join(self: &Arc<Self>, hash: u64, key: &K, tags: Option<&TagSet>, is_async: bool) -> Joined<K, V>
    where
        K: Eq + Clone,
    {
        self.enter(hash, key, tags, || Flight::new(is_async), is_joinable)
    }

    /// As [`Flights::join`], for a refresh.
    pub(crate) fn join_to_refresh(self: &Arc<Self>, hash: u64, key: &K) -> Joined<K, V>
    where
        K: Eq + Clone,
    {
        self.enter(hash, key, None, Flight::refresh, is_joinable)
    }

    /// As [`Flights::join`], for a call that leads several flights at once.
    pub(crate) fn join_in(
        self: &Arc<Self>,
        group: &Arc<Group>,
        hash: u64,
        key: &K,
        tags: Option<&TagSet>,
        is_async: bool,
    ) -> Joined<K, V>
    where
        K: Eq + Clone,
    {
        self.enter(hash, key, tags, || Flight::in_group(is_async, group), is_joinable)
    }

    /// Leads a new flight of the key, with nobody in between; one that is under way is cut off.
    pub(crate) fn lead_anew(
        self: &Arc<Self>,
        hash: u64,
        key: &K,
        tags: Option<&TagSet>,
        is_async: bool,
    ) -> Option<Lead<K, V>>
    where
        K: Eq + Clone,
    {
        match self.enter(hash, key, tags, || Flight::new(is_async), |_| false) {
            Joined::Lead(lead) => Some(lead),
            Joined::Follow(_) => None,
        }
    }

    fn enter(
        self: &Arc<Self>,
        hash: u64,
        key: &K,
        tags: Option<&TagSet>,
        make: impl FnOnce() -> Flight<V>,
        may_join: impl FnOnce(&Slot<K, V>) -> bool,
    ) -> Joined<K, V>
    where
        K: Eq + Clone,
    {
        // Declared before the lock is taken: its key is dropped after the lock is released.
        let _outdated;
        let mut shard = self.shard(hash).lock();
        if let Some(slot) = shard.find_mut(hash, |slot| slot.key == *key) {
            if may_join(slot) {
                slot.followers += 1;
                return Joined::Follow(Follower { flights: self.clone(), flight: slot.flight.clone(), hash });
            }
            slot.flight.invalidate();
            let outdated = Arc::as_ptr(&slot.flight);
            _outdated = take(&mut shard, hash, outdated);
        }
        let flight = Arc::new(make());
        let slot =
            Slot { hash, key: key.clone(), flight: flight.clone(), followers: 0, tags: tags.cloned(), watched: false };
        shard.insert_unique(hash, slot, |slot| slot.hash);
        Joined::Lead(Lead { flights: self.clone(), flight, hash, leader: FIRST_LEADER })
    }

    /// Cuts off the key's flight: whoever waits gets its result, which is not stored; later callers start a new one.
    #[inline]
    pub(crate) fn cut_off(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        if !self.shard(hash).is_empty() {
            self.cut_off_where(hash, |slot| is_key(&slot.key));
        }
    }

    /// As [`Flights::cut_off`], by the whole hash alone: cutting off one flight too many costs a load.
    #[inline]
    pub(crate) fn cut_off_hash(&self, hash: u64) {
        if !self.shard(hash).is_empty() {
            self.cut_off_where(hash, |slot| slot.hash == hash);
        }
    }

    /// As [`Flights::cut_off`], of a flight that began before that time.
    #[cfg(feature = "backend")]
    pub(crate) fn cut_off_begun_before(&self, time: u64, hash: u64, is_key: impl Fn(&K) -> bool) {
        if !self.shard(hash).is_empty() {
            self.cut_off_where(hash, |slot| is_key(&slot.key) && slot.flight.has_begun_before(time));
        }
    }

    #[inline(never)]
    fn cut_off_where(&self, hash: u64, is_it: impl Fn(&Slot<K, V>) -> bool) {
        let mut shard = self.shard(hash).lock();
        if let Ok(entry) = shard.find_entry(hash, is_it) {
            let (slot, _) = entry.remove();
            drop(shard);
            slot.flight.invalidate();
        }
    }

    /// Later callers join no flight that has the tag. Unlike one that is cut off, it may still store: what it captured of the tag says whether that counts.
    #[cfg(feature = "backend")]
    pub(crate) fn outdate_tagged(&self, tag: &str) {
        for shard in &self.shards {
            if shard.is_empty() {
                continue;
            }
            let mut gone = Vec::new();
            let mut slots = shard.lock();
            let has = |slot: &mut Slot<K, V>| {
                slot.tags.as_ref().is_some_and(|tags| tags.written().any(|(name, _)| name == tag))
            };
            gone.extend(slots.extract_if(has));
            gone.iter().for_each(|slot| slot.flight.unlist());
            drop(slots);
        }
    }

    /// Is there a flight of some key of that hash?
    #[cfg(feature = "backend")]
    pub(crate) fn contains_hash(&self, hash: u64) -> bool {
        let shard = self.shard(hash);
        !shard.is_empty() && shard.lock().find(hash, |slot| slot.hash == hash).is_some()
    }

    /// Cuts off all flights.
    pub(crate) fn cut_off_all(&self) {
        for shard in &self.shards {
            let slots: Vec<_> = shard.lock().drain().collect();
            for slot in slots {
                slot.flight.invalidate();
            }
        }
    }

    pub(crate) fn contains(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> bool {
        self.shard(hash).lock().find(hash, |slot| is_key(&slot.key)).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

fn is_joinable<K, V>(slot: &Slot<K, V>) -> bool {
    slot.tags.as_ref().is_none_or(TagSet::is_current)
}

fn take<K, V>(shard: &mut HashTable<Slot<K, V>>, hash: u64, flight: *const Flight<V>) -> Option<Slot<K, V>> {
    let (slot, _) = shard.find_entry(hash, |slot| std::ptr::eq(Arc::as_ptr(&slot.flight), flight)).ok()?.remove();
    slot.flight.unlist();
    Some(slot)
}

impl<K, V> Lead<K, V> {
    pub(crate) fn leader(&self) -> u64 {
        self.leader
    }

    /// The tags of a load that was begun before they were known.
    pub(crate) fn set_tags(&self, tags: Option<TagSet>) {
        let mut shard = self.flights.shard(self.hash).lock();
        if let Some(slot) = shard.find_mut(self.hash, |slot| Arc::ptr_eq(&slot.flight, &self.flight)) {
            slot.tags = tags;
        }
    }

    /// A place among the followers of one's own flight, for a load that is handed to a task.
    pub(crate) fn follower(&self) -> Follower<K, V> {
        let mut shard = self.flights.shard(self.hash).lock();
        if let Some(slot) = shard.find_mut(self.hash, |slot| Arc::ptr_eq(&slot.flight, &self.flight)) {
            slot.followers += 1;
        }
        Follower { flights: self.flights.clone(), flight: self.flight.clone(), hash: self.hash }
    }

    /// Ends the flight: `payload` is asked for only if somebody waits; `None` sends the waiting to their own loaders.
    pub(crate) fn finish(self, payload: impl FnOnce() -> Option<Payload<V>>) {
        let mut shard = self.flights.shard(self.hash).lock();
        let slot = take(&mut shard, self.hash, Arc::as_ptr(&self.flight));
        drop(shard);
        // A flight that was cut off is in no map, and may have followers.
        let unheard = slot.as_ref().is_some_and(|slot| slot.followers == 0);
        self.flight.finish(if unheard { None } else { payload() });
    }
}

impl<K, V> Drop for Lead<K, V> {
    fn drop(&mut self) {
        let why = if std::thread::panicking() { Vacancy::Panicked } else { Vacancy::Dropped };
        let mut shard = self.flights.shard(self.hash).lock();
        if self.flight.is_over() {
            return;
        }
        // One that was declared stalled does not lead any more; if nobody took over, it is still the last to leave.
        let vacated = self.flight.vacate(self.leader, why);
        if !vacated && !self.flight.is_vacant() {
            return;
        }
        let unheard = shard
            .find(self.hash, |slot| Arc::ptr_eq(&slot.flight, &self.flight))
            .is_some_and(|slot| slot.followers == 0);
        let slot = unheard.then(|| take(&mut shard, self.hash, Arc::as_ptr(&self.flight)));
        drop(shard);
        if vacated {
            // A waker is somebody else's code.
            self.flight.wake_one();
        }
        drop(slot);
    }
}

impl<K, V> Follower<K, V> {
    /// Becomes the leader with this number.
    pub(crate) fn into_lead(self, leader: u64) -> Lead<K, V> {
        Lead { flights: self.flights.clone(), flight: self.flight.clone(), hash: self.hash, leader }
    }
}

impl<K, V> Follower<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Has the clock's timer look for a stalled leader for as long as somebody follows.
    pub(crate) fn watch(&self, clock: &Clock) {
        let mut shard = self.flights.shard(self.hash).lock();
        if let Some(slot) = shard.find_mut(self.hash, |slot| Arc::ptr_eq(&slot.flight, &self.flight)) {
            if slot.watched {
                return;
            }
            slot.watched = true;
        }
        drop(shard);
        self.flights.patrol.watch(clock, &self.flight);
    }
}

impl<K, V> Drop for Follower<K, V> {
    fn drop(&mut self) {
        let mut shard = self.flights.shard(self.hash).lock();
        let Some(slot) = shard.find_mut(self.hash, |slot| Arc::ptr_eq(&slot.flight, &self.flight)) else { return };
        slot.followers = slot.followers.saturating_sub(1);
        if slot.followers == 0 && self.flight.is_vacant() {
            let slot = take(&mut shard, self.hash, Arc::as_ptr(&self.flight));
            drop(shard);
            drop(slot);
        }
    }
}
