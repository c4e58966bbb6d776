//! The heart of a cache: its table, its flights and its clock, shared by all handles.

#[cfg(feature = "advice")]
use super::advise::Advise;
use super::{
    adapt::Adapt,
    allowed::{Allowances, Allowed},
    besides::{Besides, OWN_HASHER},
    entry::{self, Judge, Life, More, Worth},
    far_tiers::FarTiers,
    live::Live,
    settings::{OnRemoval, Settings},
    upkeep::Upkeep,
};
use crate::{
    flight::{map::Flights, permits::Permits},
    hashing::KeyHasher,
    key::Parts,
    memory::{Bound, Glance, Gone, Removal, RemovalKind, Removed, Table, this_thread},
    outcome::RemovalCause,
    policy::Strategy,
    stats::{Counters, LoadEnd, Miss as Why, Stats},
    tags::{TagRegistry, TagSet},
    time::{Clock, NEVER, duration, nanos},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Invalidation epochs, by hash, for loads outside of flights.
pub(super) const EPOCHS: usize = 64;

pub(crate) struct Core<K, V> {
    pub(super) table: Table<K, V, More>,
    pub(super) hasher: KeyHasher,
    pub(super) besides: Besides,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(super) allowed: Allowed,
    /// An insertion says all by its key and its value, and so has this ttl, `NEVER` and 0 included; `None`: there is more to ask.
    pub(super) plain_ttl: Option<u64>,
    pub(crate) flights: Arc<Flights<K, V>>,
    pub(super) epoch: AtomicU64,
    pub(super) epochs: [AtomicU64; EPOCHS],
    pub(crate) permits: Option<Arc<Permits>>,
    pub(crate) tags: Arc<TagRegistry>,
    pub(super) live: Live,
    pub(super) upkeep: Upkeep,
    pub(super) adapt: Adapt,
    #[cfg(feature = "advice")]
    pub(super) advise: Advise,
    pub(super) far_tiers: FarTiers<K, V>,
    #[cfg(feature = "registry")]
    pub(super) registered: std::sync::OnceLock<crate::registry::Registered>,
    pub(crate) settings: Arc<Settings<K, V>>,
}

/// The moment before a load: what it may be stored against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    epoch: u64,
    striped: u64,
    overwritten: u64,
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
    pub(super) fn new(
        settings: Arc<Settings<K, V>>,
        clock: Clock,
        tags: Arc<TagRegistry>,
        upkeep: Upkeep,
        adapt: Adapt,
        #[cfg(feature = "advice")] advise: Advise,
        far_tiers: FarTiers<K, V>,
    ) -> Self {
        let bound = match (settings.max_weight, settings.capacity) {
            (Some(most), _) => Bound::Weight(most),
            (None, Some(entries)) => Bound::Entries(entries),
            (None, None) => Bound::Unbounded,
        };
        let hasher = KeyHasher::new(settings.hasher.as_ref());
        let core = Core {
            table: Table::new(bound, settings.strategy.factory()),
            besides: Besides::new(hasher.is_own()),
            hasher,
            allowed: Allowed::new(&settings, clock.is_test()),
            plain_ttl: settings.plain_ttl(),
            permits: settings.max_loads.map(|max| Arc::new(Permits::new(max, clock.clone()))),
            counters: Counters::new(),
            clock,
            flights: Arc::new(Flights::new()),
            epoch: AtomicU64::new(0),
            epochs: [const { AtomicU64::new(0) }; EPOCHS],
            tags,
            live: Live::new(&settings),
            upkeep,
            adapt,
            #[cfg(feature = "advice")]
            advise,
            far_tiers,
            #[cfg(feature = "registry")]
            registered: std::sync::OnceLock::new(),
            settings,
        };
        if core.settings.is_timed() {
            core.become_timed();
        }
        core.close_or_open();
        if matches!(core.settings.strategy, Strategy::Adaptive) {
            core.adapt_to(&core.settings.strategy);
        }
        core
    }

    #[inline]
    pub(crate) fn hash<P: Parts>(&self, parts: &P) -> u64 {
        self.hasher.hash_parts(parts)
    }

    #[inline]
    pub(crate) fn hash_one<Q: ?Sized + std::hash::Hash>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The path of a hit, which it counts: one probe, and a value that is fresh beyond doubt. `hash`: of [`Cache`](super::Cache)'s hasher.
    #[inline(always)]
    pub(crate) fn fast_hit(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Glance<V>
    where
        V: Clone,
    {
        if self.besides.may_concern(hash) && !self.attend(self.besides.all(), hash) {
            return Glance::Unsure;
        }
        self.probe(hash, is_key)
    }

    /// As [`fast_hit`](Self::fast_hit), for a look that is none where it finds nothing: nobody is told of it then.
    #[cfg(feature = "backend")]
    pub(crate) fn hit_or_nothing(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<V>
    where
        V: Clone,
    {
        let besides = self.besides.all();
        if besides & OWN_HASHER != 0 || self.far_tiers.is_unleased() {
            return None;
        }
        let Glance::Hit(value) = self.probe(hash, is_key) else { return None };
        if besides != 0 {
            self.saw(hash);
        }
        Some(value)
    }

    /// As [`fast_hit`](Self::fast_hit), by the hash of a user's hasher.
    #[inline(always)]
    pub(crate) fn fast_own_hit(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Glance<V>
    where
        V: Clone,
    {
        let besides = self.besides.all() & !OWN_HASHER;
        if besides != 0 && !self.attend(besides, hash) {
            return Glance::Unsure;
        }
        self.probe(hash, is_key)
    }

    #[inline(always)]
    fn probe(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Glance<V>
    where
        V: Clone,
    {
        let thread = this_thread();
        self.table.try_hit(thread, hash, is_key, Judge { clock: &self.clock, allowed: &self.allowed }, |value| {
            // Before the clone, which may be a locked instruction that nothing overtakes.
            self.counters.hit_of(thread.index());
            value.clone()
        })
    }

    /// Counts a look that found nothing, as the path of a hit said.
    #[inline]
    pub(crate) fn count_absent(&self) {
        self.counters.miss(Why::Absent);
    }

    /// The tags that the key says, with their versions of now.
    pub(crate) fn tags_of(&self, key: &K) -> Option<TagSet> {
        self.settings.tags_of.as_ref().and_then(|tags_of| TagSet::capture(&self.tags, tags_of(key)))
    }

    /// The tags that a caller gives, beside those that the key says.
    pub(crate) fn tags_beside<S: AsRef<str>>(&self, key: &K, given: impl IntoIterator<Item = S>) -> Option<TagSet> {
        match &self.settings.tags_of {
            None => TagSet::capture(&self.tags, given),
            Some(tags_of) => {
                let given = given.into_iter().map(|tag| tag.as_ref().to_owned());
                TagSet::capture(&self.tags, tags_of(key).into_iter().chain(given))
            }
        }
    }

    /// The tags of what is there, with the versions that it was stored with.
    pub(crate) fn tags_there(&self, hash: u64, key: &K) -> Option<TagSet>
    where
        K: Eq,
    {
        self.table.get(hash, |other| other == key, |seen| (Life::of(&seen).tags().cloned(), false)).flatten()
    }

    #[cfg(feature = "backend")]
    pub(super) fn stale_while_revalidate(&self) -> Duration {
        duration(self.allowed.revalidate())
    }

    pub(super) fn stale_if_error(&self) -> Duration {
        duration(self.allowed.if_error())
    }

    pub(crate) fn now(&self) -> u64 {
        if self.live.is_timed() { self.clock.now() } else { 0 }
    }

    /// A precise look; `touch`: it is a use of the entry.
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(&K) -> bool, touch: bool) -> Option<Found<V>>
    where
        V: Clone,
    {
        let (now, allowed) = (self.now(), self.allowed.now());
        self.table.get(hash, is_key, |seen| {
            let life = Life::of(&seen);
            let worth = life.worth(now, allowed);
            let usable = !matches!(worth, Worth::Expired | Worth::Invalidated | Worth::Unsure);
            if usable && touch {
                entry::touch(&seen, now);
            }
            let age = life.born(now).map(|born| duration(now.saturating_sub(born)));
            (Found { worth, value: usable.then(|| seen.value.clone()), age }, usable && touch)
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
        let (now, allowance, allowed) = (self.now(), nanos(allowance), self.allowed.now());
        self.table
            .get(hash, is_key, |seen| {
                let life = Life::of(&seen);
                let age = life.born(now).map(|born| duration(now.saturating_sub(born)));
                let usable = life.is_usable_until(now, allowance, allowed) && !life.is_unsure();
                (usable.then(|| (seen.value.clone(), age)), false)
            })
            .flatten()
    }

    /// Removes an entry that is of no use any more, even to a failing load.
    pub(crate) fn remove_spent(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        let (now, allowed) = (self.now(), self.allowed.now());
        let mut cause = RemovalCause::Expired;
        let removed = self.table.remove_if(hash, is_key, |_, seen| {
            let life = Life::of(&seen);
            if life.worth(now, allowed) == Worth::Invalidated {
                cause = RemovalCause::Invalidated;
            }
            !life.is_usable_until(now, allowed.window, allowed)
        });
        if let Some(gone) = removed {
            self.gone(gone, cause);
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
        let (now, allowed) = (self.now(), self.allowed.now());
        self.table.get(hash, is_key, |seen| {
            let life = Life::of(&seen);
            let expires = life.expires(now);
            let seen = Seen {
                worth: life.worth(now, allowed),
                age: life.born(now).map(|born| duration(now.saturating_sub(born))),
                left: (expires != NEVER).then(|| duration(expires.saturating_sub(now))),
                tags: life.tags().map_or(0, TagSet::len),
            };
            (seen, false)
        })
    }

    pub(crate) fn postpone_refresh(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        let now = self.now();
        self.table.get(hash, is_key, |seen| (entry::postpone_refresh(&seen, now), false));
    }

    /// To be asked before a load, so that an invalidation during it is seen at the store.
    pub(crate) fn before_load(&self, hash: u64) -> Before {
        Before {
            epoch: self.epoch.load(Ordering::Acquire),
            striped: self.striped(hash).load(Ordering::Acquire),
            overwritten: self.table.overwritten(hash),
        }
    }

    /// Was nothing cleared since? To be asked under the lock of the store.
    pub(super) fn is_same_epoch(&self, before: Before) -> bool {
        self.epoch.load(Ordering::Acquire) == before.epoch
    }

    /// Was no key of that stripe invalidated since, and none overwritten by a caller? To be asked under the lock of the store.
    pub(super) fn is_same_stripe(&self, hash: u64, before: Before) -> bool {
        self.striped(hash).load(Ordering::Acquire) == before.striped
            && self.table.overwritten(hash) == before.overwritten
    }

    fn striped(&self, hash: u64) -> &AtomicU64 {
        &self.epochs[(hash >> 32) as usize % EPOCHS]
    }

    /// Removes the entry, and announces it. When this returns, no call gets a value from before it.
    pub(crate) fn invalidate(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        if let Some(gone) = self.take_out(hash, is_key) {
            self.gone(gone, RemovalCause::Invalidated);
        }
    }

    /// Removes the entry; loads that are under way are not stored, and later callers join none of them.
    pub(crate) fn take_out(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<Gone<K, V, More>> {
        self.cut_off(hash, &is_key);
        let removed = self.remove(hash, &is_key);
        // Again: a flight that began in between has perhaps found the entry, and would give its value to whoever joins it from now on.
        self.flights.cut_off_hash(hash);
        removed
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

    pub(crate) fn remove(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<Gone<K, V, More>> {
        self.table.remove_if(hash, is_key, |_, _| true)
    }

    pub(crate) fn is_usable(&self, life: Life<'_>, now: u64) -> bool {
        matches!(
            life.worth(now, Allowances { revalidate: 0, softened: false, ..self.allowed.now() }),
            Worth::Fresh | Worth::Ahead
        )
    }

    /// Calls `visit` with each entry that a look would hit.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        let now = self.now();
        self.table.for_each(|key, seen| {
            if self.is_usable(Life::of(&seen), now) {
                visit(key, seen.value);
            }
        });
    }

    /// Removes what `keep` does not keep; returns how many. Loads under way are not stored.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> usize {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.flights.cut_off_all();
        let mut out = Removed::new();
        let retained = catch_unwind(AssertUnwindSafe(|| self.table.retain(&mut keep, &mut out)));
        self.flights.cut_off_all();
        let removed = out.len();
        self.all_gone(out);
        if let Err(panic) = retained {
            resume_unwind(panic);
        }
        removed
    }

    pub(crate) fn clear(&self) {
        let mut out = Removed::new();
        self.clear_into(&mut out);
        self.all_gone(out);
    }

    /// What was removed is yet to be announced.
    pub(super) fn clear_into(&self, out: &mut Removed<K, V, More>) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.flights.cut_off_all();
        self.table.clear(out);
        // Again: a flight that began in between has perhaps found an entry.
        self.flights.cut_off_all();
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline(always)]
    pub(super) fn all_gone(&self, out: Removed<K, V, More>) {
        if self.settings.on_removal.is_none() && !std::mem::needs_drop::<(K, V)>() {
            let out = match out.only_counted() {
                Ok(0) => return,
                Ok(evicted) => return self.counters.evicted(evicted),
                Err(out) => out,
            };
            self.counters.evicted(out.evicted());
            // Where it lies: moving what was written a moment ago would stall.
            return out.each_kind(|kind| self.count_gone(cause(kind)));
        }
        for Removal { gone, kind } in out {
            self.gone(gone, cause(kind));
        }
    }

    /// An entry has left: counted, announced, dropped, all outside of locks.
    #[inline]
    pub(crate) fn gone(&self, gone: Gone<K, V, More>, cause: RemovalCause) {
        self.count_gone(cause);
        let listener: Option<&OnRemoval<K, V>> = self.settings.on_removal.as_ref();
        if let Some(listener) = listener {
            quietly(|| listener(&gone.key, &gone.value, cause));
        }
        if std::mem::needs_drop::<(K, V)>() {
            quietly(|| drop((gone.key, gone.value)));
        }
    }

    #[inline]
    fn count_gone(&self, cause: RemovalCause) {
        match cause {
            RemovalCause::Evicted => self.counters.evicted(1),
            RemovalCause::Expired => self.counters.expired(1),
            RemovalCause::Invalidated => self.counters.invalidated(1),
            RemovalCause::Replaced => self.counters.replaced(),
        }
    }

    /// A load has ended after so many nanoseconds.
    #[inline]
    pub(super) fn load_ended(&self, how: LoadEnd, nanos: u64) {
        self.counters.load_ended(how, nanos);
        #[cfg(feature = "metrics")]
        if how != LoadEnd::Cancelled
            && let Some(registered) = self.registered.get()
        {
            registered.load_time(nanos);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counters.snapshot();
        stats.entries = self.table.len() as u64;
        stats.weight = self.table.weight();
        stats.capacity = self.capacity();
        stats.far = self.far_tiers.stats();
        stats
    }

    /// In entries or in weight; `None`: unbounded.
    pub(crate) fn capacity(&self) -> Option<u64> {
        match self.table.bound() {
            Bound::Unbounded => None,
            Bound::Entries(most) => Some(most as u64),
            Bound::Weight(most) => Some(most),
        }
    }
}

/// The calls that looked.
#[cfg(feature = "advice")]
pub(super) fn looks(stats: &Stats) -> u64 {
    stats.hits + stats.stale_hits + stats.misses.total()
}

fn cause(kind: RemovalKind) -> RemovalCause {
    match kind {
        RemovalKind::Evicted => RemovalCause::Evicted,
        RemovalKind::Replaced => RemovalCause::Replaced,
        RemovalKind::Swept => RemovalCause::Expired,
        RemovalKind::Taken => RemovalCause::Invalidated,
    }
}

/// Runs user code whose panic must not cost a caller its value: listeners and destructors of entries that left.
pub(super) fn quietly(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        tracing::error!("a removal listener or the destructor of a removed entry panicked");
    }
}
