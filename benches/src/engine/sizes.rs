//! The same hit in caches of ten to ten million entries: what a hit costs beyond the processor's own cache misses.

use crate::{
    contestant::{Contestant, Label, Promise, Turn, Turned, WARM_UP},
    keys::scatter,
    random::Random,
    stores::{Home, Store},
};
use std::{
    fmt,
    hint::black_box,
    sync::{Arc, Barrier, OnceLock},
    time::Instant,
};

/// Keys that are asked for again and again.
const HOT: usize = 512;

/// Which of the entries are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// All of them, at random: with many entries the memory answers, not the cache of the processor.
    Random,
    /// Some hundreds, spread over all of them.
    Hot,
}

impl Access {
    pub(super) const ALL: [Access; 2] = [Access::Hot, Access::Random];
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Random => "hits at random",
            Access::Hot => "hits on up to 512 keys",
        })
    }
}

/// Its group; the report of all benchmarks finds the number of entries in it.
pub(super) fn group(access: Access, entries: usize) -> String {
    format!("{entries} entries: {access}")
}

/// Homes for one number of entries and at most so many threads, shared by the contestants of both kinds of access.
pub(super) struct Sized<H> {
    entries: usize,
    threads: usize,
    home: OnceLock<H>,
    make: Box<dyn Fn(usize) -> H + Send + Sync>,
}

impl<H: Home<u64, u64>> Sized<H> {
    pub(super) fn new(
        (entries, threads): (usize, usize),
        make: impl Fn(usize) -> H + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Sized { entries, threads, home: OnceLock::new(), make: Box::new(make) })
    }

    fn home(&self) -> &H {
        self.home.get_or_init(|| {
            // Shards fill unevenly; with some room to spare nothing is evicted.
            let home = (self.make)(self.entries + self.entries / 4 + 1_024);
            for place in 0..home.places(self.threads) {
                home.enter(place, |store| {
                    for index in 0..self.entries as u64 {
                        store.insert(scatter(index), index);
                        if index % 1_000 == 0 {
                            store.settle();
                        }
                    }
                    store.settle();
                });
            }
            home
        })
    }
}

/// Hits in a store of so many entries.
pub(super) fn contestant<H: Home<u64, u64>>(
    access: Access,
    name: &str,
    promise: Promise,
    sized: &Arc<Sized<H>>,
) -> Contestant {
    let sized = Arc::clone(sized);
    let label = Label { name: name.to_owned(), group: group(access, sized.entries), promise };
    Contestant::new(label, move |ops| -> Turn {
        let sized = Arc::clone(&sized);
        sized.home();
        Arc::new(move |thread: usize, barrier: &Barrier| {
            sized.home().enter(thread, |store| {
                let run = |ops, seed| match access {
                    Access::Random => random(store, sized.entries, ops, seed),
                    Access::Hot => hot(store, sized.entries, ops),
                };
                run(ops / WARM_UP, thread as u64);
                barrier.wait();
                let start = Instant::now();
                let hits = run(ops, 1_000 + thread as u64);
                Turned { start, end: Instant::now(), hits: Some(hits) }
            })
        })
    })
}

#[inline(never)]
fn random<S: Store<u64, u64>>(store: &S, entries: usize, ops: usize, seed: u64) -> usize {
    let mut random = Random::of(seed);
    (0..ops).filter(|_| black_box(store.get(&scatter(random.below(entries) as u64))).is_some()).count()
}

#[inline(never)]
fn hot<S: Store<u64, u64>>(store: &S, entries: usize, ops: usize) -> usize {
    // As many draws as for random access, so that only what the cache does differs.
    let (apart, mut random) = ((entries / HOT).max(1), Random::of(7));
    let hot = HOT.min(entries);
    (0..ops).filter(|_| black_box(store.get(&scatter((random.below(hot) * apart) as u64))).is_some()).count()
}
