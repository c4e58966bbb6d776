//! `cache = expr`: what may stand for a cache that somebody else built.

use crate::cache::Cache;
use std::sync::{Arc, LazyLock};

/// A cache, or something that holds or refers to one.
#[diagnostic::on_unimplemented(
    message = "`cache = …` needs a `Cache`, and this is a `{Self}`",
    label = "not a `cachekit::Cache`",
    note = "name a `Cache<K, V>`, or a reference to one, or an `Arc`, `Box` or `LazyLock` of one; K is the owned key, a tuple for several parts"
)]
pub trait Elsewhere {
    /// The owned key.
    type Key;
    /// What is stored.
    type Value;
    /// The cache.
    fn cache(&self) -> &Cache<Self::Key, Self::Value>;
}

impl<K, V> Elsewhere for Cache<K, V> {
    type Key = K;
    type Value = V;
    #[inline]
    fn cache(&self) -> &Cache<K, V> {
        self
    }
}

macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl<C: Elsewhere + ?Sized> Elsewhere for $pointer {
            type Key = C::Key;
            type Value = C::Value;
            #[inline]
            fn cache(&self) -> &Cache<C::Key, C::Value> {
                (**self).cache()
            }
        }
    )+};
}

pointers!(&C, Arc<C>, Box<C>);

#[diagnostic::do_not_recommend]
impl<C: Elsewhere, F: FnOnce() -> C> Elsewhere for LazyLock<C, F> {
    type Key = C::Key;
    type Value = C::Value;
    #[inline]
    fn cache(&self) -> &Cache<C::Key, C::Value> {
        (**self).cache()
    }
}

/// The cache that an expression stands for.
#[inline]
pub fn elsewhere<C: Elsewhere + ?Sized>(cache: &C) -> &Cache<C::Key, C::Value> {
    cache.cache()
}
