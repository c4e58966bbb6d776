//! Storing: whether a value may be, for how long, and what makes room for it.

use super::{
    bond::{Bond, Tie},
    core::{Before, Core, quietly},
    entry::{self, Times},
    settings::{Exceptional, Jitter, Ttl},
};
use crate::{
    flight::state::Flight,
    key::Key,
    memory::{Fresh, Inserted, Marks, Removed, Seen},
    outcome::RemovalCause,
    output::Value,
    stats::Refusal,
    tags::TagSet,
    time::{NEVER, nanos},
};
use std::{hash::BuildHasher, time::Duration};

/// From this ttl on its beginning is read from the coarse clock.
const LONG: u64 = nanos(Duration::from_secs(1));

/// On what terms a value is stored.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// How long it is fresh from now on, in all tiers until they are [`near`](Self::near); `None`: it is not to be stored.
    ttl: Option<u64>,
    /// How long it has been.
    age: u64,
    tags: Option<TagSet>,
    tie: Option<Box<Tie>>,
}

impl Terms {
    /// The tags are those of the tier that processes share, if it has told them.
    pub(crate) fn new(ttl: Option<u64>, tags: Option<TagSet>, tie: Option<Box<Tie>>) -> Self {
        #[cfg(feature = "backend")]
        let tags = tie.as_deref().and_then(|tie| tie.tags.clone()).or(tags);
        Terms { ttl, age: 0, tags, tie }
    }

    /// For no longer than the memory in front of far tiers keeps the value.
    fn near<K: Key, V: Value>(mut self, core: &Core<K, V>, value: &V) -> Self {
        self.ttl = self.ttl.map(|ttl| core.near_ttl(value, ttl));
        self
    }
}

impl<K, V> Core<K, V> {
    /// Stores what a load gave, unless it is not to be stored or an invalidation came in between. `flight` knows more exactly than the epochs do.
    pub(crate) fn store_loaded(
        &self,
        hash: u64,
        key: K,
        value: &V,
        terms: Terms,
        before: Before,
        flight: Option<&Flight<V>>,
    ) -> bool
    where
        K: Key,
        V: Value,
    {
        if terms.ttl.is_none() {
            self.counters.store_refused(Refusal::NotCacheable);
            return false;
        }
        if terms.tags.as_ref().is_some_and(|tags| !tags.is_current()) {
            self.counters.store_refused(Refusal::Invalidated);
            return false;
        }
        let terms = terms.near(self, value);
        self.put(hash, key, value.clone(), terms, || self.is_unchanged(hash, before, flight))
    }

    /// Was the key not invalidated since? To be asked under the lock of the store.
    fn is_unchanged(&self, hash: u64, before: Before, flight: Option<&Flight<V>>) -> bool {
        self.is_same_epoch(before)
            && match flight {
                // In this order: a flight that leaves the map afterwards does so before an invalidation, which then waits for this store.
                Some(flight) if flight.is_listed() => !flight.is_invalidated(),
                // A leader that came back after its takeover, for instance: invalidations did not find its flight any more.
                Some(flight) if flight.is_invalidated() => false,
                _ => self.is_same_stripe(hash, before),
            }
    }

    /// Keeps what a far tier had for as long as it is fresh there, unless an invalidation came in between.
    #[cfg(feature = "backend")]
    pub(super) fn store_found(
        &self,
        hash: u64,
        key: K,
        found: &crate::far::Found<V>,
        before: Before,
        flight: Option<&Flight<V>>,
    ) where
        K: Key,
        V: Value,
    {
        if !self.live.is_enabled() {
            return;
        }
        let terms =
            Terms { age: nanos(found.age), ..Terms::new(Some(found.left), found.tags.clone(), found.tie.clone()) };
        let terms = terms.near(self, &found.value);
        if terms.ttl != Some(0) {
            self.put(hash, key, found.value.clone(), terms, || self.is_unchanged(hash, before, flight));
        }
    }

    /// How long a value that a caller inserts is to be kept, in all tiers; `None`: not at all. `asked`: for so long, whatever the settings say.
    pub(super) fn inserted_ttl(&self, value: &V, asked: Option<Duration>) -> Option<u64> {
        match asked {
            _ if !self.live.is_enabled() => None,
            Some(ttl) => (!ttl.is_zero()).then_some(nanos(ttl)),
            None => self.ttl_of(value),
        }
    }

