//! Without the feature `backend`: a cache has no tiers but the memory of its process.

use super::{
    Cache, Core, Look, Miss,
    bond::{Bond, Tie},
    explain::FarPlaces,
    lead::{After, Load},
};
use crate::{
    flight::map::Lead,
    key::Key,
    outcome::{Delivery, Outcome},
    output::{OutputKind, Share, Value},
    stats::FarStats,
    tags::TagSet,
};
use std::{convert::Infallible, future::Ready, marker::PhantomData, sync::Weak};

/// None.
pub(super) struct FarTiers<K, V>(PhantomData<(K, V)>);

/// To be held by a refresh, of which any number may be under way.
pub(super) struct Turn;

/// Nothing that could be.
pub(super) struct Pending<V>(Infallible, PhantomData<V>);

/// Nothing that could be.
pub(super) struct Store(Infallible);

impl<K, V> FarTiers<K, V> {
    pub(super) fn new() -> Self {
        FarTiers(PhantomData)
    }

    pub(super) fn of_scope() -> Self {
        Self::new()
    }

    #[inline]
    pub(super) fn of(self, _: Weak<Core<K, V>>) -> Self {
        self
    }

    #[inline(always)]
    pub(super) fn is_unleased(&self) -> bool {
        false
    }

    pub(super) fn stats(&self) -> FarStats {
        FarStats::default()
    }
}

impl<K, V> Core<K, V> {
    /// What is in memory of an entry that is invalidated.
    pub(super) fn drop_own(&self, hash: u64, is_key: impl Fn(&K) -> bool) {
        self.invalidate(hash, is_key);
    }

    /// There is nothing to be arranged.
    pub(super) fn arrange(&self, _: &super::levels::Levels, _: &mut crate::memory::Removed<K, V, super::entry::More>) {}

    #[inline(always)]
    pub(super) fn arrangement(&self) -> u64 {
        0
    }

    #[inline(always)]
    pub(super) fn is_near_in(&self, _: u64) -> bool {
        true
    }

    #[inline]
    pub(super) fn turn(&self) -> Option<Turn> {
        Some(Turn)
    }

    #[inline(always)]
    pub(super) fn flight_begins(&self, _: Option<&Lead<K, V>>) {}

    #[inline(always)]
    pub(super) fn leave_old_flight(&self, _: u64, _: &K) {}

    #[inline]
    pub(super) fn name(&self, _: u64, _: Option<&Tie>) -> Option<Infallible> {
        None
    }

    #[inline]
    pub(super) fn bond(&self, _: Option<&Tie>) -> Option<Bond> {
        None
    }

    #[inline]
    pub(super) fn is_tie_good(&self, _: Option<&Tie>) -> bool {
        true
    }
}

impl<K: Key, V: Value> Core<K, V> {
    #[inline]
    pub(super) fn is_near(&self) -> bool {
        true
    }

    pub(super) fn far_places(&self, _: Option<K>) -> FarPlaces {
        FarPlaces::default()
    }

    #[inline]
    pub(super) fn near_ttl(&self, _: &V, ttl: u64) -> u64 {
        ttl
    }
}

impl<K: Key, V: Value> Load<K, V> {
    #[inline]
    pub(super) fn ask_far_async(&mut self) -> Option<Ready<Infallible>> {
        None
    }

    #[inline]
    pub(super) fn answered(&mut self, never: Infallible) -> Option<Infallible> {
        match never {}
    }

    #[inline]
    pub(super) fn ask_far(&mut self) -> Option<Infallible> {
        None
    }

    #[inline]
    pub(super) fn failed_output<R>(&mut self, _: Share<R>, _: &mut Outcome) -> Option<R> {
        None
    }

    #[expect(clippy::extra_unused_type_parameters, reason = "as with the feature")]
    pub(super) fn settle_found<R, M>(self, never: Infallible, _: &mut Outcome) -> R
    where
        M: OutputKind<R, Stored = V>,
    {
        match never {}
    }

    #[inline]
    #[expect(clippy::extra_unused_type_parameters, reason = "as with the feature")]
    pub(super) fn after<R, M>(&mut self, loaded: R) -> After<R, V, Store>
    where
        M: OutputKind<R, Stored = V>,
    {
        After::Settle(loaded)
    }
}

impl<K: Key, V: Value> Miss<K, V> {
    /// There is nobody to ask.
    #[inline]
    pub fn confirmed(self, _: &mut Outcome) -> Look<K, V> {
        Look::Miss(self)
    }

    /// As [`confirmed`](Self::confirmed).
    #[inline]
    pub async fn confirmed_async(self, _: &mut Outcome) -> Look<K, V> {
        Look::Miss(self)
    }
}

impl<V> Pending<V> {
    pub(super) fn stale(&mut self) -> Option<V> {
        match self.0 {}
    }
}

impl Store {
    pub(super) fn detach(self) {
        match self.0 {}
    }

    pub(super) fn detach_from_thread(self) {
        match self.0 {}
    }

    pub(super) async fn wait_async(self) -> bool {
        match self.0 {}
    }

    pub(super) fn wait(self) -> bool {
        match self.0 {}
    }
}

impl<K: Key, V: Value> Cache<K, V> {
    #[inline]
    pub(super) fn has_far(&self) -> bool {
        false
    }

    #[inline]
    pub(super) fn get_far(&self, _: &K) -> Option<V> {
        None
    }

    #[inline]
    pub(super) fn far_value(&self, _: &K) -> Option<V> {
        None
    }

    pub(crate) async fn invalidate_key_async(&self, key: &K) -> Delivery {
        self.invalidate_key(key)
    }

    #[inline]
    pub(super) fn insert_far(
        &self,
        _: &K,
        _: &V,
        _: Option<u64>,
        _: Option<&TagSet>,
    ) -> Option<(Delivery, Option<Box<Tie>>)> {
        None
    }

    #[inline]
    pub(super) fn invalidate_far(&self, _: &K) -> Option<Delivery> {
        None
    }

    #[inline]
    pub(super) fn clear_far(&self) -> Option<Delivery> {
        None
    }
}
