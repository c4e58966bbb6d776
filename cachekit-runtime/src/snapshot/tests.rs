//! Snapshots as users write and restore them.

use super::*;
use crate::{
    Builder, Cache, Error, Place, State,
    backend::MemoryBytes,
    codec::{Codec, Json},
    testing,
    time::nanos,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A file of the test's own.
struct TempFile(PathBuf);

impl TempFile {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = std::env::temp_dir().join(format!(
            "cachekit-snapshot-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&folder).unwrap();
        TempFile(folder.join("it"))
    }

    fn beside(&self) -> Vec<String> {
        let folder = fs::read_dir(self.0.parent().unwrap()).unwrap();
        folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn numbers() -> Builder<u64, u64> {
    Cache::builder().name("numbers")
}

/// With the ten entries 0 to 9.
fn ten(cache: &Cache<u64, u64>) {
    (0..10).for_each(|key| _ = cache.insert(key, key * 10));
}

fn entries(cache: &Cache<u64, u64>) -> BTreeMap<u64, u64> {
    cache.iter().collect()
}

#[test]
fn what_was_there_is_there_again_and_counts_as_nothing_but_entries() {
    let file = TempFile::new();
    let before = numbers().build();
    ten(&before);
    let written = before.snapshot(&file.0).unwrap();
    assert_eq!((written.entries, written.unwritable), (10, 0));
    assert_eq!(written.bytes, fs::metadata(&file.0).unwrap().len());
    assert_eq!(before.stats().calls(), 0);
    let after = numbers().build();
    let restored = after.restore(&file.0).unwrap();
    assert_eq!(restored, Restored { entries: 10, ..Restored::default() });
    assert_eq!(entries(&after), entries(&before));
    let stats = after.stats();
    assert_eq!((stats.calls(), stats.loads, stats.refusals, stats.entries), (0, 0, Default::default(), 10));
    assert_eq!(file.beside(), ["it"], "nothing is left beside it");
}

#[test]
fn an_empty_cache_and_large_entries_have_snapshots_too() {
    let file = TempFile::new();
    let build = || Cache::<String, String>::builder().name("texts").build();
    let before = build();
    assert_eq!(before.snapshot(&file.0).unwrap().entries, 0);
    assert_eq!(build().restore(&file.0).unwrap(), Restored::default());
    for letter in ["a", "b", "c"] {
        before.insert(letter.to_owned(), letter.repeat(3 * BLOCK));
    }
    before.insert(String::new(), String::new());
    assert_eq!(before.snapshot(&file.0).unwrap().entries, 4);
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap().entries, 4);
    assert_eq!(after.get("b"), Some("b".repeat(3 * BLOCK)));
    assert_eq!(after.get(""), Some(String::new()));
}

#[test]
fn the_ttl_goes_on_in_the_file() {
    let (file, scope) = (TempFile::new(), testing::scope());
    let build = || numbers().ttl(3 * MINUTE).refresh_ahead(50.0).build();
    let before = build();
    before.insert(1, 1);
    scope.advance(MINUTE);
    before.insert(2, 2);
    before.insert_with_ttl(3, 3, 10 * MINUTE);
    before.snapshot(&file.0).unwrap();
    scope.advance(2 * MINUTE);
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap(), Restored { entries: 2, expired: 1, ..Restored::default() });
    let seen = after.explain(&2);
    assert_eq!((seen.state, seen.age, seen.ttl_left), (State::RefreshDue, Some(2 * MINUTE), Some(MINUTE)));
    assert_eq!((after.explain(&3).state, after.explain(&3).ttl_left), (State::Fresh, Some(8 * MINUTE)));
    scope.advance(MINUTE);
    assert_eq!((after.get(&2), after.get(&3)), (None, Some(3)));
    assert_eq!(after.len(), 1, "swept without being asked for");
}

#[test]
fn what_has_expired_is_not_written() {
    let (file, scope) = (TempFile::new(), testing::scope());
    let cache = numbers().ttl(MINUTE).stale_while_revalidate(MINUTE).build();
    cache.insert(1, 1);
    scope.advance(MINUTE);
    cache.insert(2, 2);
    assert_eq!(cache.snapshot(&file.0).unwrap().entries, 1);
}

#[test]
fn the_time_without_a_use_goes_on_in_the_file() {
    let (file, scope) = (TempFile::new(), testing::scope());
    let build = || numbers().idle(3 * MINUTE).build();
    let before = build();
    (1..=2).for_each(|key| _ = before.insert(key, key));
    scope.advance(2 * MINUTE);
    assert_eq!(before.get(&2), Some(2));
    scope.advance(MINUTE / 2);
    before.snapshot(&file.0).unwrap();
    scope.advance(MINUTE);
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap(), Restored { entries: 1, expired: 1, ..Restored::default() });
    scope.advance(MINUTE);
    assert!(after.contains(&2));
    scope.advance(MINUTE / 2);
    assert!(!after.contains(&2));
    // A sweep waits a moment for others that are due.
    scope.advance(Duration::from_secs(1));
    assert_eq!(after.len(), 0);
}

#[test]
fn where_the_clock_was_set_back_only_what_never_expires_is_restored() {
    let file = TempFile::new();
    let build = || numbers().ttl(600 * MINUTE).build();
    {
        let scope = testing::scope();
        scope.advance(100 * MINUTE);
        let before = build();
        before.insert(1, 1);
        before.set_ttl(None);
        before.insert(2, 2);
        assert_eq!(before.snapshot(&file.0).unwrap().entries, 2);
    }
    let _scope = testing::scope();
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap(), Restored { entries: 1, expired: 1, ..Restored::default() });
    assert_eq!(entries(&after), BTreeMap::from([(2, 2)]));
}

