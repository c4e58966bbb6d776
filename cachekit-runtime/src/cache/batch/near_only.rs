//! Without the feature `backend` there is nobody to ask and nothing to store elsewhere.

use super::{
    super::{
        Cache,
        far_tiers::{Pending, Store},
    },
    Batch,
    elements::Elements,
};
use crate::{key::Key, outcome::Delivery, output::Value};
use std::marker::PhantomData;

/// None.
pub(super) struct Stores<S>(PhantomData<S>);

impl<S> Stores<S> {
    pub(super) fn new() -> Self {
        Stores(PhantomData)
    }

    pub(super) fn push(&mut self, store: Store) -> usize {
        store.detach();
        0
    }

    pub(super) fn abandon(&mut self, _: Option<Pending<S>>) {}

    pub(super) fn run(self, _: bool) -> Vec<bool> {
        Vec::new()
    }

    pub(super) async fn run_async(self, _: bool) -> Vec<bool> {
        Vec::new()
    }

    pub(super) fn run_alone(self) {}
}

impl<K: Key, S: Value, V: Value> Elements<K, S, V> {
    pub(super) fn ask_far(&mut self) {
        self.next();
    }

    pub(super) async fn ask_far_async(&mut self) {
        self.next();
    }
}

impl<K: Key, S: Value, V: Value> Batch<K, S, V> {
    pub(super) fn fetch(&mut self) {}

    pub(super) async fn fetch_async(&mut self) {}
}

impl<K: Key, V: Value> Cache<K, V> {
    pub(super) fn invalidate_many_far(&self, _: &[K]) -> Delivery {
        Delivery::Local
    }

    pub(crate) async fn invalidate_keys_async(&self, keys: &[K]) -> Delivery {
        self.invalidate_keys(keys)
    }
}
