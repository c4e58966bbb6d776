//! The heart of a cache: its table, its flights and its clock, shared by all handles.

use super::{
    entry::{Entry, Times, Worth},
    settings::{Exceptional, Jitter, OnRemoval, Settings, Ttl},
};
use crate::{
    flight::{map::Flights, permits::Permits, state::Flight},
    hashing::KeyHasher,
    key::Parts,
    memory::{Inserted, RemovalKind, Table},
    outcome::RemovalCause,
    stats::{Counters, Refusal, Stats},
    tags::{TagRegistry, TagSet},
    time::{Clock, NEVER, Ticks, duration, nanos},
};
use std::{
    hash::BuildHasher,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Invalidation epochs, by hash, for loads outside of flights.
const EPOCHS: usize = 64;

/// How far the coarse clock may lag behind; within this margin of a deadline hits read the precise one. Twice the tick, for its scheduling.
const LAG: u64 = 2 * nanos(Clock::TICK);

pub(crate) struct Core<K, V> {
    table: Table<K, Entry<V>>,
    pub(super) hasher: KeyHasher,
    timed: bool,
    idle: u64,
    revalidate: u64,
    /// How long past its ttl an entry is kept.
    window: u64,
    pub(crate) counters: Counters,
    pub(crate) clock: Clock,
    _ticks: Option<Ticks>,
    pub(crate) flights: Arc<Flights<K, V>>,
    epoch: AtomicU64,
    epochs: [AtomicU64; EPOCHS],
    pub(crate) permits: Option<Arc<Permits>>,
    pub(crate) tags: Arc<TagRegistry>,
    pub(crate) settings: Arc<Settings<K, V>>,
}

/// The moment before a load: what it may be stored against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    epoch: u64,
    striped: u64,
}

/// What a precise look found.
pub(crate) struct Found<V> {
    pub(crate) worth: Worth,
    /// The value, if it is worth anything.
    pub(crate) value: Option<V>,
    pub(crate) age: Option<Duration>,
}

/// What an inspection found.
pub(crate) struct Seen {
    pub(crate) worth: Worth,
    pub(crate) age: Option<Duration>,
    pub(crate) left: Option<Duration>,
    pub(crate) tags: usize,
}

impl<K, V> Core<K, V> {
    pub(crate) fn new(settings: Arc<Settings<K, V>>, clock: Clock, tags: Arc<TagRegistry>) -> Self {
        let timed = settings.is_timed();
        Core {
            table: Table::new(settings.capacity, settings.strategy.factory()),
            hasher: KeyHasher::new(settings.hasher.as_ref()),
            timed,
            idle: settings.idle.map_or(NEVER, nanos),
            revalidate: nanos(settings.stale_while_revalidate),
            window: nanos(settings.stale_window()),
            counters: Counters::new(),
            _ticks: timed.then(|| clock.need_coarse()),
            clock,
            flights: Arc::new(Flights::new()),
            epoch: AtomicU64::new(0),
            epochs: [const { AtomicU64::new(0) }; EPOCHS],
            permits: settings.max_loads.map(|max| Arc::new(Permits::new(max))),
            tags,
            settings,
        }
    }

    #[inline]
    pub(crate) fn hash<P: Parts>(&self, parts: &P) -> u64 {
        self.hasher.hash_parts(parts)
    }

    #[inline]
    pub(crate) fn hash_one<Q: ?Sized + std::hash::Hash>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The path of a hit: one probe, and a value that is fresh beyond doubt. `None` also where it would have to wait or to think.
    #[inline(always)]
    pub(crate) fn fast_hit(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<V>
    where
        V: Clone,
    {
        self.table
            .try_get(hash, is_key, |_, entry| match entry.is_surely_fresh(|| self.clock.coarse_if_ticking()) {
                true => (Some(entry.value.clone()), true),
                false => (None, false),
            })
            .flatten()
    }

    /// The tags that the key says, with their versions of now.
    pub(crate) fn tags_of(&self, key: &K) -> Option<TagSet> {
        self.settings.tags_of.as_ref().and_then(|tags_of| TagSet::capture(&self.tags, tags_of(key)))
    }

    /// The tags of what is there, with the versions that it was stored with.
    pub(crate) fn tags_there(&self, hash: u64, key: &K) -> Option<TagSet>
    where
        K: Eq,
    {
        self.table.get(hash, |other| other == key, |_, entry| (entry.tags().cloned(), false)).flatten()
    }

    pub(crate) fn now(&self) -> u64 {
        if self.timed { self.clock.now() } else { 0 }
    }

    /// A precise look; `touch`: it is a use of the entry.
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(&K) -> bool, touch: bool) -> Option<Found<V>>
    where
        V: Clone,
    {
        let now = self.now();
        self.table.get(hash, is_key, |_, entry| {
            let worth = entry.worth(now, self.idle, self.revalidate);
            let usable = !matches!(worth, Worth::Expired | Worth::Invalidated);
            if usable && touch {
                entry.touch(now);
            }
            let age = entry.born().map(|born| duration(now.saturating_sub(born)));
            (Found { worth, value: usable.then(|| entry.value.clone()), age }, usable && touch)
        })
    }