#[test]
fn what_is_there_already_is_newer() {
    let file = TempFile::new();
    for builder in [numbers, || numbers().max_bytes_with(160, |_, _| 16)] {
        let (before, after) = (builder().build(), builder().build());
        ten(&before);
        before.snapshot(&file.0).unwrap();
        after.insert(9, 1);
        let restored = after.restore(&file.0).unwrap();
        assert_eq!((restored.entries, restored.present), (9, 1));
        assert_eq!((after.get(&9), after.get(&8)), (Some(1), Some(80)));
    }
}

#[test]
fn a_smaller_cache_takes_what_it_may_and_counts_what_goes() {
    let file = TempFile::new();
    let before = numbers().build();
    ten(&before);
    before.snapshot(&file.0).unwrap();
    for (after, entries, refused) in [
        (numbers().capacity(4).build(), 10, 0),
        (numbers().max_bytes_with(40, |_, _| 10).build(), 10, 0),
        (numbers().max_bytes_with(40, |_, _| 50).build(), 0, 10),
        (numbers().capacity(0).build(), 0, 10),
    ] {
        let restored = after.restore(&file.0).unwrap();
        assert_eq!((restored.entries, restored.refused), (entries, refused));
        let stats = after.stats();
        assert_eq!(stats.entries + stats.removals.evicted, entries);
        assert!(stats.entries <= 4);
    }
    let off = numbers().build();
    off.set_enabled(false);
    assert_eq!(off.restore(&file.0).unwrap().refused, 10);
    assert!(off.is_empty());
}

#[test]
fn tags_come_back() {
    let file = TempFile::new();
    let build = || numbers().tags_with(|key: &u64| vec![format!("snapshot-{key}")]).build();
    let before = build();
    ten(&before);
    before.insert_tagged(20, 200, ["snapshot-all"]);
    before.snapshot(&file.0).unwrap();
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap().entries, 11);
    assert_eq!(after.explain(&20).tags, 2);
    crate::invalidate_tag("snapshot-3");
    crate::invalidate_tag("snapshot-all");
    assert_eq!((after.get(&3), after.get(&20), after.get(&4)), (None, None, Some(40)));
}

