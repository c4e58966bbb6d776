//! How entries are written: keys, values, and the record by which the eldest is found.
//!
//! ```text
//! entries   id ‖ 00 ‖ fingerprint (8)      ─▶  end (8) ‖ last use (8) ‖ envelope
//! uses      last use (8) ‖ key of entries  ─▶  end (8)
//! facts     name                           ─▶  number
//! ```
//!
//! Numbers are big-endian, times are milliseconds since 1970; the end [`NEVER`] is none. Ids have no control characters, so the zero ends them, all
//! fingerprints of an id lie together, and so do all ids of a cache.

use crate::backend::{Address, Fingerprint};
use redb::TableDefinition;

/// What this program writes. Programs that read it are this one and later ones.
pub(super) const FORMAT: u64 = 1;

pub(super) const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
pub(super) const USES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("uses");
pub(super) const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

/// Names of facts.
pub(super) mod fact {
    pub(in super::super) const FORMAT: &str = "format";
    /// What all entries count, as [`cost`](super::cost) says.
    pub(in super::super) const BYTES: &str = "bytes";
    /// The latest time that was seen.
    pub(in super::super) const SEEN: &str = "seen";
}

/// The end of what has none.
pub(super) const NEVER: u64 = u64::MAX;

/// The length of what stands before the envelope.
pub(super) const HEADER: usize = 16;

pub(super) fn key(address: &Address) -> Box<[u8]> {
    let mut key = prefix(address.id());
    key.extend_from_slice(&address.fingerprint().0.to_be_bytes());
    key.into_boxed_slice()
}

/// What all keys of an id begin with, and no other key.
pub(super) fn prefix(id: &str) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(id.len() + 9);
    prefix.extend_from_slice(id.as_bytes());
    prefix.push(0);
    prefix
}

/// What all keys of a cache begin with, and no other key.
pub(super) fn prefix_of_cache(cache: &str) -> Vec<u8> {
    format!("{cache}:").into_bytes()
}

/// What comes after everything that begins with `prefix`, which ends with a zero or a colon.
pub(super) fn beyond(prefix: &[u8]) -> Vec<u8> {
    let mut beyond = prefix.to_vec();
    if let Some(last) = beyond.last_mut() {
        *last = last.saturating_add(1);
    }
    beyond
}

/// `None`: no key of ours.
pub(super) fn read_key(key: &[u8]) -> Option<Address> {
    let (id, fingerprint) = key.split_last_chunk::<8>()?;
    let id = std::str::from_utf8(id.strip_suffix(&[0])?).ok()?;
    Address::from_id(id, Fingerprint(u64::from_be_bytes(*fingerprint)))
}

/// The id of a key, for a look into the ids that are being invalidated.
pub(super) fn id_of(key: &[u8]) -> &[u8] {
    key.get(..key.len().saturating_sub(9)).unwrap_or_default()
}

/// The name of the cache of an id.
pub(super) fn cache_of(id: &[u8]) -> &[u8] {
    id.split(|byte| *byte == b':').next().unwrap_or_default()
}

/// What stands before the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) end: u64,
    pub(super) used: u64,
}

impl Header {
    pub(super) fn write(self, envelope: &[u8]) -> Vec<u8> {
        let mut value = Vec::with_capacity(HEADER + envelope.len());
        value.extend_from_slice(&self.end.to_be_bytes());
        value.extend_from_slice(&self.used.to_be_bytes());
        value.extend_from_slice(envelope);
        value
    }

    /// The header and the envelope.
    pub(super) fn read(value: &[u8]) -> Option<(Header, &[u8])> {
        let (end, rest) = value.split_first_chunk::<8>()?;
        let (used, envelope) = rest.split_first_chunk::<8>()?;
        Some((Header { end: u64::from_be_bytes(*end), used: u64::from_be_bytes(*used) }, envelope))
    }
}

/// The key of an entry's record among the uses.
pub(super) fn use_key(used: u64, key: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(8 + key.len());
    record.extend_from_slice(&used.to_be_bytes());
    record.extend_from_slice(key);
    record
}

/// What an entry counts towards the bound: its bytes in both tables, and a round figure for what the trees add.
pub(super) fn cost(key: &[u8], value: &[u8]) -> u64 {
    (2 * key.len() + value.len()) as u64 + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_id_lie_together_and_come_back() {
        let address = Address::new("user", "42:ß", Fingerprint(0x0102));
        let key = key(&address);
        assert_eq!(&*key, "user:42:ß\0\0\0\0\0\0\0\u{1}\u{2}".as_bytes());
        assert_eq!(read_key(&key), Some(address));
        assert_eq!((id_of(&key), cache_of(id_of(&key))), ("user:42:ß".as_bytes(), "user".as_bytes()));
        let (first, beyond) = (prefix("user:4"), beyond(&prefix("user:4")));
        for (other, inside) in [("user:4", true), ("user:42", false), ("user:3", false), ("user:4:", false)] {
            let key = super::key(&Address::from_id(other, Fingerprint(u64::MAX)).unwrap_or_else(|| panic!("{other}")));
            assert_eq!(*first <= *key && *key < *beyond, inside, "{other}");
        }
        for senseless in ["", "short", "user:42 12345678", "user\0 12345678"] {
            assert_eq!(read_key(senseless.as_bytes()), None);
        }
    }

    #[test]
    fn a_cache_is_a_range() {
        let (first, beyond) = (prefix_of_cache("user"), beyond(&prefix_of_cache("user")));
        for (cache, inside) in [("user", true), ("user;", false), ("user9", false), ("users", false), ("use", false)] {
            for arguments in ["", "~", "\u{10ffff}"] {
                let key = key(&Address::new(cache, arguments, Fingerprint(u64::MAX)));
                assert_eq!(*first <= *key && *key < *beyond, inside, "{cache}");
            }
        }
    }

    #[test]
    fn headers_come_back() {
        let header = Header { end: 1, used: NEVER };
        assert_eq!(Header::read(&header.write(b"envelope")), Some((header, &b"envelope"[..])));
        assert_eq!(Header::read(&header.write(b"")[..15]), None);
    }
}