    /// A value that is at most `allowance` past its ttl, for a load that failed or takes long.
    pub(crate) fn find_stale(
        &self,
        hash: u64,
        is_key: impl Fn(&K) -> bool,
        allowance: Duration,
    ) -> Option<(V, Option<Duration>)>
    where
        V: Clone,
    {
        let (now, allowance) = (self.now(), nanos(allowance));
        self.table
            .get(hash, is_key, |_, entry| {
                let age = entry.born().map(|born| duration(now.saturating_sub(born)));
                let usable = entry.is_usable_until(now, allowance, self.idle);
                (usable.then(|| (entry.value.clone(), age)), false)
            })
            .flatten()
    }

    /// Removes an entry that is of no use any more, even to a failing load.
    pub(crate) fn remove_spent(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        let now = self.now();
        let mut cause = RemovalCause::Expired;
        let removed = self.table.remove_if(hash, is_key, |_, entry| {
            if entry.worth(now, self.idle, self.revalidate) == Worth::Invalidated {
                cause = RemovalCause::Invalidated;
            }
            !entry.is_usable_until(now, self.window, self.idle)
        });
        if let Some((key, entry)) = removed {
            self.gone(key, entry, cause);
        }
    }

    /// Whether another caller has refreshed the value since this one looked.
    pub(crate) fn is_fresh(&self, hash: u64, key: &K) -> bool
    where
        K: Eq,
    {
        self.inspect(hash, |other| other == key).is_some_and(|seen| seen.worth == Worth::Fresh)
    }