#[test]
fn the_order_of_use_comes_back() {
    let file = TempFile::new();
    let build = |capacity| numbers().capacity(capacity).strategy("lru".parse().unwrap()).build();
    let before = build(10);
    ten(&before);
    let used = [7, 3, 9, 0, 1, 2, 8, 6, 4, 5];
    used.iter().for_each(|key| _ = before.get(key));
    before.snapshot(&file.0).unwrap();
    let after = build(10);
    after.restore(&file.0).unwrap();
    for (at, gone) in used.iter().enumerate() {
        assert!(after.contains(gone));
        after.insert(100 + at as u64, 0);
        assert!(!after.contains(gone), "{gone}");
    }
    // Across shards, of which the next process has others; with a hash that fills them evenly, so that none evicts before the cache is full.
    let build = |capacity| {
        let even = numbers().hasher(std::hash::RandomState::new());
        even.capacity(capacity).strategy("lru".parse().unwrap()).build()
    };
    let before = build(9_000);
    (0..8_000).for_each(|key| _ = before.insert(key, key));
    (0..3_000).for_each(|key| _ = before.get(&key));
    before.snapshot(&file.0).unwrap();
    let after = build(4_000);
    after.restore(&file.0).unwrap();
    let there = (0..3_000).filter(|key| after.contains(key)).count();
    assert!(there > 2_900, "{there} of those that were used last");
}

/// As if the file had been written so long ago.
fn aged(file: &TempFile, by: Duration) {
    let mut source = Source::open(&file.0).unwrap();
    let header = Header { created: source.header.created - nanos(by), ..source.header.clone() };
    let mut target = Target::create(&file.0, &header).unwrap();
    while let Some(block) = source.next_block(0).unwrap() {
        let mut rest = &*block;
        while let Some((record, after)) = Record::read(rest) {
            assert!(target.add(&record).unwrap());
            rest = after;
        }
    }
    target.finish().unwrap();
}

#[test]
fn what_is_older_than_the_process_has_its_age_all_the_same() {
    let file = TempFile::new();
    let build = || numbers().ttl(120 * MINUTE).idle(60 * MINUTE).build();
    let before = build();
    before.insert(1, 1);
    before.snapshot(&file.0).unwrap();
    aged(&file, 50 * MINUTE);
    let after = build();
    assert_eq!(after.restore(&file.0).unwrap().entries, 1);
    assert!(after.explain(&1).age.is_some_and(|age| age >= 50 * MINUTE), "{:?}", after.explain(&1));
    // A restart later, without a use.
    after.snapshot(&file.0).unwrap();
    aged(&file, 20 * MINUTE);
    assert_eq!(build().restore(&file.0).unwrap(), Restored { expired: 1, ..Restored::default() });
}

#[test]
fn a_newer_value_stays_also_where_the_cache_is_full_and_a_refresh_is_due() {
    let (file, scope) = (TempFile::new(), testing::scope());
    let build = || numbers().ttl(10 * MINUTE).refresh_ahead(50.0).max_bytes_with(1, |_, _| 1).build();
    let before = build();
    before.insert(1, 1);
    before.snapshot(&file.0).unwrap();
    let after = build();
    after.insert(1, 2);
    scope.advance(6 * MINUTE);
    assert_eq!(after.restore(&file.0).unwrap(), Restored { present: 1, ..Restored::default() });
    assert_eq!(after.get(&1), Some(2));
}

#[test]
fn a_length_that_cannot_be_takes_no_memory() {
    let file = TempFile::new();
    let cache = numbers().build();
    ten(&cache);
    cache.snapshot(&file.0).unwrap();
    let mut bytes = fs::read(&file.0).unwrap();
    let blocks = bytes.len() - 16 - 12 - Source::open(&file.0).unwrap().next_block(0).unwrap().unwrap().len();
    bytes[blocks + 3] |= 0x80;
    fs::write(&file.0, &bytes).unwrap();
    let error = numbers().build().restore(&file.0).unwrap_err();
    assert!(error.to_string().contains("no block is as long"), "{error}");
}

