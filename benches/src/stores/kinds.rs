//! The keys and values that the caches are measured with.

use crate::keys::{Keys, scatter};
use std::{borrow::Borrow, hash::Hash, sync::Arc};

/// A key as it is stored.
pub trait StoreKey: Hash + Eq + Clone + Send + Sync + Borrow<Self::Look> + 'static {
    /// What it is looked up by.
    type Look: ?Sized + Hash + Eq + ToOwned<Owned = Self>;

    /// The key at this index.
    fn look(keys: &Keys, index: usize) -> &Self::Look;

    /// A key that belongs to this number alone, made for as little as it can be.
    fn fresh(number: u64) -> Self;
}

impl StoreKey for u64 {
    type Look = u64;

    #[inline]
    fn look(keys: &Keys, index: usize) -> &u64 {
        &keys.ids[index]
    }

    #[inline]
    fn fresh(number: u64) -> u64 {
        scatter(number)
    }
}

impl StoreKey for String {
    type Look = str;

    #[inline]
    fn look(keys: &Keys, index: usize) -> &str {
        &keys.names[index]
    }

    fn fresh(number: u64) -> String {
        let mut text = String::with_capacity(24);
        let mixed = scatter(number);
        text.push_str("new/");
        // Sixteen letters for the number, four more for the length that all keys have.
        for place in 0..20 {
            text.push((b'a' + (mixed.rotate_left(4 * place) & 15) as u8) as char);
        }
        text
    }
}

/// A value.
pub trait StoreValue: Clone + Send + Sync + 'static {
    /// Of a number.
    fn of(number: u64) -> Self;
}

impl StoreValue for u64 {
    #[inline]
    fn of(number: u64) -> u64 {
        number
    }
}

impl StoreValue for Arc<String> {
    fn of(number: u64) -> Arc<String> {
        Arc::new(String::fresh(number))
    }
}

impl StoreValue for [u8; 100] {
    #[inline]
    fn of(number: u64) -> [u8; 100] {
        [number as u8; 100]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn fresh_keys_are_distinct_and_of_one_length() {
        let texts: HashSet<String> = (0..10_000).map(String::fresh).collect();
        assert!(texts.len() == 10_000 && texts.iter().all(|text| text.len() == 24));
        assert_eq!((0..10_000).map(u64::fresh).collect::<HashSet<_>>().len(), 10_000);
    }
}
