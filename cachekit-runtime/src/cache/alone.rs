//! A look at the one tier of a cache that keeps nothing in memory, by a call alone: without a flight.
//!
//! A hit there computes nothing, so nobody has to wait for it, and all that a flight has is a third of its processor time. What is no hit goes on as a miss,
//! with what was seen. While a few look at a key so, further callers of the key take the way of the flight, where one asks for all: a large value that many
//! want at once comes a few times at most. A few, since keys that two of hundreds of tasks want at the same time are common, and a flight costs more than
//! a second look. Where no backend answers in time, each of them may load, and of an output that is not stored too.

use super::{
    Core,
    miss::{Miss, Plan},
};
use crate::{
    backend::Address,
    budget::Budget,
    far::{Far, Found, Glimpse},
    key::Key,
    outcome::{Outcome, OutcomeKind},
    output::Value,
};
use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

/// What such a look saw that was no hit; whoever leads the flight of the key next goes on from there.
pub(super) struct SeenAlone<V> {
    pub(super) far: Arc<Far<V>>,
    pub(super) address: Address,
    /// Of the whole call, which has waited once.
    pub(super) budget: Budget,
    /// `None`: it is to be asked again, since another flight may have ended meanwhile.
    pub(super) glimpse: Option<Box<Glimpse>>,
}

impl<V: Value> SeenAlone<V> {
    /// Whoever has waited for a backend as long as a call may, and got no answer, waits for nobody else who may be waiting for it.
    pub(super) fn has_no_time_left(&self) -> bool {
        self.budget.is_over()
    }
}

/// Ends within the budget of the call.
type Looking<K, V> = Pin<Box<dyn Future<Output = Result<Found<V>, Miss<K, V>>> + Send>>;

/// So many keys are told apart.
const KEYS: u64 = 8_192;

/// So many look at a key alone at a time.
const MOST: u8 = 4;

/// How many look alone just now at the keys of each hash, of so many.
#[derive(Default)]
pub(super) struct Alone(OnceLock<Box<[AtomicU8]>>);

impl Alone {
    fn count(&self, hash: u64) -> &AtomicU8 {
        let counts = self.0.get_or_init(|| (0..KEYS).map(|_| AtomicU8::new(0)).collect());
        // The shard of the flights is of the upper bits.
        &counts[(hash % KEYS) as usize]
    }

    /// `false`: enough do so already.
    fn begin(&self, hash: u64) -> bool {
        let count = self.count(hash);
        // Looked at first, so that it is never counted further than by one for each thread.
        if count.load(Ordering::Relaxed) >= MOST {
            return false;
        }
        if count.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.end(hash);
            return false;
        }
        true
    }

    fn end(&self, hash: u64) {
        self.count(hash).fetch_sub(1, Ordering::Relaxed);
    }
}

/// While it lives, its key is looked at alone.
struct Turn<K, V> {
    core: Arc<Core<K, V>>,
    hash: u64,
}

impl<K, V> Drop for Turn<K, V> {
    fn drop(&mut self) {
        self.core.far_tiers.alone.end(self.hash);
    }
}

impl<K, V> Miss<K, V> {
    /// The value, if the only tier of the cache has it, others share it, and it takes nothing else to know that it is good. Otherwise the miss as it is, for
    /// what follows.
    ///
    /// Cancel-safe: nothing is changed, and nobody waits for it.
    ///
    /// # Errors
    /// The miss goes on.
    pub async fn alone(self, trace: &mut Outcome) -> Result<V, Self>
    where
        K: Key,
        V: Value,
    {
        let found = self.looking()?.await?;
        trace.found(OutcomeKind::Hit, found.tier, found.age);
        Ok(found.value)
    }

    fn looking(self) -> Result<Looking<K, V>, Self>
    where
        K: Key,
        V: Value,
    {
        let missed = &self.inner;
        let (core, hash) = (&missed.core, missed.hash);
        let (Plan::Load, Some(key), None) = (&missed.plan, &missed.key, &missed.tags) else { return Err(self) };
        // With a limit of its load a call has one clock for all that it does.
        if core.is_near() || core.live.hard_load_timeout().is_some() || core.flights.contains_hash(hash) {
            return Err(self);
        }
        if !core.far().is_some_and(|far| far.is_one_shared()) || !core.far_tiers.alone.begin(hash) {
            return Err(self);
        }
        let turn = Turn { core: core.clone(), hash };
        let Some((far, address)) = core.far_address(key) else { return Err(self) };
        let budget = far.budget();
        Ok(Box::pin(async move {
            let looked = far.look_alone(&address, &budget).await;
            drop(turn);
            looked.map_err(|glimpse| {
                let mut miss = self;
                miss.inner.seen = Some(Box::new(SeenAlone { far, address, budget, glimpse: glimpse.map(Box::new) }));
                miss
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_a_time_look_at_a_key() {
        let alone = Alone::default();
        let begun = (0..=MOST).filter(|_| alone.begin(7)).count();
        assert_eq!(begun, usize::from(MOST));
        assert!(alone.begin(8) && !alone.begin(7 + KEYS));
        alone.end(7);
        assert!(alone.begin(7) && !alone.begin(7) && alone.begin(8));
    }
}
