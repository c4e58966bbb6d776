//! Memoization written by hand: a look, and on a miss the body and an insertion. No single flight, so this is the least that a library costs.

use super::{CAPACITY, TTL, bodies};
use hashbrown::HashMap;
use std::{
    cell::RefCell,
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock},
};

type MixedKey = (u64, String);

/// A borrowed [`MixedKey`], so that a look allocates nothing.
struct Borrowed<'a>(u64, &'a str);

impl Hash for Borrowed<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
        self.1.hash(hasher);
    }
}

// The trait that all three look up by.
impl hashbrown::Equivalent<MixedKey> for Borrowed<'_> {
    #[inline]
    fn equivalent(&self, key: &MixedKey) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// The six functions over caches of one type; `get` is awaited in the async ones where it has to be.
macro_rules! functions {
    ($module:ident, $cache:ident, $make:expr, $asynchronous:ident, $make_asynchronous:expr, [$($wait:tt)*]) => {
        pub(super) mod $module {
            use super::*;

            static NUMBER: LazyLock<$cache<u64, u64>> = LazyLock::new(|| $make);
            static TEXT: LazyLock<$cache<String, String>> = LazyLock::new(|| $make);
            static MIXED: LazyLock<$cache<MixedKey, Arc<String>>> = LazyLock::new(|| $make);
            static ASYNC_NUMBER: LazyLock<$asynchronous<u64, u64>> = LazyLock::new(|| $make_asynchronous);
            static ASYNC_TEXT: LazyLock<$asynchronous<String, String>> = LazyLock::new(|| $make_asynchronous);
            static ASYNC_MIXED: LazyLock<$asynchronous<MixedKey, Arc<String>>> = LazyLock::new(|| $make_asynchronous);

            functions!(@three NUMBER TEXT MIXED; [] number text mixed; []);
            functions!(@three ASYNC_NUMBER ASYNC_TEXT ASYNC_MIXED; [async] async_number async_text async_mixed; [$($wait)*]);
        }
    };
    (@three $number_cache:ident $text_cache:ident $mixed_cache:ident; [$($is_async:tt)*] $number:ident $text:ident $mixed:ident; [$($wait:tt)*]) => {
        pub(in super::super) $($is_async)* fn $number(x: u64) -> u64 {
            if let Some(value) = $number_cache.get(&x)$($wait)* {
                return value;
            }
            let value = bodies::number(x);
            $number_cache.insert(x, value)$($wait)*;
            value
        }

        pub(in super::super) $($is_async)* fn $text(s: &str) -> String {
            if let Some(value) = $text_cache.get(s)$($wait)* {
                return value;
            }
            let value = bodies::text(s);
            $text_cache.insert(s.to_owned(), value.clone())$($wait)*;
            value
        }

        pub(in super::super) $($is_async)* fn $mixed(x: u64, s: &str) -> Arc<String> {
            if let Some(value) = $mixed_cache.get(&Borrowed(x, s))$($wait)* {
                return value;
            }
            let value = bodies::mixed(x, s);
            $mixed_cache.insert((x, s.to_owned()), value.clone())$($wait)*;
            value
        }
    };
}

use moka::{future::Cache as MokaAsync, sync::Cache as Moka};
use quick_cache::sync::Cache as Quick;

functions!(quick, Quick, Quick::new(CAPACITY), Quick, Quick::new(CAPACITY), []);
functions!(moka_bound, Moka, Moka::new(CAPACITY as u64), MokaAsync, MokaAsync::new(CAPACITY as u64), [.await]);
functions!(
    moka_ttl,
    Moka,
    Moka::builder().max_capacity(CAPACITY as u64).time_to_live(TTL).build(),
    MokaAsync,
    MokaAsync::builder().max_capacity(CAPACITY as u64).time_to_live(TTL).build(),
    [.await]
);

/// The limit: a map of the thread, with nothing to protect.
pub(super) mod thread_local {
    use super::*;

    type Map<K, V> = RefCell<HashMap<K, V, foldhash::fast::RandomState>>;

    thread_local! {
        static NUMBER: Map<u64, u64> = RefCell::default();
        static TEXT: Map<String, String> = RefCell::default();
        static MIXED: Map<MixedKey, Arc<String>> = RefCell::default();
    }

    pub(in super::super) fn number(x: u64) -> u64 {
        if let Some(value) = NUMBER.with_borrow(|map| map.get(&x).copied()) {
            return value;
        }
        let value = bodies::number(x);
        NUMBER.with_borrow_mut(|map| map.insert(x, value));
        value
    }

    pub(in super::super) fn text(s: &str) -> String {
        if let Some(value) = TEXT.with_borrow(|map| map.get(s).cloned()) {
            return value;
        }
        let value = bodies::text(s);
        TEXT.with_borrow_mut(|map| map.insert(s.to_owned(), value.clone()));
        value
    }

    pub(in super::super) fn mixed(x: u64, s: &str) -> Arc<String> {
        if let Some(value) = MIXED.with_borrow(|map| map.get(&Borrowed(x, s)).cloned()) {
            return value;
        }
        let value = bodies::mixed(x, s);
        MIXED.with_borrow_mut(|map| map.insert((x, s.to_owned()), value.clone()));
        value
    }
}