#[test]
fn hits_come_back() {
    let file = TempFile::new();
    let build = || numbers().capacity(10).strategy("lfu".parse().unwrap()).build();
    let before = build();
    ten(&before);
    (0..10).for_each(|key| (0..20 - 2 * key).for_each(|_| _ = before.get(&key)));
    before.snapshot(&file.0).unwrap();
    let after = build();
    after.restore(&file.0).unwrap();
    assert_eq!(after.stats().hits, 0, "they are no calls");
    for gone in [9, 8, 7] {
        after.insert(100 + gone, 0);
        (0..100).for_each(|_| _ = after.get(&(100 + gone)));
        assert!(!after.contains(&gone) && after.contains(&(gone - 1)), "{gone}");
    }
}

#[test]
fn what_the_codec_cannot_carry_is_left_out_and_counted() {
    let file = TempFile::new();
    let build = || Cache::<u64, f64>::builder().name("floats").build();
    let before = build();
    [1.5, f64::NAN, 2.5].iter().enumerate().for_each(|(key, value)| _ = before.insert(key as u64, *value));
    let written = before.snapshot(&file.0).unwrap();
    assert_eq!((written.entries, written.unwritable), (2, 1));
    assert_eq!(build().restore(&file.0).unwrap().entries, 2);
}

#[cfg(feature = "postcard")]
#[test]
fn other_codecs_write_it_and_are_asked_for_again() {
    use crate::codec::Postcard;
    let file = TempFile::new();
    let before = numbers().build();
    ten(&before);
    let json = before.snapshot(&file.0).unwrap().bytes;
    assert!(before.snapshot_as::<Postcard>(&file.0).unwrap().bytes < json);
    let after = numbers().build();
    let error = after.restore(&file.0).unwrap_err();
    assert!(matches!(&error, SnapshotError::OtherCodec { found, .. } if found == "postcard"), "{error}");
    assert_eq!(after.restore_as::<Postcard>(&file.0).unwrap().entries, 10);
}

#[test]
fn a_file_of_another_cache_shape_or_version_is_refused() {
    let file = TempFile::new();
    let before = numbers().build();
    ten(&before);
    before.snapshot(&file.0).unwrap();
    let other = Cache::<u64, u64>::builder().name("others").build();
    let error = other.restore(&file.0).unwrap_err();
    assert!(matches!(&error, SnapshotError::OtherCache { .. }), "{error}");
    assert!(error.to_string().contains("numbers") && error.to_string().contains("others"), "{error}");
    let values = Cache::<u64, String>::builder().name("numbers").build().restore(&file.0).unwrap_err();
    assert!(matches!(&values, SnapshotError::OtherShape { what: "values", .. }), "{values}");
    let keys = Cache::<String, u64>::builder().name("numbers").build().restore(&file.0).unwrap_err();
    assert!(matches!(&keys, SnapshotError::OtherShape { what: "keys", .. }), "{keys}");
    let version = numbers().version(1).build().restore(&file.0).unwrap_err();
    assert!(matches!(&version, SnapshotError::OtherShape { .. }) && version.to_string().contains("version"));
}

#[test]
fn a_cache_with_a_backend_has_no_snapshot() {
    let file = TempFile::new();
    let far = Place::own(Arc::new(MemoryBytes::new()));
    let cache: Cache<u64, u64> = Cache::builder().name("far").backends([Place::memory(), far]).readable().build();
    for error in [cache.snapshot(&file.0).unwrap_err(), cache.restore(&file.0).unwrap_err()] {
        assert!(matches!(&error, SnapshotError::HasBackend { .. }), "{error}");
    }
    assert!(!file.0.exists());
}

