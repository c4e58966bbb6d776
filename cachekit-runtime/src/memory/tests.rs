use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use proptest::prelude::{Just, TestCaseError, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as _;

use super::*;
use crate::policy::{Policy, Slot, Strategy, Touch, Words};
use crate::sync::lock;

fn hash_of(key: u64) -> u64 {
    (key ^ (key >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

type Plain<T> = Table<u64, T, ()>;

fn bound(capacity: Option<usize>) -> Bound {
    capacity.map_or(Bound::Unbounded, Bound::Entries)
}

fn table<T>(capacity: Option<usize>, strategy: &Strategy) -> Plain<T> {
    Table::new(bound(capacity), strategy.factory())
}

fn fresh<T>(value: T) -> Fresh<T, ()> {
    Fresh { value, marks: Marks::NONE, more: None, weight: 0 }
}

/// Key and value of what left, and why.
type Left<T> = Vec<(u64, T, RemovalKind)>;

fn left<T>(out: Removed<u64, T, ()>) -> Left<T> {
    out.into_iter().map(|removal| (removal.gone.key, removal.gone.value, removal.kind)).collect()
}

fn strategies() -> Vec<Strategy> {
    let named = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs"];
    named.iter().map(|name| name.parse().expect("a strategy")).chain([Strategy::of::<Rogue>()]).collect()
}

/// Names slots that hold nothing.
struct Rogue;

impl Policy for Rogue {
    fn with_capacity(_: usize) -> Self {
        Rogue
    }
    fn on_insert(&mut self, _: Slot, _: &Words<'_>) {}
    fn on_hit(&self) -> Touch {
        Touch::Count { max: 1 }
    }
    fn on_remove(&mut self, _: Slot) {}
    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        Some(Slot::new(1_000_000))
    }
}

impl<T> Plain<T> {
    fn put(&self, key: u64, value: T) -> Left<T> {
        let mut out = Removed::new();
        let inserted = self.insert(hash_of(key), key, fresh(value), |a, b| a == b, |_| true, &mut out);
        let replaced = out.iter().any(|removal| removal.kind == RemovalKind::Replaced);
        assert_eq!(matches!(inserted, Inserted::Replaced), replaced);
        left(out)
    }

    /// The fast way where that is possible.
    fn hit(&self, key: u64) -> bool {
        let fast = self.try_hit(this_thread(), hash_of(key), |other| *other == key, true, |_| ());
        matches!(fast, Glance::Hit(())) || self.get(hash_of(key), |other| *other == key, |_| ((), true)).is_some()
    }

    fn take(&self, key: u64) -> Option<(u64, T)> {
        let gone = self.remove_if(hash_of(key), |other| *other == key, |_, _| true)?;
        Some((gone.key, gone.value))
    }

    fn keys(&self) -> HashSet<u64> {
        let mut keys = HashSet::new();
        self.for_each(|key, _| assert!(keys.insert(*key), "{key} is there twice"));
        keys
    }
}

#[test]
fn small_tables_hold_exactly_their_capacity() {
    for strategy in strategies() {
        for capacity in [1, 4, 2047] {
            let table = table(Some(capacity), &strategy);
            for key in 0..3 * capacity as u64 {
                let evicted = table.put(key, key).len();
                assert_eq!(table.len(), capacity.min(key as usize + 1), "{strategy}");
                assert_eq!(evicted, usize::from(key as usize >= capacity));
            }
        }
    }
}

#[test]
fn large_tables_fill_up_to_their_capacity_and_not_beyond() {
    for strategy in strategies() {
        let table = table(Some(2060), &strategy);
        for key in 0..20_000 {
            table.put(key, key);
            assert!(table.len() <= 2060);
        }
        assert_eq!((table.len(), table.bound()), (2060, Bound::Entries(2060)));
    }
}

#[test]
fn keys_spread_over_the_shards() {
    let table = table(None, &Strategy::Lru);
    for key in 0..16_000 {
        table.put(key, ());
    }
    for shard in &table.shards {
        let len = shard.shard.read(Shard::len);
        assert!((800..1200).contains(&len), "{len}");
    }
}

#[test]
fn a_table_without_capacity_stores_nothing() {
    let table = table(Some(0), &Strategy::Lru);
    let mut out = Removed::new();
    let inserted = table.insert(hash_of(1), 1, fresh("payload"), |_, _| true, |_| true, &mut out);
    assert_eq!(inserted, Inserted::Refused(1, "payload"));
    assert_eq!((out.len(), table.len(), table.hit(1)), (0, 0, false));
    table.clear(&mut Removed::new());
    assert_eq!(table.len(), 0);
}

#[test]
fn keep_sees_what_is_there_and_may_refuse() {
    let table = table(Some(2), &Strategy::Lru);
    let mut out = Removed::new();
    let mut offer = |payload: u32, expected: Option<u32>, keep: bool| {
        let asked = |existing: Option<Seen<'_, u32, ()>>| {
            assert_eq!(existing.map(|seen| *seen.value), expected);
            keep
        };
        table.insert(hash_of(1), 1, fresh(payload), |a, b| a == b, asked, &mut out)
    };
    assert_eq!(offer(10, None, false), Inserted::Refused(1, 10));
    assert_eq!(offer(11, None, true), Inserted::Stored);
    assert_eq!(offer(12, Some(11), false), Inserted::Refused(1, 12));
    assert_eq!(offer(13, Some(11), true), Inserted::Replaced);
    assert_eq!(left(out), [(1, 11, RemovalKind::Replaced)]);
    assert_eq!(table.take(1), Some((1, 13)));
}

#[test]
fn a_refused_insertion_into_a_full_table_evicts_nothing() {
    let table = table(Some(1), &Strategy::Lru);
    table.put(1, ());
    let mut out = Removed::new();
    let inserted = table.insert(hash_of(2), 2, fresh(()), |a, b| a == b, |_| false, &mut out);
    assert_eq!(inserted, Inserted::Refused(2, ()));
    assert!(out.len() == 0 && table.hit(1));
}

#[test]
fn keys_of_one_hash_are_kept_apart() {
    let table: Plain<u64> = table(Some(8), &Strategy::S3Fifo);
    let mut out = Removed::new();
    for key in 0..20 {
        let inserted = table.insert(7, key, fresh(10 * key), |a, b| a == b, |_| true, &mut out);
        assert_eq!(inserted, Inserted::Stored);
        assert_eq!(table.get(7, |other| *other == key, |seen| (*seen.value, true)), Some(10 * key));
    }
    let gone: HashSet<u64> = out.iter().map(|removal| removal.gone.key).collect();
    assert_eq!(gone.len(), 12);
    assert_eq!(gone.union(&table.keys()).count(), 20);
}

#[test]
fn remove_if_asks_first() {
    let table = table(Some(2), &Strategy::Lru);
    table.put(1, 10);
    assert!(table.remove_if(hash_of(1), |key| *key == 1, |_, seen| *seen.value == 11).is_none());
    assert!(table.remove_if(hash_of(1), |key| *key == 1, |_, seen| *seen.value == 10).is_some());
    assert_eq!(table.len(), 0);
}

#[test]
fn retain_and_clear_hand_out_what_goes_and_leave_a_working_table() {
    for strategy in strategies() {
        for capacity in [Some(100), Some(4000), None] {
            let table = table(capacity, &strategy);
            (0..100).for_each(|key| assert!(table.put(key, key).is_empty()));
            let mut out = Removed::new();
            table.retain(|key, _| key % 3 != 0, &mut out);
            assert_eq!(out.len(), 34);
            assert!(out.iter().all(|removal| removal.gone.key % 3 == 0) && table.len() == 66);
            let mut out = Removed::new();
            table.clear(&mut out);
            assert_eq!((out.len(), table.len()), (66, 0));
            (0..300).for_each(|key| drop(table.put(key, key)));
            assert_eq!(table.len(), if capacity == Some(100) { 100 } else { 300 });
        }
    }
}

/// Writes down which slots live, and names the lowest.
struct Ledger(Arc<Mutex<BTreeSet<Slot>>>);

impl Policy for Ledger {
    fn with_capacity(_: usize) -> Self {
        Ledger(Arc::default())
    }
    fn on_insert(&mut self, slot: Slot, words: &Words<'_>) {
        assert!(lock(&self.0).insert(slot), "{slot:?} came twice");
        assert_eq!(words.get(slot), 0);
        words.set(slot, words.hash(slot) | 1 << 40);
    }
    fn on_hit(&self) -> Touch {
        Touch::Count { max: 1_000 }
    }
    fn on_remove(&mut self, slot: Slot) {
        assert!(lock(&self.0).remove(&slot), "{slot:?} was not there");
    }
    fn victim(&mut self, words: &Words<'_>) -> Option<Slot> {
        let slot = lock(&self.0).pop_first()?;
        assert_eq!(words.get(slot), words.hash(slot) | 1 << 40);
        Some(slot)
    }
}

#[test]
fn the_policy_hears_of_every_entry_that_comes_and_goes_and_slots_stay_dense() {
    let live = Arc::new(Mutex::new(BTreeSet::new()));
    let ledger = Arc::clone(&live);
    let table: Plain<u64> = Table::new(bound(Some(20)), Arc::new(move |_| Box::new(Ledger(Arc::clone(&ledger)))));
    for step in 0..2_000 {
        let random = hash_of(step) >> 20;
        match random % 16 {
            0..10 => drop(table.put(random % 40, step)),
            10..15 => drop(table.take(random % 40)),
            _ => table.retain(|key, _| key % 5 != step % 5, &mut Removed::new()),
        }
        let live = lock(&live);
        assert_eq!(live.len(), table.len());
        assert!(live.iter().all(|slot| slot.index() < 20), "{live:?}");
    }
}

#[test]
fn a_get_that_is_no_touch_does_not_protect() {
    let table = table(Some(2), &Strategy::Lru);
    table.put(1, ());
    table.put(2, ());
    table.get(hash_of(1), |key| *key == 1, |_| ((), false));
    assert_eq!(table.put(3, ())[0].0, 1);
}

#[test]
fn hits_of_other_threads_count_before_the_next_eviction() {
    let table = table(Some(16), &Strategy::Lru);
    (0..16).for_each(|key| drop(table.put(key, ())));
    std::thread::scope(|scope| {
        for key in 0..8 {
            let table = &table;
            scope.spawn(move || assert!(table.hit(key)));
        }
    });
    let evicted: Vec<u64> = (16..24).flat_map(|key| table.put(key, ())).map(|(key, ..)| key).collect();
    assert_eq!(evicted, [8, 9, 10, 11, 12, 13, 14, 15]);
}

/// A payload that reports double drops, leaks, and drops under the lock.
struct Tracked {
    alive: AtomicBool,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    made: AtomicUsize,
    dropped: AtomicUsize,
    faults: AtomicUsize,
    table: OnceLock<Weak<Plain<Tracked>>>,
}

impl Tracked {
    fn new(log: &Arc<Log>) -> Self {
        log.made.fetch_add(1, SeqCst);
        Tracked { alive: AtomicBool::new(true), log: Arc::clone(log) }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let locked = |table: Arc<Plain<Tracked>>| table.shards.iter().any(|padded| padded.shard.is_locked());
        if !self.alive.swap(false, SeqCst) || self.log.table.get().and_then(Weak::upgrade).is_some_and(locked) {
            self.log.faults.fetch_add(1, SeqCst);
        }
        self.log.dropped.fetch_add(1, SeqCst);
    }
}

fn watched(capacity: Option<usize>, strategy: &Strategy) -> (Arc<Plain<Tracked>>, Arc<Log>) {
    let table = Arc::new(table(capacity, strategy));
    let log = Arc::new(Log::default());
    assert!(log.table.set(Arc::downgrade(&table)).is_ok());
    (table, log)
}

fn finish(table: Arc<Plain<Tracked>>, log: &Log) {
    drop(table);
    assert_eq!(log.faults.load(SeqCst), 0, "dropped twice or under a lock");
    assert_eq!(log.dropped.load(SeqCst), log.made.load(SeqCst), "leaked");
}

struct UserPanic;

fn panics(f: impl FnOnce()) {
    let caught = catch_unwind(AssertUnwindSafe(f));
    assert!(caught.is_err_and(|payload| payload.is::<UserPanic>()));
}

#[test]
fn everything_is_dropped_once_and_outside_of_the_lock() {
    for strategy in strategies() {
        for capacity in [Some(1), Some(50), Some(2100), None] {
            let (table, log) = watched(capacity, &strategy);
            for step in 0..3_000 {
                let key = hash_of(step) % 1_500;
                drop(table.put(key, Tracked::new(&log)));
                drop(table.take(hash_of(step + 7) % 1_500));
                let refused = fresh(Tracked::new(&log));
                let _ = table.insert(hash_of(key), key, refused, |a, b| a == b, |_| false, &mut Removed::new());
            }
            let mut out = Removed::new();
            table.retain(|key, _| key % 2 == 0, &mut out);
            drop(out);
            table.clear(&mut Removed::new());
            drop(table.put(1, Tracked::new(&log)));
            finish(table, &log);
        }
    }
}

#[test]
fn a_panic_of_user_code_leaves_the_table_as_it_was() {
    // So that looks take the fast way.
    crate::stripe::thread_index();
    for strategy in strategies() {
        let (table, log) = watched(Some(3), &strategy);
        for key in 0..3 {
            drop(table.put(key, Tracked::new(&log)));
        }
        let hash = hash_of(1);
        let bad_eq = |_: &u64| -> bool { panic_any(UserPanic) };
        let eq = |key: &u64| *key == 1;
        for _ in 0..5 {
            panics(|| assert!(table.get(hash, bad_eq, |_| ((), true)).is_none()));
            panics(|| assert!(table.get(hash, eq, |_| -> ((), bool) { panic_any(UserPanic) }).is_none()));
            panics(|| {
                let _ = table.try_hit(this_thread(), hash, bad_eq, true, |_| ());
            });
            panics(|| {
                let _ = table.try_hit(this_thread(), hash, eq, true, |_| -> () { panic_any(UserPanic) });
            });
            let out = &mut Removed::new();
            panics(|| drop(table.insert(hash, 1, fresh(Tracked::new(&log)), |_, b| bad_eq(b), |_| true, out)));
            let bad_keep = |_: Option<Seen<'_, Tracked, ()>>| -> bool { panic_any(UserPanic) };
            panics(|| drop(table.insert(hash, 1, fresh(Tracked::new(&log)), |_, b| eq(b), bad_keep, out)));
            panics(|| drop(table.insert(hash_of(9), 9, fresh(Tracked::new(&log)), |_, _| false, bad_keep, out)));
            panics(|| drop(table.remove_if(hash, bad_eq, |_, _| true)));
            panics(|| drop(table.remove_if(hash, eq, |_, _| panic_any(UserPanic))));
            panics(|| table.for_each(|_, _| panic_any(UserPanic)));
        }
        assert_eq!(table.keys(), HashSet::from([0, 1, 2]));
        for key in 10..20 {
            assert_eq!(table.put(key, Tracked::new(&log)).len(), 1, "{strategy}");
            assert_eq!(table.len(), 3);
        }
        finish(table, &log);
    }
}

#[test]
fn a_panic_amid_retain_keeps_the_rest_and_hands_out_what_went() {
    for strategy in strategies() {
        let (table, log) = watched(Some(10), &strategy);
        for key in 0..10 {
            drop(table.put(key, Tracked::new(&log)));
        }
        let mut out = Removed::new();
        let mut calls = 0;
        panics(|| {
            let keep = |_: &u64, _: &Tracked| {
                calls += 1;
                if calls > 5 { panic_any(UserPanic) } else { false }
            };
            table.retain(keep, &mut out);
        });
        assert_eq!((out.len(), table.len()), (5, 5));
        drop(out);
        let evicted: usize = (20..40).map(|key| table.put(key, Tracked::new(&log)).len()).sum();
        assert_eq!((evicted, table.len()), (15, 10));
        finish(table, &log);
    }
}

/// Panics at every third call of each kind.
struct Panicking {
    calls: u32,
}

impl Panicking {
    fn call(&mut self) {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            panic_any(UserPanic);
        }
    }
}

impl Policy for Panicking {
    fn with_capacity(_: usize) -> Self {
        Panicking { calls: 0 }
    }
    fn on_insert(&mut self, _: Slot, _: &Words<'_>) {
        self.call();
    }
    fn on_hit(&self) -> Touch {
        Touch::Nothing
    }
    fn on_remove(&mut self, _: Slot) {
        self.call();
    }
    fn victim(&mut self, _: &Words<'_>) -> Option<Slot> {
        self.call();
        None
    }
}

#[test]
fn a_panicking_policy_neither_leaks_nor_breaks_the_bound() {
    let (table, log) = watched(Some(5), &Strategy::of::<Panicking>());
    let mut caught = 0;
    for step in 0..500 {
        let key = hash_of(step) % 20;
        let put = catch_unwind(AssertUnwindSafe(|| drop(table.put(key, Tracked::new(&log)))));
        let taken = catch_unwind(AssertUnwindSafe(|| drop(table.take(hash_of(step + 3) % 20))));
        let mut out = Removed::new();
        let retained = catch_unwind(AssertUnwindSafe(|| table.retain(|key, _| key % 7 != step % 7, &mut out)));
        caught += [put, taken, retained].iter().filter(|result| result.is_err()).count();
        assert!(table.len() <= 5);
        assert_eq!(table.keys().len(), table.len());
    }
    assert!(caught > 100, "{caught}");
    finish(table, &log);
}

#[test]
fn eight_threads_keep_the_bound_and_drop_everything_once() {
    for strategy in strategies() {
        for capacity in [1, 4, 100, 2048] {
            let table: Plain<Arc<()>> = table(Some(capacity), &strategy);
            let witness = Arc::new(());
            std::thread::scope(|scope| {
                for thread in 0..8u64 {
                    let (table, witness) = (&table, &witness);
                    scope.spawn(move || {
                        for step in 0..4_000u64 {
                            let random = hash_of(step * 8 + thread) >> 20;
                            let key = random % (2 * capacity as u64 + 2);
                            match random >> 32 & 7 {
                                0..3 => drop(table.put(key, Arc::clone(witness))),
                                3 => drop(table.take(key)),
                                _ => drop(table.hit(key)),
                            }
                            if step % 16 == 0 {
                                assert!(table.len() <= capacity);
                            }
                        }
                    });
                }
            });
            assert_eq!(table.keys().len(), table.len());
            assert_eq!(Arc::strong_count(&witness), 1 + table.len(), "{strategy}");
            assert!(table.len() <= capacity);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Get(u64),
    Peek(u64),
    Insert(u64),
    Remove(u64),
    Retain(u64),
    Clear,
}

fn operations(keys: u64) -> impl proptest::strategy::Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        12 => (0..keys).prop_map(Operation::Get),
        3 => (0..keys).prop_map(Operation::Peek),
        12 => (0..keys).prop_map(Operation::Insert),
        4 => (0..keys).prop_map(Operation::Remove),
        1 => (2..9u64).prop_map(Operation::Retain),
        1 => Just(Operation::Clear),
    ];
    proptest::collection::vec(operation, 0..400)
}

proptest! {
    #[test]
    fn lru_evicts_what_its_oracle_evicts(capacity in 1usize..=64, operations in operations(96)) {
        let table = table(Some(capacity), &Strategy::Lru);
        let mut oracle = lru::LruCache::new(std::num::NonZeroUsize::new(capacity).ok_or(TestCaseError::reject("zero"))?);
        for (step, operation) in operations.into_iter().enumerate() {
            match operation {
                Operation::Get(key) => prop_assert_eq!(table.hit(key), oracle.get(&key).is_some()),
                Operation::Peek(key) => {
                    let found = table.get(hash_of(key), |other| *other == key, |seen| (*seen.value, false));
                    prop_assert_eq!(found, oracle.peek(&key).copied());
                }
                Operation::Insert(key) => {
                    let gone = table.put(key, step).pop().map(|(key, value, _)| (key, value));
                    prop_assert_eq!(gone, oracle.push(key, step));
                }
                Operation::Remove(key) => prop_assert_eq!(table.take(key), oracle.pop_entry(&key)),
                Operation::Retain(modulus) => {
                    table.retain(|key, _| key % modulus != 0, &mut Removed::new());
                    for key in (0..96).step_by(modulus as usize) {
                        oracle.pop(&key);
                    }
                }
                Operation::Clear => {
                    table.clear(&mut Removed::new());
                    oracle.clear();
                }
            }
            prop_assert_eq!(table.len(), oracle.len());
        }
        prop_assert_eq!(table.keys(), oracle.iter().map(|(key, _)| *key).collect::<HashSet<_>>());
    }

    #[test]
    fn an_unbounded_table_is_a_map(operations in operations(200)) {
        let table = table(None, &Strategy::Lru);
        let mut model = HashMap::new();
        for (step, operation) in operations.into_iter().enumerate() {
            match operation {
                Operation::Get(key) | Operation::Peek(key) => {
                    let found = table.get(hash_of(key), |other| *other == key, |seen| (*seen.value, true));
                    prop_assert_eq!(found, model.get(&key).copied());
                }
                Operation::Insert(key) => {
                    let gone = table.put(key, step).pop().map(|(_, value, _)| value);
                    prop_assert_eq!(gone, model.insert(key, step));
                }
                Operation::Remove(key) => prop_assert_eq!(table.take(key), model.remove_entry(&key)),
                Operation::Retain(modulus) => {
                    table.retain(|key, _| key % modulus != 0, &mut Removed::new());
                    model.retain(|key, _| key % modulus != 0);
                }
                Operation::Clear => {
                    let mut out = Removed::new();
                    table.clear(&mut out);
                    prop_assert_eq!(out.into_iter().map(|removal| (removal.gone.key, removal.gone.value)).collect::<HashMap<_, _>>(), std::mem::take(&mut model));
                }
            }
        }
        prop_assert_eq!(table.len(), model.len());
        prop_assert_eq!(table.keys(), model.keys().copied().collect::<HashSet<_>>());
    }
}

#[test]
fn evictions_that_nobody_asks_for_are_counted_and_their_slots_keep_no_tick() {
    let table = table::<u64>(Some(100), &Strategy::default());
    let timed = |key: u64, sweep| Fresh { marks: Marks { think: sweep, born: 1, sweep }, ..fresh(key) };
    let mut evicted = 0;
    for key in 0..1_000 {
        let mut out = Removed::counted();
        let sweep = if key % 2 == 0 { 50 } else { NEVER_TICK };
        let _ = table.insert(hash_of(key), key, timed(key, sweep), |a, b| a == b, |_| true, &mut out);
        evicted += out.only_counted().expect("nothing else goes");
    }
    assert_eq!((evicted, table.len()), (900, 100));
    let even = table.keys().iter().filter(|key| *key % 2 == 0).count();
    let mut out = Removed::new();
    let swept = table.sweep(60, |seen| (*seen.value % 2 != 0).then_some(NEVER_TICK), &mut out);
    assert!(matches!(swept, Swept::Until(NEVER_TICK)));
    let gone = left(out);
    assert!(gone.iter().all(|(key, _, kind)| key % 2 == 0 && *kind == RemovalKind::Swept));
    assert_eq!((gone.len(), table.len()), (even, 100 - even), "each that is due once, and no other");
    let (mut out, key) = (Removed::counted(), *table.keys().iter().next().expect("an entry"));
    let _ = table.insert(hash_of(key), key, fresh(7), |a, b| a == b, |_| true, &mut out);
    assert_eq!(left(out.only_counted().expect_err("one was replaced")), [(key, key, RemovalKind::Replaced)]);
}