    /// Stores a value that a caller inserts: whatever is being loaded for the key is older. Without a ttl it removes what is there.
    pub(crate) fn store_inserted(&self, hash: u64, key: K, value: V, terms: Terms)
    where
        K: Key,
        V: Value,
    {
        if terms.ttl.is_none() {
            return self.not_stored(hash, &key);
        }
        self.flights.cut_off(hash, |other| *other == key);
        if terms.tie.is_some() {
            self.outdate_unlisted(hash);
        }
        self.make_way(hash, &key, &terms);
        let terms = terms.near(self, &value);
        self.put(hash, key, value, terms, || {
            self.table.overwrite(hash);
            true
        });
        // Loads that began in between may have seen what was before.
        self.flights.cut_off_hash(hash);
    }

    /// As [`store_inserted`](Self::store_inserted) in a cache of that `plain_ttl`.
    #[inline]
    pub(super) fn store_plain(&self, hash: u64, key: K, value: V, ttl: u64)
    where
        K: Key,
        V: Value,
    {
        let left = self.live.ttl().unwrap_or(ttl);
        if left == 0 || !self.live.is_enabled() {
            return self.not_stored(hash, &key);
        }
        // What most caches have, no times or a plain ttl, costs no call.
        let Some(marks) = self.plain_marks(left) else {
            return self.store_inserted(hash, key, value, Terms::new(Some(left), None, None));
        };
        self.flights.cut_off(hash, |other| *other == key);
        self.put_fresh(hash, key, Fresh { value, marks, more: None, weight: 0 }, None, || {
            self.table.overwrite(hash);
            true
        });
        self.flights.cut_off_hash(hash);
    }

    /// The marks of an entry with no times, or with a ttl beyond a second and nothing else.
    #[inline]
    fn plain_marks(&self, left: u64) -> Option<Marks> {
        if !self.live.is_timed() {
            return Some(Marks::NONE);
        }
        if left < LONG || self.settings.refresh_ahead.is_some() {
            return None;
        }
        entry::begin_plain(self.clock.coarse(), left, self.allowed.now())
    }

    /// What a caller inserts is not to be stored: what is there is older.
    #[cold]
    fn not_stored(&self, hash: u64, key: &K)
    where
        K: Key,
    {
        self.counters.store_refused(Refusal::NotCacheable);
        self.invalidate(hash, |other| *other == *key);
    }

    /// Stores a value that was made under the key's own flight, unless that was invalidated meanwhile. Is it there now?
    pub(crate) fn store_current(&self, hash: u64, key: K, value: V, terms: Terms, flight: Option<&Flight<V>>) -> bool
    where
        K: Key,
        V: Value,
    {
        self.outdate_unlisted(hash);
        if terms.ttl.is_none() {
            self.counters.store_refused(Refusal::NotCacheable);
            if let Some(gone) = self.remove(hash, |other| *other == key) {
                self.gone(gone, RemovalCause::Invalidated);
            }
            return false;
        }
        self.make_way(hash, &key, &terms);
        let terms = terms.near(self, &value);
        self.put(hash, key, value, terms, || flight.is_none_or(|flight| !flight.is_invalidated()))
    }

    /// What is there is older than what comes, also where a tie does not let that take its place.
    fn make_way(&self, hash: u64, key: &K, terms: &Terms)
    where
        K: Key,
        V: Value,
    {
        if terms.tie.is_some()
            && let Some(gone) = self.remove(hash, |other| *other == *key)
        {
            self.gone(gone, RemovalCause::Replaced);
        }
    }

    /// `may`: asked under the lock.
    fn put(&self, hash: u64, key: K, value: V, terms: Terms, may: impl FnOnce() -> bool) -> bool
    where
        K: Key,
        V: Value,
    {
        let Terms { ttl: Some(left), age, tags, tie } = terms else { return false };
        let arrangement = self.arrangement();
        let bond: Option<Bond> = self.bond(tie.as_deref());
        let weight = self.settings.weigher.as_ref().map_or(0, |weigh| weigh(&key, &value));
        let (marks, more) = entry::begin(self.times(left, age), tags, bond, self.allowed.now());
        // Not where its tiers have become others meanwhile: nobody would tell of changes to it.
        let may = || self.is_near_in(arrangement) && may();
        self.put_fresh(hash, key, Fresh { value, marks, more, weight }, tie.as_deref(), may)
    }

