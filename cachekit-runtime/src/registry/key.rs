//! Which key a text means.

use super::{OperationError, texts::Unread};
use crate::{
    cache::Cache,
    identity::text::{KeyText, is_hashed, parse},
    key::Key,
    output::Value,
};
use std::any::type_name;

/// Before the hash of an entry whose key has no text, which no text of a key begins with.
const HASH: char = '#';

/// What was named.
pub(super) enum Named<K> {
    Key(K),
    /// Nothing in memory has that hash.
    NoHash(u64),
    /// Nothing in memory has that text, and it leads to no key: it is shortened, or of a type that cannot be read.
    NoText,
}

/// The text of a key, or its hash where it has none.
pub(super) fn shown<K: Key, V: Value>(cache: &Cache<K, V>, key: &K, hash: u64) -> String {
    cache.text_of(key).map_or_else(|| format!("{HASH}{hash:016x}"), |text| text.to_string())
}

pub(super) fn named<K: Key, V: Value>(cache: &Cache<K, V>, text: &str) -> Result<Named<K>, OperationError> {
    if let Some(digits) = text.strip_prefix(HASH) {
        let hash = u64::from_str_radix(digits, 16).map_err(|_| no_key::<K, V>(cache, text))?;
        return Ok(cache.key_of_hash(hash).map_or(Named::NoHash(hash), Named::Key));
    }
    if !cache.has_key_texts() {
        return Err(OperationError::NoText { cache: cache.name().to_owned(), key_type: type_name::<K>() });
    }
    let is_it = |key: &K| cache.text_of(key).is_some_and(|written| is_text(&written, text));
    let read = cache.texts().read_key;
    let key = read.zip(parse(text)).map(|(read, tree)| read(&tree));
    // A type may read what it does not write.
    let is_unreadable = read.is_none() || key.as_ref().is_some_and(|key| key.as_ref().err() == Some(&Unread::Borrows));
    if let Some(key) = key.and_then(Result::ok).filter(is_it).or_else(|| cache.any_key(is_it)) {
        return Ok(Named::Key(key));
    }
    if is_hashed(text) || is_unreadable { Ok(Named::NoText) } else { Err(no_key::<K, V>(cache, text)) }
}

/// Shortened or whole.
pub(crate) fn is_text(written: &KeyText, text: &str) -> bool {
    written.in_address() == text || written.whole() == text
}

pub(super) fn no_key<K: Key, V: Value>(cache: &Cache<K, V>, key: &str) -> OperationError {
    OperationError::NoKey { cache: cache.name().to_owned(), key: key.to_owned(), key_type: type_name::<K>() }
}