    /// Looks without any effect.
    pub(crate) fn inspect(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<Seen> {
        let now = self.now();
        self.table.get(hash, is_key, |_, entry| {
            let age = entry.born().map(|born| duration(now.saturating_sub(born)));
            let left = (entry.expires() != NEVER).then(|| duration(entry.expires().saturating_sub(now)));
            let worth = entry.worth(now, self.idle, self.revalidate);
            (Seen { worth, age, left, tags: entry.tags().map_or(0, TagSet::len) }, false)
        })
    }

    pub(crate) fn postpone_refresh(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        let now = self.now();
        self.table.get(hash, is_key, |_, entry| (entry.postpone_refresh(now, LAG), false));
    }

    /// To be asked before a load, so that an invalidation during it is seen at the store.
    pub(crate) fn before_load(&self, hash: u64) -> Before {
        Before { epoch: self.epoch.load(Ordering::Acquire), striped: self.striped(hash).load(Ordering::Acquire) }
    }

    fn striped(&self, hash: u64) -> &AtomicU64 {
        &self.epochs[(hash >> 32) as usize % EPOCHS]
    }

    /// Stores what a load gave, unless it is not to be stored or an invalidation came in between. `flight` knows more exactly than the epochs do.
    pub(crate) fn store_loaded(
        &self,
        hash: u64,
        key: K,
        value: &V,
        tags: Option<TagSet>,
        before: Before,
        flight: Option<&Flight<V>>,
    ) -> bool
    where
        K: Eq,
        V: Clone,
    {
        let Some(ttl) = self.ttl_of(value) else {
            self.counters.store_refused(Refusal::NotCacheable);
            return false;
        };
        let unchanged = |_: Option<&Entry<V>>| {
            self.epoch.load(Ordering::Acquire) == before.epoch
                && match flight {
                    // In this order: a flight that leaves the map afterwards does so before an invalidation, which then waits for this store.
                    Some(flight) if flight.is_listed() => !flight.is_invalidated(),
                    // A leader that came back after its takeover, for instance: invalidations did not find its flight any more.
                    Some(flight) if flight.is_invalidated() => false,
                    _ => self.striped(hash).load(Ordering::Acquire) == before.striped,
                }
        };
        let stored =
            tags.as_ref().is_none_or(TagSet::is_current) && self.put(hash, key, value.clone(), ttl, tags, unchanged);
        if !stored {
            self.counters.store_refused(Refusal::Invalidated);
        }
        stored
    }

    /// Stores a value that a caller inserts: whatever is being loaded for the key is older.
    pub(crate) fn store_inserted(&self, hash: u64, key: K, value: V, ttl: Option<Duration>, tags: Option<TagSet>)
    where
        K: Eq,
    {
        let ttl = match ttl {
            Some(ttl) => (!ttl.is_zero()).then_some(nanos(ttl)),
            None => self.ttl_of(&value),
        };
        self.cut_off(hash, |other| *other == key);
        match ttl {
            Some(ttl) => {
                self.put(hash, key, value, ttl, tags, |_| true);
                // Loads that began in between may have seen what was before.
                self.cut_off_again(hash);
            }
            None => {
                self.counters.store_refused(Refusal::NotCacheable);
                self.invalidate(hash, |other| *other == key);
            }
        }
    }

    /// Removes the entry, and announces it. When this returns, no call gets a value from before it.
    pub(crate) fn invalidate(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        if let Some((key, entry)) = self.take_out(hash, is_key) {
            self.gone(key, entry, RemovalCause::Invalidated);
        }
    }

    /// Removes the entry; loads that are under way are not stored, and later callers join none of them.
    pub(crate) fn take_out(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<(K, Entry<V>)> {
        self.cut_off(hash, &is_key);
        let removed = self.remove(hash, &is_key);
        // Again: a flight that began in between has perhaps found the entry, and would give its value to whoever joins it from now on.
        self.cut_off_again(hash);
        removed
    }

    fn cut_off_again(&self, hash: u64) {
        self.outdate_unlisted(hash);
        self.flights.cut_off_hash(hash);
    }

    /// Stores a value that was made under the key's own flight, unless that was invalidated meanwhile. Is it there now?
    pub(crate) fn store_current(
        &self,
        hash: u64,
        key: K,
        value: V,
        tags: Option<TagSet>,
        flight: Option<&Flight<V>>,
    ) -> bool
    where
        K: Eq,
    {
        self.outdate_unlisted(hash);
        match self.ttl_of(&value) {
            Some(ttl) => {
                self.put(hash, key, value, ttl, tags, |_| flight.is_none_or(|flight| !flight.is_invalidated()))
            }
            None => {
                self.counters.store_refused(Refusal::NotCacheable);
                if let Some((key, entry)) = self.remove(hash, |other| *other == key) {
                    self.gone(key, entry, RemovalCause::Invalidated);
                }
                false
            }
        }
    }

    fn put(
        &self,
        hash: u64,
        key: K,
        value: V,
        ttl: u64,
        tags: Option<TagSet>,
        keep: impl FnOnce(Option<&Entry<V>>) -> bool,
    ) -> bool
    where
        K: Eq,
    {
        let mut out = Vec::new();
        let entry = Entry::new(value, self.times(ttl), tags, LAG, self.settings.idle.is_some());
        let inserted = self.table.insert(hash, key, entry, |a, b| a == b, keep, &mut out);
        for removal in out {
            let cause = match removal.kind {
                RemovalKind::Evicted => RemovalCause::Evicted,
                RemovalKind::Replaced => RemovalCause::Replaced,
            };
            self.gone(removal.key, removal.payload, cause);
        }
        match inserted {
            Inserted::Stored | Inserted::Replaced => true,
            Inserted::Refused(key, entry) => {
                quietly(|| drop((key, entry)));
                false
            }
        }
    }

    fn times(&self, ttl: u64) -> Option<Times> {
        if !self.timed {
            return None;
        }
        let born = self.clock.now();
        let refresh = match self.settings.refresh_ahead {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(percent) if ttl != NEVER => born.saturating_add((ttl as f64 * percent / 100.0) as u64),
            _ => NEVER,
        };
        Some(Times { born, refresh, expires: born.saturating_add(ttl) })
    }

    /// The effective ttl of a value; `None`: it is not to be stored.
    fn ttl_of(&self, value: &V) -> Option<u64> {
        let settings = &*self.settings;
        if settings.cache_if.as_ref().is_some_and(|test| !test(value)) {
            return None;
        }
        let ttl = match settings.exceptional.iter().find_map(|rule| rule(value)) {
            Some(Exceptional::NotStored) => return None,
            Some(Exceptional::For(ttl)) => nanos(ttl),
            None => match &settings.ttl {
                Ttl::Never => return Some(NEVER),
                Ttl::Fixed(ttl) => nanos(*ttl),
                Ttl::ByValue(ttl) => nanos(ttl(value)),
            },
        };
        (ttl > 0).then(|| jittered(ttl, settings.jitter))
    }

    /// Makes loads under way for the key unfit to be stored, and later callers start anew.
    pub(crate) fn cut_off(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        self.outdate_unlisted(hash);
        self.flights.cut_off(hash, is_key);
    }

    /// Makes loads of the key outside of flights unfit to be stored.
    pub(crate) fn outdate_unlisted(&self, hash: u64) {
        self.striped(hash).fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<(K, Entry<V>)> {
        self.table.remove_if(hash, is_key, |_, _| true)
    }

    pub(crate) fn is_usable(&self, entry: &Entry<V>) -> bool {
        let worth = entry.worth(self.now(), self.idle, 0);
        matches!(worth, Worth::Fresh | Worth::Ahead)
    }

    /// Calls `visit` with each entry that a look would hit.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.table.for_each(|key, entry| {
            if self.is_usable(entry) {
                visit(key, &entry.value);
            }
        });
    }

