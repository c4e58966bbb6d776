//! Entries in memory that go into a file, and come back from one.

use super::{
    Cache, Core,
    core::{self, EPOCHS},
    entry::{self, Life, Times, Worth},
};
use crate::{
    codec::{Codec, DEFAULT_MAX_VALUE_BYTES, Json},
    identity::Identity,
    key::Key,
    memory::{COUNTERS, Fresh},
    output::Value,
    policy::Slot,
    snapshot::{Header, Record, Restored, Snapshot, SnapshotError, Source, Target},
    tags::TagSet,
    time::{NEVER, nanos},
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::{path::Path, sync::atomic::Ordering, time::Duration};

/// Entries of the shards take turns in so many rounds, so that one that was used late in its shard is late in the file.
const ROUNDS: usize = 256;

/// A clock on the wall that is set by a time server may be a little back.
const SET_BACK: u64 = nanos(Duration::from_secs(1));

/// An entry as it was met.
struct Met<K, V> {
    key: K,
    value: V,
    tags: Option<TagSet>,
    age: u64,
    left: u64,
    unused: u64,
    hits: u32,
}

/// What had happened when a restoration began.
struct Since {
    epoch: u64,
    striped: [u64; EPOCHS],
    overwritten: Vec<[u64; COUNTERS]>,
    tags: u64,
}

/// How keys and values become bytes.
struct Coded<C> {
    codec: C,
    name: &'static str,
    keys: Identity,
    values: Identity,
}

impl<K, V> Core<K, V> {
    fn since(&self) -> Since {
        Since {
            epoch: self.epoch.load(Ordering::Acquire),
            striped: self.epochs.each_ref().map(|epoch| epoch.load(Ordering::Acquire)),
            overwritten: self.table.all_overwritten(),
            tags: self.tags.changes(),
        }
    }

    /// Was the key neither invalidated nor overwritten? To be asked under the lock of the store.
    fn is_as_before(&self, hash: u64, since: &Since) -> bool {
        let stripe = (hash >> 32) as usize % EPOCHS;
        self.epoch.load(Ordering::Acquire) == since.epoch
            && self.epochs[stripe].load(Ordering::Acquire) == since.striped[stripe]
            && !self.table.is_overwritten(hash, &since.overwritten)
    }

    /// The entry at that slot if it is fresh, its times as of `start`.
    fn met(&self, shard: usize, slot: Slot, start: u64) -> Option<Met<K, V>>
    where
        K: Clone,
        V: Clone,
    {
        let now = self.now();
        self.table
            .at_slot(shard, slot, |key, seen, hits| {
                let life = Life::of(&seen);
                self.is_usable(life, now).then(|| Met {
                    key: key.clone(),
                    value: seen.value.clone(),
                    tags: life.tags().cloned(),
                    age: life.born(now).map_or(NEVER, |born| start.saturating_sub(born)),
                    left: match life.expires(now) {
                        NEVER => NEVER,
                        expires => expires.saturating_sub(start),
                    },
                    unused: life.used(self.allowed.now()).map_or(0, |used| start.saturating_sub(used)),
                    hits,
                })
            })
            .flatten()
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    /// Writes the fresh entries in memory to a file, as JSON, in place of the one that is there: that one stays until the new one is whole. [`snapshot`](mod@crate::snapshot)
    /// says what of them is kept.
    ///
    /// Others use the cache meanwhile: what is there from the beginning to the end is in the file, what comes and goes may be. Copies one entry at a time; takes 16 bytes of
    /// memory for each entry, and 128 KiB. Blocks the thread, in async code use `spawn_blocking`. The file is readable for its owner alone, where there are such permissions.
    ///
    /// # Errors
    /// The file cannot be written, or the cache has a backend.
    pub fn snapshot(&self, path: impl AsRef<Path>) -> Result<Snapshot, SnapshotError>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        self.snapshot_as::<Json>(path)
    }

    /// As [`snapshot`](Self::snapshot), in the format of a [`Codec`]: of those that are smaller than JSON, or carry what it does not.
    ///
    /// # Errors
    /// Those of `snapshot`.
    pub fn snapshot_as<C: Codec<K> + Codec<V> + Default>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<Snapshot, SnapshotError> {
        let cache = self.here();
        let core = &cache.core;
        let coded = self.coded::<C>()?;
        // Also where entries carry no times yet.
        let start = core.clock.now();
        let header = Header {
            cache: cache.name().to_owned(),
            codec: coded.name.to_owned(),
            keys: coded.keys.fingerprint.0,
            values: coded.values.fingerprint.0,
            created: core.clock.wall(),
        };
        let mut target = Target::create(path.as_ref(), &header)?;
        let mut unwritable = 0;
        // Sorted with no lock held.
        let slots: Vec<Vec<Slot>> = core.table.slots_by_word().map(ordered).collect();
        for (shard, slot) in by_turns(&slots) {
            let Some(met) = core.met(shard, slot, start) else { continue };
            if !write(&mut target, &coded.codec, &met)? {
                unwritable += 1;
            }
        }
        let (entries, bytes) = target.finish()?;
        if unwritable > 0 {
            tracing::warn!(cache = cache.name(), unwritable, codec = coded.name, "entries are not in the snapshot");
        }
        Ok(Snapshot { entries, unwritable, bytes })
    }

    /// Stores the entries of a file that [`snapshot`](Self::snapshot) wrote, and says what became of them. What is in the cache already is newer and
    /// stays. [`snapshot`](mod@crate::snapshot) says what is checked, and why this belongs before the first calls.
    ///
    /// Reads the file twice, first to the end to see that it is whole, 64 KiB at a time. Others use the cache meanwhile. Blocks the thread, in async code use `spawn_blocking`.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, is no snapshot, or is one of another cache, shape, version or codec; or the cache has a backend. Then nothing
    /// is restored, unless the file is changed while it is read.
    pub fn restore(&self, path: impl AsRef<Path>) -> Result<Restored, SnapshotError>
    where
        K: Serialize + DeserializeOwned,
        V: Serialize + DeserializeOwned,
    {
        self.restore_as::<Json>(path)
    }

    /// As [`restore`](Self::restore), of a file that [`snapshot_as`](Self::snapshot_as) wrote.
    ///
    /// # Errors
    /// Those of `restore`.
    pub fn restore_as<C: Codec<K> + Codec<V> + Default>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<Restored, SnapshotError> {
        let (cache, path) = (self.here(), path.as_ref());
        let core = &cache.core;
        let coded = self.coded::<C>()?;
        let since = core.since();
        let mut source = Source::open(path)?;
        check(&source.header, &coded, cache.name(), path)?;
        source.verify()?;
        let mut restored = Restored::default();
        while let Some(block) = source.next_block(restored.entries)? {
            let mut rest = &*block;
            while let Some((record, after)) = Record::read(rest) {
                rest = after;
                cache.put_back(&record, &coded.codec, source.header.created, &since, &mut restored);
            }
        }
        Ok(restored)
    }

    fn coded<C: Codec<K> + Codec<V> + Default>(&self) -> Result<Coded<C>, SnapshotError> {
        let settings = &self.core.settings;
        if settings.far.is_far() {
            return Err(SnapshotError::HasBackend { cache: self.name().to_owned() });
        }
        // As the tiers of bytes have it: 0 is what nobody has said.
        let version = (settings.version != 0).then_some(settings.version);
        Ok(Coded {
            codec: C::default(),
            name: <C as Codec<V>>::NAME,
            keys: <C as Codec<K>>::identity(version, &[]),
            values: <C as Codec<V>>::identity(version, settings.far.tag_templates),
        })
    }

    fn put_back<C: Codec<K> + Codec<V>>(
        &self,
        record: &Record<'_>,
        codec: &C,
        created: u64,
        since: &Since,
        restored: &mut Restored,
    ) {
        let core = &self.core;
        let passed = core.clock.wall().saturating_add(SET_BACK).checked_sub(created);
        // Nobody knows how much time has passed where the clock on the wall was set back.
        let elapsed = passed.map_or(NEVER, |passed| passed.saturating_sub(SET_BACK));
        let unused = record.unused.saturating_add(elapsed);
        let idle = core.allowed.now().idle;
        let Some(left) = record.left_after(elapsed).filter(|_| idle == NEVER || unused < idle) else {
            return restored.expired += 1;
        };
        let decoded = decode(codec, record.key).zip(decode(codec, record.value));
        let Some((key, value)): Option<(K, V)> = decoded else {
            return restored.unreadable += 1;
        };
        let hash = core.hash_one(&key);
        // Before the table makes room for it, which begins with what is there.
        let is_usable = |seen: core::Seen| matches!(seen.worth, Worth::Fresh | Worth::Ahead);
        if core.inspect(hash, |other| *other == key).is_some_and(is_usable) {
            return restored.present += 1;
        }
        // The versions of now, which are those of the beginning if nothing has changed since.
        let tags = TagSet::capture(&core.tags, &record.tags);
        if !core.live.is_enabled() || tags.is_some() && core.tags.changes() != since.tags {
            return restored.refused += 1;
        }
        let times = core.live_times(record, left, elapsed);
        let used = core.now().saturating_sub(unused);
        let weight = core.settings.weigher.as_ref().map_or(0, |weigh| weigh(&key, &value));
        let (marks, more) = entry::begin_again(times, tags, used, core.allowed.now());
        let fresh = Fresh { value, marks, more, weight };
        if core.put_absent(hash, key.clone(), fresh, |seen| core.is_usable(seen, core.now()), since, restored) {
            for _ in 0..record.hits {
                // A use of the entry, and no hit of the cache.
                core.table.get(hash, |other| *other == key, |_| ((), true));
            }
        }
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// The times of a restored entry. Of an age that is longer than this process the rest is not known any more.
    fn live_times(&self, record: &Record<'_>, left: u64, elapsed: u64) -> Option<Times> {
        if !self.live.is_timed() {
            return None;
        }
        let now = self.now();
        let age = if record.age == NEVER { 0 } else { record.age.saturating_add(elapsed) };
        let refresh = match self.settings.refresh_ahead {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(percent) if left != NEVER => {
                let after = (age.saturating_add(left) as f64 * percent / 100.0) as u64;
                now.saturating_add(after.saturating_sub(age))
            }
            _ => NEVER,
        };
        Some(Times { now, born: now.saturating_sub(age), refresh, expires: now.saturating_add(left) })
    }

    /// Stores it where nothing usable is. Whether it is there now.
    fn put_absent(
        &self,
        hash: u64,
        key: K,
        fresh: Fresh<V, entry::More>,
        is_usable: impl Fn(Life<'_>) -> bool,
        since: &Since,
        restored: &mut Restored,
    ) -> bool {
        let mut is_present = false;
        let may = |there: Option<Life<'_>>| {
            is_present = there.is_some_and(&is_usable);
            !is_present && self.is_as_before(hash, since)
        };
        let is_stored = self.put_restored(hash, key, fresh, may);
        match (is_stored, is_present) {
            (true, _) => restored.entries += 1,
            (false, true) => restored.present += 1,
            (false, false) => restored.refused += 1,
        }
        is_stored
    }
}

/// The slots with the smallest words first: in the order of use where hits stamp.
fn ordered(mut slots: Vec<(u64, Slot)>) -> Vec<Slot> {
    slots.sort_unstable();
    slots.into_iter().map(|(_, slot)| slot).collect()
}

/// Shard and slot, a part of each shard in each round.
fn by_turns(slots: &[Vec<Slot>]) -> impl Iterator<Item = (usize, Slot)> {
    let part = |len: usize, round: usize| len * round / ROUNDS;
    (0..ROUNDS).flat_map(move |round| {
        slots.iter().enumerate().flat_map(move |(shard, slots)| {
            let these = slots.get(part(slots.len(), round)..part(slots.len(), round + 1)).unwrap_or_default();
            these.iter().map(move |slot| (shard, *slot))
        })
    })
}

/// Whether the codec carries it.
fn write<K, V, C: Codec<K> + Codec<V>>(target: &mut Target, codec: &C, met: &Met<K, V>) -> Result<bool, SnapshotError> {
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let most = DEFAULT_MAX_VALUE_BYTES;
    if codec.encode_within(&met.key, &mut key, most).is_err()
        || codec.encode_within(&met.value, &mut value, most).is_err()
    {
        return Ok(false);
    }
    target.add(&Record {
        age: met.age,
        left: met.left,
        unused: met.unused,
        hits: u8::try_from(met.hits).unwrap_or(u8::MAX),
        tags: met.tags.iter().flat_map(TagSet::names).collect(),
        key: &key,
        value: &value,
    })
}

fn decode<T, C: Codec<T>>(codec: &C, bytes: &[u8]) -> Option<T> {
    codec.decode_within(&Bytes::copy_from_slice(bytes), DEFAULT_MAX_VALUE_BYTES).ok()
}

fn check<C>(header: &Header, coded: &Coded<C>, cache: &str, path: &Path) -> Result<(), SnapshotError> {
    let path = path.to_owned();
    if header.cache != cache {
        return Err(SnapshotError::OtherCache { path, cache: cache.to_owned(), found: header.cache.clone() });
    }
    if header.codec != coded.name {
        return Err(SnapshotError::OtherCodec { path, codec: coded.name, found: header.codec.clone() });
    }
    let parts = [("keys", header.keys, &coded.keys), ("values", header.values, &coded.values)];
    for (what, found, wanted) in parts {
        if found != wanted.fingerprint.0 {
            let why = if wanted.is_tied_to_executable {
                "it cannot be traced, so only the build that wrote them reads them; with a `version` every build does"
            } else {
                "let the cache fill itself anew"
            };
            return Err(SnapshotError::OtherShape { path, cache: cache.to_owned(), what, why });
        }
    }
    Ok(())
}