#[test]
fn what_is_no_snapshot_says_so() {
    let file = TempFile::new();
    let cache = numbers().build();
    let error = cache.restore(&file.0).unwrap_err();
    assert!(matches!(&error, SnapshotError::Io { action: "read", .. }) && error.to_string().contains("it"), "{error}");
    for bytes in [&b""[..], b"{}", b"PK\x03\x04 and much more than a few bytes of another kind", b"cksnap?\x01...."] {
        fs::write(&file.0, bytes).unwrap();
        assert!(matches!(cache.restore(&file.0), Err(SnapshotError::Foreign { .. })), "{bytes:?}");
    }
    fs::write(&file.0, b"cksnap\n\x09 of a later version").unwrap();
    let error = cache.restore(&file.0).unwrap_err();
    assert!(matches!(&error, SnapshotError::OtherFormat { found: 9, .. }), "{error}");
    assert!(cache.snapshot(file.0.join("beneath")).is_err() && cache.snapshot("/").is_err());
}

#[test]
fn a_file_that_is_cut_off_or_changed_anywhere_restores_nothing() {
    let file = TempFile::new();
    let before = numbers().build();
    ten(&before);
    before.snapshot(&file.0).unwrap();
    let whole = fs::read(&file.0).unwrap();
    let after = numbers().build();
    for length in 0..whole.len() {
        fs::write(&file.0, &whole[..length]).unwrap();
        let error = after.restore(&file.0).unwrap_err();
        match &error {
            SnapshotError::Foreign { .. } => assert_eq!(length, 0),
            SnapshotError::Damaged { at, restored: 0, .. } => assert_eq!(*at, length as u64, "{error}"),
            _ => panic!("{length}: {error}"),
        }
    }
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            fs::write(&file.0, &bytes).unwrap();
            let error = after.restore(&file.0).expect_err("it was changed");
            match error {
                SnapshotError::Foreign { .. } | SnapshotError::OtherFormat { .. } => assert!(at < 8),
                SnapshotError::Damaged { restored: 0, .. } => assert!(at >= 8),
                _ => panic!("{at}: {error}"),
            }
        }
    }
    fs::write(&file.0, [&whole[..], b"x"].concat()).unwrap();
    assert!(matches!(after.restore(&file.0), Err(SnapshotError::Damaged { what: "more bytes after its end", .. })));
    assert!(after.is_empty());
    fs::write(&file.0, &whole).unwrap();
    assert_eq!(after.restore(&file.0).unwrap().entries, 10);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = TempFile::new();
    numbers().build().snapshot(&file.0).unwrap();
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o077, 0);
}

/// A number, and what happens there.
type Event = (u64, Box<dyn FnOnce()>);

thread_local! {
    /// What [`Watched`] does when it meets this number.
    static ON: RefCell<Option<Event>> = RefCell::default();
}

/// JSON, beside which something happens.
#[derive(Default)]
struct Watched;

impl Codec<u64> for Watched {
    const NAME: &'static str = "watched";
    fn encode(&self, value: &u64, out: &mut Vec<u8>) -> Result<(), Error> {
        happens(*value);
        Json.encode(value, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<u64, Error> {
        let value = Json.decode(bytes)?;
        happens(value);
        Ok(value)
    }
}

fn happens(value: u64) {
    let happens = ON.with_borrow_mut(|on| on.take_if(|(number, _)| *number == value));
    if let Some((_, happens)) = happens {
        happens();
    }
}

fn on(value: u64, happens: impl FnOnce() + 'static) {
    ON.with_borrow_mut(|on| *on = Some((value, Box::new(happens))));
}

#[test]
fn the_one_before_stays_until_the_new_one_is_whole() {
    let file = TempFile::new();
    let cache = numbers().build();
    cache.insert(1, 10);
    cache.snapshot_as::<Watched>(&file.0).unwrap();
    ten(&cache);
    on(50, || panic!("in the middle of it"));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cache.snapshot_as::<Watched>(&file.0)));
    assert!(panicked.is_err());
    assert_eq!(file.beside(), ["it"]);
    let after = numbers().build();
    assert_eq!(after.restore_as::<Watched>(&file.0).unwrap().entries, 1);
}