    /// Removes what `keep` does not keep; returns how many. Loads under way are not stored.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> usize {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.flights.cut_off_all();
        let mut out = Vec::new();
        let retained =
            catch_unwind(AssertUnwindSafe(|| self.table.retain(|key, entry| keep(key, &entry.value), &mut out)));
        self.flights.cut_off_all();
        let removed = out.len();
        for (key, entry) in out {
            self.gone(key, entry, RemovalCause::Invalidated);
        }
        if let Err(panic) = retained {
            resume_unwind(panic);
        }
        removed
    }

    pub(crate) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.flights.cut_off_all();
        let mut out = Vec::new();
        self.table.clear(&mut out);
        // Again: a flight that began in between has perhaps found an entry.
        self.flights.cut_off_all();
        for (key, entry) in out {
            self.gone(key, entry, RemovalCause::Invalidated);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// An entry has left: counted, announced, dropped, all outside of locks.
    pub(crate) fn gone(&self, key: K, entry: Entry<V>, cause: RemovalCause) {
        match cause {
            RemovalCause::Evicted => self.counters.evicted(1),
            RemovalCause::Expired => self.counters.expired(1),
            RemovalCause::Invalidated => self.counters.invalidated(1),
            RemovalCause::Replaced => self.counters.replaced(),
        }
        self.announce(&key, &entry.value, cause);
        quietly(|| drop((key, entry)));
    }

    pub(crate) fn announce(&self, key: &K, value: &V, cause: RemovalCause) {
        let listener: Option<&OnRemoval<K, V>> = self.settings.on_removal.as_ref();
        if let Some(listener) = listener {
            quietly(|| listener(key, value, cause));
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counters.snapshot();
        stats.entries = self.table.len() as u64;
        stats.weight = stats.entries;
        stats.capacity = self.table.capacity().map(|capacity| capacity as u64);
        stats
    }
}

/// Runs user code whose panic must not cost a caller its value: listeners and destructors of entries that left.
fn quietly(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        tracing::error!("a removal listener or the destructor of a removed entry panicked");
    }
}

/// Takes a random part off, so that entries stored together do not expire together; at least 1 ns remains.
fn jittered(ttl: u64, jitter: Jitter) -> u64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let most = match jitter {
        Jitter::None => return ttl,
        Jitter::Percent(percent) => (ttl as f64 * percent / 100.0) as u64,
        Jitter::Time(time) => nanos(time),
    };
    // A hasher of a new random state is a random number.
    let random = foldhash::quality::RandomState::default().hash_one(ttl);
    let off = if most == u64::MAX { random } else { random % (most + 1) };
    ttl.saturating_sub(off).max(1)
}
