//! How a batch shares entries: with nobody, with absence beside values, or with a single function.

use crate::{cache::Cache, key::Key, output::Value};

/// From what there is per id to what is stored, and back.
pub(super) struct Sharing<S, V> {
    /// `None`: nothing is stored.
    pub(super) wrap: fn(Option<V>) -> Option<S>,
    pub(super) unwrap: fn(S) -> Option<V>,
}

impl<S, V> Clone for Sharing<S, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, V> Copy for Sharing<S, V> {}

impl<V> Sharing<V, V> {
    pub(super) const VALUES: Self = Sharing { wrap: |value| value, unwrap: Some };
}

impl<V> Sharing<Option<V>, V> {
    pub(super) const OPTIONS: Self = Sharing { wrap: Some, unwrap: |stored| stored };
}

/// The keys of the single function that `of` names are those of the batch's elements.
#[diagnostic::on_unimplemented(
    message = "the function that `of` names is keyed by `{Self}`, and an element of this batch by `{K}`",
    label = "its entries are not this batch's",
    note = "an element's key are the parameters that are not skipped, in their order, with one id in place of the ids: give both functions the same ones, or leave `of` out"
)]
pub trait SameKey<K>: Sized {
    /// The same cache.
    fn same<S>(cache: &Cache<Self, S>) -> &Cache<K, S>;
}

#[diagnostic::do_not_recommend]
impl<K: Key> SameKey<K> for K {
    fn same<S>(cache: &Cache<K, S>) -> &Cache<K, S> {
        cache
    }
}

/// What the single function stores is what the batch has per id, or an `Option` of it.
#[diagnostic::on_unimplemented(
    message = "the function that `of` names caches `{Self}`, and this batch has `{V}` per id",
    label = "its values are not this batch's",
    note = "the single function returns `{V}` or `Option<{V}>`, plain or in a `Result`, if the batch is to share entries with it: give both the same type, or leave `of` out"
)]
pub trait SharesValue<V>: Sized {
    /// What is stored for what there is; `None`: nothing is.
    fn wrap(value: Option<V>) -> Option<Self>;
    /// And back.
    fn unwrap(stored: Self) -> Option<V>;
}

#[diagnostic::do_not_recommend]
impl<V> SharesValue<V> for V {
    fn wrap(value: Option<V>) -> Option<V> {
        value
    }
    fn unwrap(stored: V) -> Option<V> {
        Some(stored)
    }
}

#[diagnostic::do_not_recommend]
impl<V> SharesValue<V> for Option<V> {
    fn wrap(value: Option<V>) -> Option<Self> {
        Some(value)
    }
    fn unwrap(stored: Self) -> Option<V> {
        stored
    }
}

impl<S: Value + SharesValue<V>, V> Sharing<S, V> {
    pub(super) const SHARED: Self = Sharing { wrap: S::wrap, unwrap: S::unwrap };
}
