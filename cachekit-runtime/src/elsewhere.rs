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

/// The type of keys or values of a cache is the one that a function needs: every type is its own.
#[diagnostic::on_unimplemented(
    message = "this cache holds `{Self}`, and the function stores `{Needed}`",
    label = "a `Cache` of other values",
    note = "`cache = …` takes a `Cache<K, V>` whose V is what the function returns, of a `Result` what is in its `Ok`"
)]
pub trait Holds<Needed>: Sized {
    /// The same cache.
    fn of_values<K>(cache: &Cache<K, Self>) -> &Cache<K, Needed>;
}

impl<V> Holds<V> for V {
    #[inline]
    fn of_values<K>(cache: &Cache<K, V>) -> &Cache<K, V> {
        cache
    }
}

/// The type of a cache's keys is that of the key of a function.
#[diagnostic::on_unimplemented(
    message = "this cache is keyed by `{Self}`, and the key of the function is `{Needed}`",
    label = "a `Cache` with other keys",
    note = "`cache = …` takes a `Cache<K, V>` whose K is the owned key: a tuple for several parts, `()` for none; `key = (…)` and `skip(…)` say what the key is"
)]
pub trait KeyedBy<Needed>: Sized {
    /// The same cache.
    fn of_keys<V>(cache: &Cache<Self, V>) -> &Cache<Needed, V>;
}

impl<K> KeyedBy<K> for K {
    #[inline]
    fn of_keys<V>(cache: &Cache<K, V>) -> &Cache<K, V> {
        cache
    }
}

/// As [`elsewhere`], for a function whose types can be written: what does not fit is said here, and not by all that follows.
#[inline]
pub fn elsewhere_of<Key, Value, C: Elsewhere + ?Sized>(cache: &C) -> &Cache<Key, Value>
where
    C::Key: KeyedBy<Key>,
    C::Value: Holds<Value>,
{
    C::Value::of_values(C::Key::of_keys(cache.cache()))
}
