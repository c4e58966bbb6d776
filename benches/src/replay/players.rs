//! Who replays: our strategies, the peers, and the optimum.

use crate::{
    strategies::{ADAPTIVE, strategies},
    traces::{Trace, optimum},
};
use cachekit::{Cache, adaptive::Stepping, policy::Strategy};
use foyer_memory::{Cache as Foyer, CacheBuilder, EvictionConfig, LfuConfig, LruConfig, S3FifoConfig};
use mini_moka::sync::{Cache as MiniMoka, ConcurrentCacheExt};
use moka::sync::Cache as Moka;
use quick_cache::sync::Cache as Quick;
use std::{
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

/// What a player is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of our strategies that stay what they are.
    Fixed,
    /// The one that switches between them.
    Adaptive,
    /// Another library.
    Peer,
    /// What cannot be surpassed.
    Optimum,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Fixed => "fixed",
            Kind::Adaptive => "adaptive",
            Kind::Peer => "peer",
            Kind::Optimum => "optimum",
        })
    }
}

/// Replays a trace with room for so many entries, and gives the hits.
type Play = dyn Fn(&Trace, usize) -> usize + Send + Sync;

/// A cache to replay traces with.
pub struct Player {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    play: Box<Play>,
    simulation: Option<Box<Play>>,
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Player {
    fn new(name: &str, kind: Kind, play: impl Fn(&Trace, usize) -> usize + Send + Sync + 'static) -> Player {
        Player { name: name.to_owned(), kind, play: Box::new(play), simulation: None }
    }

    /// One of ours.
    fn of(strategy: Strategy) -> Player {
        let kind = if strategy.name() == ADAPTIVE { Kind::Adaptive } else { Kind::Fixed };
        Player {
            simulation: simulation(&strategy),
            ..Player::new(&format!("cachekit, {strategy}"), kind, move |trace, capacity| {
                ours(trace, capacity, strategy.clone())
            })
        }
    }

    /// As [`hits`](Self::hits), simulated as `cachekit simulate` does. `None` of others than ours, and without the feature `advice`.
    #[must_use]
    pub fn simulated(&self, trace: &Trace, capacity: usize) -> Option<usize> {
        self.simulation.as_ref().map(|simulation| simulation(trace, capacity))
    }

    /// How many requests of the trace a new cache of so many entries answers.
    #[must_use]
    pub fn hits(&self, trace: &Trace, capacity: usize) -> usize {
        (self.play)(trace, capacity)
    }
}

/// All of them.
#[must_use]
pub fn players() -> Vec<Player> {
    let mut list = vec![Player::new("optimum", Kind::Optimum, |trace, capacity| optimum(&trace.keys, capacity))];
    list.extend(strategies().into_iter().map(Player::of));
    list.push(Player::new("quick_cache", Kind::Peer, quick));
    list.push(Player::new("moka", Kind::Peer, |trace, room| moka(trace, room, false)));
    list.push(Player::new("moka, settled", Kind::Peer, |trace, room| moka(trace, room, true)));
    list.push(Player::new("mini-moka", Kind::Peer, |trace, room| mini_moka(trace, room, false)));
    list.push(Player::new("mini-moka, settled", Kind::Peer, |trace, room| mini_moka(trace, room, true)));
    list.push(Player::new("foyer, s3-fifo", Kind::Peer, |trace, room| {
        foyer(trace, room, S3FifoConfig::default().into())
    }));
    list.push(Player::new("foyer, lfu", Kind::Peer, |trace, room| foyer(trace, room, LfuConfig::default().into())));
    list.push(Player::new("foyer, lru", Kind::Peer, |trace, room| foyer(trace, room, LruConfig::default().into())));
    list
}

/// As users call it: with single flight, statistics and all. But neither seeds nor a second thread, so that every run of a trace is the same, and the
/// same as what `cachekit simulate` says of it.
fn ours(trace: &Trace, capacity: usize, strategy: Strategy) -> usize {
    let (hasher, stepping) = (BuildHasherDefault::<Number>::default(), Stepping::Inline);
    let cache: Cache<u64, u64> =
        Cache::builder().capacity(capacity).strategy(strategy).hasher(hasher).stepping(stepping).build();
    let mut loads = 0;
    for key in &trace.keys {
        cache.get_or_compute(&u64::from(*key), || {
            loads += 1;
            u64::from(*key)
        });
    }
    trace.keys.len() - loads
}

/// The number of a key, which the cache mixes.
#[derive(Default)]
struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(feature = "advice")]
fn simulation(strategy: &Strategy) -> Option<Box<Play>> {
    use cachekit::advice::Simulation;
    let strategy = strategy.clone();
    Some(Box::new(move |trace, capacity| {
        let mut simulation = Simulation::sharded(&strategy, capacity);
        trace.keys.iter().filter(|key| simulation.access(u64::from(**key))).count()
    }))
}

#[cfg(not(feature = "advice"))]
fn simulation(_: &Strategy) -> Option<Box<Play>> {
    None
}

/// Counts the requests that `get` answers; the others are inserted.
fn by_hand(trace: &Trace, get: impl Fn(u64) -> bool, insert: impl Fn(u64)) -> usize {
    let hit = |key: &&u32| {
        let key = u64::from(**key);
        let found = get(key);
        if !found {
            insert(key);
        }
        found
    };
    trace.keys.iter().filter(hit).count()
}

fn quick(trace: &Trace, capacity: usize) -> usize {
    let cache: Quick<u64, u64> = Quick::new(capacity);
    by_hand(trace, |key| cache.get(&key).is_some(), |key| cache.insert(key, key))
}

/// It decides some time later which of the new entries stay; until then it holds more entries than it was given room for, by some dozens, which in a
/// small cache are many. Settled, it decides at once.
fn moka(trace: &Trace, capacity: usize, settled: bool) -> usize {
    let cache: Moka<u64, u64> = Moka::new(capacity as u64);
    let insert = |key| {
        cache.insert(key, key);
        if settled {
            cache.run_pending_tasks();
        }
    };
    by_hand(trace, |key| cache.get(&key).is_some(), insert)
}

/// As [`moka()`].
fn mini_moka(trace: &Trace, capacity: usize, settled: bool) -> usize {
    let cache: MiniMoka<u64, u64> = MiniMoka::new(capacity as u64);
    let insert = |key| {
        cache.insert(key, key);
        if settled {
            cache.sync();
        }
    };
    by_hand(trace, |key| cache.get(&key).is_some(), insert)
}

/// In one shard: its shards divide small capacities unevenly, and one thread needs no more.
fn foyer(trace: &Trace, capacity: usize, eviction: EvictionConfig) -> usize {
    let cache: Foyer<u64, u64> = CacheBuilder::new(capacity).with_shards(1).with_eviction_config(eviction).build();
    by_hand(trace, |key| cache.get(&key).is_some(), |key| drop(cache.insert(key, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_room_for_all_misses_each_key_once() {
        let trace = Trace::of("t", (0..3_000_u32).map(|at| at * 7 % 50));
        for player in players() {
            assert_eq!(player.hits(&trace, 1_000), 2_950, "{}", player.name);
        }
    }

    #[test]
    fn nobody_beats_the_optimum() {
        let trace = crate::traces::synthetic().swap_remove(0).shortened(20_000);
        let best = optimum(&trace.keys, 200);
        for player in players() {
            let hits = player.hits(&trace, 200);
            assert!(hits <= best && hits > best / 4, "{}: {hits} of {best}", player.name);
        }
    }
}