/// Restores ten entries; something happens when the value of 5 is decoded.
fn restored_while(happens: impl FnOnce(Cache<u64, u64>) + 'static) -> (Restored, BTreeMap<u64, u64>) {
    let file = TempFile::new();
    let build = || {
        let tags = |key: &u64| if *key == 5 { vec!["snapshot-five".to_owned()] } else { Vec::new() };
        numbers().capacity(20).tags_with(tags).build()
    };
    let before = build();
    ten(&before);
    before.snapshot_as::<Watched>(&file.0).unwrap();
    let after = build();
    let during = after.clone();
    on(50, move || happens(during));
    let restored = after.restore_as::<Watched>(&file.0).unwrap();
    (restored, entries(&after))
}

#[test]
fn what_is_invalidated_while_it_is_restored_stays_away() {
    let (restored, entries) = restored_while(|cache| _ = cache.invalidate(&5));
    assert!(restored.refused >= 1 && !entries.contains_key(&5) && entries.len() >= 5, "{entries:?}");
    let (restored, entries) = restored_while(|_| _ = crate::invalidate_tag("snapshot-five"));
    assert!(restored.refused == 1 && !entries.contains_key(&5), "{entries:?}");
    let (restored, entries) = restored_while(|cache| _ = cache.clear());
    assert!(entries.is_empty() && restored.refused >= 1, "those before it are cleared, those after it refused");
    let (restored, entries) = restored_while(|cache| _ = cache.retain(|_, _| true));
    assert!(restored.refused >= 1 && !entries.contains_key(&5));
}

#[test]
fn what_is_inserted_while_it_is_restored_is_newer_even_when_it_is_gone() {
    let (_, entries) = restored_while(|cache| _ = cache.insert(5, 1));
    assert_eq!(entries.get(&5), Some(&1));
    let (restored, entries) = restored_while(|cache| {
        cache.insert(5, 1);
        cache.set_capacity(0);
        cache.set_capacity(20);
        assert!(cache.is_empty());
    });
    assert!(restored.refused >= 1, "{restored:?}");
    assert_eq!(entries.get(&5), None);
}

#[test]
fn what_is_there_all_the_time_is_in_the_snapshot_whatever_comes_and_goes() {
    let file = TempFile::new();
    let build = || numbers().capacity(200_000).build();
    let cache = build();
    (0..5_000).for_each(|key| _ = cache.insert(key, key));
    let (stop, start) = (AtomicBool::new(false), Barrier::new(4));
    thread::scope(|threads| {
        for thread in 1..4_u64 {
            let (cache, stop, start) = (&cache, &stop, &start);
            threads.spawn(move || {
                start.wait();
                for turn in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = thread * 1_000_000 + turn % 20_000;
                    cache.insert(key, key);
                    assert!(cache.get(&(turn % 5_000)).is_some());
                    cache.invalidate(&(key - 7));
                    if turn % 1_000 == 0 {
                        cache.set_strategy(if turn % 2_000 == 0 { "lru" } else { "sieve" }.parse().unwrap());
                    }
                }
            });
        }
        start.wait();
        for _ in 0..5 {
            cache.snapshot(&file.0).unwrap();
            let after = build();
            let restored = after.restore(&file.0).unwrap();
            assert!(restored.entries >= 5_000 && restored.refused == 0, "{restored:?}");
            assert!((0..5_000).all(|key| after.get(&key) == Some(key)));
            assert!(after.iter().all(|(key, value)| key == value));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let file = TempFile::new();
        let mut all = MAGIC.to_vec();
        all.push(FORMAT);
        all.extend_from_slice(&bytes);
        fs::write(&file.0, &all).unwrap();
        proptest::prop_assert!(numbers().build().restore(&file.0).is_err());
        if let Some((_, rest)) = Record::read(&bytes) {
            proptest::prop_assert!(rest.len() < bytes.len());
        }
    }
}
