//! The policy of a shard, called without a detour where it is the default.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use super::words::WordColumn;
use crate::policy::{Policy, S3TinyLfu, Slot, Standing, WordSource, Words};
use crate::sync::lock;

/// The words of a shard's entries, found by slot.
pub(super) struct SlotWords<'a> {
    pub(super) words: &'a WordColumn,
    /// What is remembered of their hashes.
    pub(super) hashes: &'a [u32],
}

impl WordSource for SlotWords<'_> {
    #[inline]
    fn get(&self, slot: Slot) -> u64 {
        self.words.get(slot)
    }

    #[inline]
    fn set(&self, slot: Slot, value: u64) {
        self.words.set(slot, value);
    }

    #[inline]
    fn hash(&self, slot: Slot) -> u64 {
        u64::from(self.hashes.get(slot.index()).copied().unwrap_or(0))
    }
}

/// Chooses among the entries of a shard, if anybody does.
pub(super) enum Evictor {
    /// Nothing is ever evicted by choice.
    None,
    Default(Box<S3TinyLfu>),
    /// Locked by who explains alone: it makes a policy that is only `Send` usable in a shard that readers share.
    Any(Mutex<Box<dyn Policy>>),
}

fn inner(policy: &mut Mutex<Box<dyn Policy>>) -> &mut dyn Policy {
    &mut **policy.get_mut().unwrap_or_else(PoisonError::into_inner)
}

#[inline(never)]
fn insert_any(policy: &mut Mutex<Box<dyn Policy>>, slot: Slot, words: &SlotWords<'_>) {
    inner(policy).on_insert(slot, &Words::new(words));
}

#[inline(never)]
fn victim_of_any(policy: &mut Mutex<Box<dyn Policy>>, words: &SlotWords<'_>) -> Option<Slot> {
    inner(policy).victim(&Words::new(words))
}

impl Evictor {
    pub(super) fn new(policy: Option<Box<dyn Policy>>) -> Self {
        let Some(policy) = policy else { return Evictor::None };
        if !(&*policy as &dyn Any).is::<S3TinyLfu>() {
            return Evictor::Any(Mutex::new(policy));
        }
        let policy: Box<dyn Any> = policy;
        policy.downcast().map_or(Evictor::None, Evictor::Default)
    }

    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Evictor::None)
    }

    pub(super) fn get(&mut self) -> Option<&mut dyn Policy> {
        match self {
            Evictor::None => None,
            Evictor::Default(policy) => Some(&mut **policy),
            Evictor::Any(policy) => Some(inner(policy)),
        }
    }

    pub(super) fn take(&mut self) -> Option<Box<dyn Policy>> {
        match std::mem::replace(self, Evictor::None) {
            Evictor::None => None,
            Evictor::Default(policy) => Some(policy),
            Evictor::Any(policy) => Some(policy.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// What the policy says of an entry.
    pub(super) fn standing(&self, slot: Slot, words: &SlotWords<'_>) -> Option<Standing> {
        let words = Words::new(words);
        match self {
            Evictor::None => None,
            Evictor::Default(policy) => policy.standing(slot, &words),
            Evictor::Any(policy) => lock(policy).standing(slot, &words),
        }
    }

    #[inline(always)]
    pub(super) fn insert(&mut self, slot: Slot, words: &SlotWords<'_>) {
        match self {
            Evictor::None => {}
            Evictor::Default(policy) => policy.inserted(slot, words),
            Evictor::Any(policy) => insert_any(policy, slot, words),
        }
    }

    #[inline(always)]
    pub(super) fn victim(&mut self, words: &SlotWords<'_>) -> Option<Slot> {
        match self {
            Evictor::None => None,
            Evictor::Default(policy) => policy.evicted(words),
            Evictor::Any(policy) => victim_of_any(policy, words),
        }
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        match self {
            Evictor::None => {}
            Evictor::Default(policy) => policy.on_remove(slot),
            Evictor::Any(policy) => inner(policy).on_remove(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    #[test]
    fn the_default_is_called_without_a_detour_and_others_are_not_lost() {
        let evictor = |strategy: Strategy| Evictor::new(Some(strategy.factory()(10)));
        assert!(matches!(evictor(Strategy::default()), Evictor::Default(_)));
        assert!(matches!(evictor(Strategy::of::<S3TinyLfu>()), Evictor::Default(_)));
        assert!(matches!(evictor(Strategy::Lru), Evictor::Any(_)));
        for strategy in [Strategy::default(), Strategy::Lru] {
            let mut evictor = evictor(strategy);
            assert!(evictor.is_some() && evictor.get().is_some());
            assert!(evictor.take().is_some() && evictor.get().is_none());
        }
    }
}