    /// Stores an entry of a snapshot, if `may` says so of what is there; asked under the lock. A refusal is not counted: nobody has loaded it.
    #[cfg(feature = "backend")]
    pub(super) fn put_restored(
        &self,
        hash: u64,
        key: K,
        fresh: Fresh<V, entry::More>,
        may: impl FnOnce(Option<entry::Life<'_>>) -> bool,
    ) -> bool
    where
        K: Key,
        V: Value,
    {
        let sweep = fresh.marks.sweep;
        let mut out = Removed::new();
        let keep = |seen: Option<Seen<'_, V, entry::More>>| may(seen.as_ref().map(entry::Life::of));
        let inserted = self.table.insert(hash, key, fresh, |a, b| a == b, keep, &mut out);
        self.all_gone(out);
        match inserted {
            Inserted::Stored | Inserted::Replaced => {
                self.upkeep.expect(&self.clock, sweep);
                true
            }
            Inserted::Refused(key, value) | Inserted::TooHeavy(key, value) => {
                quietly(|| drop((key, value)));
                false
            }
        }
    }

    #[inline]
    fn put_fresh(
        &self,
        hash: u64,
        key: K,
        fresh: Fresh<V, entry::More>,
        tie: Option<&Tie>,
        may: impl FnOnce() -> bool,
    ) -> bool
    where
        K: Key,
        V: Value,
    {
        let sweep = fresh.marks.sweep;
        let is_counted = self.settings.on_removal.is_none() && self.settings.weigher.is_none();
        let mut out = if is_counted { Removed::counted() } else { Removed::new() };
        let keep = |_: Option<Seen<'_, V, entry::More>>| self.is_tie_good(tie) && may();
        let inserted = {
            // Held until it is stored, and no longer: news about the entry find it by its name.
            let _named = tie.and_then(|tie| self.name(hash, Some(tie)));
            self.table.insert(hash, key, fresh, |a, b| a == b, keep, &mut out)
        };
        self.all_gone(out);
        if let Inserted::Stored | Inserted::Replaced = inserted {
            self.upkeep.expect(&self.clock, sweep);
            return true;
        }
        self.not_kept(hash, inserted);
        false
    }

    #[cold]
    #[inline(never)]
    fn not_kept(&self, hash: u64, inserted: Inserted<K, V>)
    where
        K: Key,
    {
        let refused = match inserted {
            Inserted::Stored | Inserted::Replaced => return,
            Inserted::Refused(key, value) => {
                self.counters.store_refused(Refusal::Invalidated);
                (key, value)
            }
            Inserted::TooHeavy(key, value) => {
                self.counters.store_refused(Refusal::TooHeavy);
                // What is there is older than what was to replace it.
                if let Some(gone) = self.remove(hash, |other| *other == key) {
                    self.gone(gone, RemovalCause::Replaced);
                }
                (key, value)
            }
        };
        quietly(|| drop(refused));
    }

    fn times(&self, left: u64, age: u64) -> Option<Times> {
        if !self.live.is_timed() {
            return None;
        }
        // Beyond a second a few milliseconds matter less than the reading of the clock. The coarse time is never ahead, so nothing lives too long.
        let now = if left.min(self.allowed.idle()) < LONG { self.clock.now() } else { self.clock.coarse() };
        let (born, ttl) = (now.saturating_sub(age), left.saturating_add(age.min(now)));
        let refresh = match self.settings.refresh_ahead {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(percent) if left != NEVER => born.saturating_add((ttl as f64 * percent / 100.0) as u64),
            _ => NEVER,
        };
        Some(Times { now, born, refresh, expires: now.saturating_add(left) })
    }

    /// The effective ttl of a value; `None`: it is not to be stored.
    pub(super) fn ttl_of(&self, value: &V) -> Option<u64> {
        let settings = &*self.settings;
        if !self.live.is_enabled() {
            return None;
        }
        if settings.cache_if.as_ref().is_some_and(|test| !test(value)) {
            return None;
        }
        let ttl = match settings.exceptional.iter().find_map(|rule| rule(value)) {
            Some(Exceptional::NotStored) => return None,
            Some(Exceptional::For(ttl)) => nanos(ttl),
            None => match (self.live.ttl(), &settings.ttl) {
                (Some(NEVER), _) | (None, Ttl::Never) => return Some(NEVER),
                (Some(ttl), _) => ttl,
                (None, Ttl::Fixed(ttl)) => nanos(*ttl),
                (None, Ttl::ByValue(ttl)) => nanos(ttl(value)),
            },
        };
        (ttl > 0).then(|| jittered(ttl, settings.jitter))
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
