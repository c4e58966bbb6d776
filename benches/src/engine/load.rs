//! What the caches are asked, and how often it is there.

use crate::{
    contestant::{Contestant, Label, Turn, Turned, WARM_UP},
    keys::Keys,
    random::{Random, Zipf},
    stores::{Home, Store, StoreKey, StoreValue},
};
use std::{
    fmt,
    hint::black_box,
    sync::{
        Arc, Barrier, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Entries of a cache that is full.
pub(super) const FULL: usize = 10_000;

/// Keys of the mix, of which a tenth has room.
const MIX_KEYS: usize = 10 * FULL;

/// Calls of the mix before it repeats.
const MIX_CALLS: usize = 1 << 20;

/// More than there are keys, so that nothing is evicted.
const ROOM: usize = 200_000;

/// All present, few enough for the nearest caches of the processor.
static PRESENT: LazyLock<&'static Keys> = LazyLock::new(|| Keys::leak(1_000));

/// None of them present.
static ABSENT: LazyLock<&'static Keys> = LazyLock::new(|| Keys::leak_from(1 << 40, 1_000));

static MIX: LazyLock<&'static Keys> = LazyLock::new(|| Keys::leak(MIX_KEYS));

/// By call, the index of its key.
pub(super) static MIX_ORDER: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let (zipf, mut random) = (Zipf::new(MIX_KEYS, 0.99), Random::of(0x6d69_7800));
    (0..MIX_CALLS).map(|_| zipf.draw(&mut random) as u32).collect()
});

/// What the caches are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// A `get` of keys that are all there.
    Hits,
    /// A `get`, and where the key is not there an `insert`; popularity after Zipf, room for a tenth of the keys.
    Mix,
    /// A `get` of keys that are not there, in a full cache.
    Misses,
    /// An `insert` of a new key into a full cache.
    Inserts,
}

impl Load {
    pub(super) const ALL: [Load; 4] = [Load::Hits, Load::Mix, Load::Misses, Load::Inserts];

    /// Entries that the cache is built for.
    fn capacity(self) -> usize {
        match self {
            Load::Hits => ROOM,
            Load::Mix | Load::Misses | Load::Inserts => FULL,
        }
    }

    /// Whether it says something of a cache without a bound.
    pub(super) fn suits_unbounded(self) -> bool {
        matches!(self, Load::Hits | Load::Misses)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Load::Hits => "all hits",
            Load::Mix => "zipf 0.99, room for 10 %",
            Load::Misses => "get of absent keys",
            Load::Inserts => "insert into a full cache",
        })
    }
}

/// A store under a load; filled before its first turn, for at most so many threads.
pub(super) fn contestant<K, V, H>(
    load: Load,
    threads: usize,
    label: Label,
    make: impl Fn(usize) -> H + Send + Sync + 'static,
) -> Contestant
where
    K: StoreKey,
    V: StoreValue,
    H: Home<K, V>,
{
    let home = Arc::new(OnceLock::new());
    // Over all turns and threads: the next call of the mix, or the next new key.
    let next = Arc::new(AtomicU64::new(0));
    Contestant::new(label, move |ops| {
        let home = Arc::clone(&home);
        home.get_or_init(|| fill(load, threads, make(load.capacity())));
        let next = Arc::clone(&next);
        turn_of(move |thread, barrier| match home.get() {
            Some(home) => home.enter(thread, |store| turn(load, store, ops, (thread, barrier), &next)),
            None => unreachable!("filled above"),
        })
    })
}

fn turn_of(turn: impl Fn(usize, &Barrier) -> Turned + Send + Sync + 'static) -> Turn {
    Arc::new(turn)
}

fn fill<K: StoreKey, V: StoreValue, H: Home<K, V>>(load: Load, threads: usize, home: H) -> H {
    for place in 0..home.places(threads) {
        home.enter(place, |store| {
            match load {
                Load::Hits => {
                    for index in 0..PRESENT.count() {
                        store.insert(K::look(&PRESENT, index).to_owned(), V::of(index as u64));
                    }
                }
                Load::Mix => {
                    mix(store, MIX_CALLS, 0);
                }
                // Twice as many as there is room for, so that every shard is full.
                Load::Misses | Load::Inserts => {
                    for number in 0..2 * FULL as u64 {
                        store.insert(K::fresh(number + (1 << 50)), V::of(number));
                        if number % 1_000 == 0 {
                            store.settle();
                        }
                    }
                }
            }
            store.settle();
        });
    }
    home
}

fn turn<K: StoreKey, V: StoreValue, S: Store<K, V>>(
    load: Load,
    store: &S,
    ops: usize,
    (thread, barrier): (usize, &Barrier),
    next: &AtomicU64,
) -> Turned {
    let warm_up = ops / WARM_UP;
    let mine = next.fetch_add((ops + warm_up) as u64, Ordering::Relaxed);
    let time = |run: &dyn Fn(usize, u64) -> usize| {
        run(warm_up, mine);
        barrier.wait();
        let start = Instant::now();
        let hits = run(ops, mine + warm_up as u64);
        Turned { start, end: Instant::now(), hits: Some(hits) }
    };
    match load {
        Load::Hits => time(&|ops, _| gets(store, &PRESENT, thread, ops)),
        Load::Misses => time(&|ops, _| gets(store, &ABSENT, thread, ops)),
        Load::Mix => time(&|ops, first| mix(store, ops, first)),
        Load::Inserts => Turned { hits: None, ..time(&|ops, first| inserts(store, ops, first)) },
    }
}

#[inline(never)]
fn gets<K: StoreKey, V: StoreValue, S: Store<K, V>>(
    store: &S,
    keys: &'static Keys,
    thread: usize,
    ops: usize,
) -> usize {
    let mut walk = keys.walk(thread);
    (0..ops).filter(|_| black_box(store.get(K::look(keys, walk.step()))).is_some()).count()
}

#[inline(never)]
fn mix<K: StoreKey, V: StoreValue, S: Store<K, V>>(store: &S, ops: usize, first: u64) -> usize {
    let (keys, order): (&'static Keys, &[u32]) = (&MIX, &MIX_ORDER);
    let mut hits = 0;
    for call in 0..ops {
        let index = order[(first as usize + call) % MIX_CALLS] as usize;
        let key = K::look(keys, index);
        if black_box(store.get(key)).is_some() {
            hits += 1;
        } else {
            store.insert(key.to_owned(), V::of(index as u64));
        }
    }
    hits
}

#[inline(never)]
fn inserts<K: StoreKey, V: StoreValue, S: Store<K, V>>(store: &S, ops: usize, first: u64) -> usize {
    for number in first..first + ops as u64 {
        store.insert(K::fresh(number), V::of(number));
    }
    0
}
