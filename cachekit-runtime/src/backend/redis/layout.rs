//! The keys in Redis.
//!
//! | key | what |
//! |---|---|
//! | `ck:<namespace>:d:{<cache>:<arguments>}:<fingerprint>` | an entry, or the marker or lock of a fill |
//! | `ck:<namespace>:s:{<cache>:<arguments>}` | the signal of an entry: written and removed by an invalidation, for those who watch |
//! | `ck:<namespace>:s:g:{<cache>}` | the generation of a cache |
//! | `ck:<namespace>:s:t:{<tag>}` | the version of a tag |
//! | `ck:<namespace>:s:b:{<number>}` | which start of a master has the data; the number puts it into one of its slots |
//! | `ck:<namespace>:r:{<cache>:<arguments>}:<head>` | the right to refresh what has this head, in hexadecimal digits |
//! | `ck:<namespace>:n` | no key but a channel: the keys of what was invalidated, for those whom the server does not let watch keys |
//! | `ck:<namespace>:f:{<cache>}` | the set of the fingerprints under which a cache has entries |
//!
//! What stands between the braces decides the slot in a Redis Cluster: all keys of an entry share one. Everything that others watch begins with
//! `ck:<namespace>:s:`, and nothing else does.

use super::topology::Topology;
use crate::{
    Error,
    backend::{Address, Failure, Fingerprint, Witness},
};
use redis::{Cmd, RedisWrite};
use std::{io::Write, ops::RangeInclusive};

/// The digits of a fingerprint in a key.
const DIGITS: usize = 16;

/// The keys of one namespace.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    data: Box<str>,
    signal: Box<str>,
    generation: Box<str>,
    fingerprints: Box<str>,
    tag: Box<str>,
    boot: Box<str>,
    lease: Box<str>,
    signals: Box<str>,
    news: Box<str>,
}

/// What a key under the prefix stands for that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal<'a> {
    Entry(&'a str),
    Tag(&'a str),
    Generation(&'a str),
    Boot,
}

impl Layout {
    /// Not every text can be a namespace.
    pub(super) fn new(namespace: &str) -> Result<Self, Error> {
        if namespace.is_empty() || namespace.chars().any(|c| c == ':' || is_refused(c)) {
            let message = format!(
                "the namespace {namespace:?} has to have at least one character, and no colons, braces or control characters"
            );
            return Err(Error::backend(super::NAME, Failure::Misconfigured, message));
        }
        let key = |kind: &str| format!("ck:{namespace}:{kind}").into_boxed_str();
        Ok(Layout {
            data: key("d:{"),
            signal: key("s:{"),
            generation: key("s:g:{"),
            fingerprints: key("f:{"),
            tag: key("s:t:{"),
            boot: key("s:b:{"),
            lease: key("r:{"),
            signals: key("s:"),
            news: key("n"),
        })
    }

    /// Where the entry is.
    pub(super) fn data(&self, address: &Address) -> Result<String, Error> {
        checked(address.id())?;
        Ok(self.data_of(address.id(), address.fingerprint()))
    }

    /// As [`data`](Self::data), of an id that is known to be fit.
    pub(super) fn data_of(&self, id: &str, fingerprint: Fingerprint) -> String {
        let mut key = String::with_capacity(self.data.len() + id.len() + 2 + DIGITS);
        key.push_str(&self.data);
        key.push_str(id);
        key.push_str("}:");
        push_hex(&mut key, fingerprint.0);
        key
    }

    /// Is the address fit for a key?
    pub(super) fn check(&self, address: &Address) -> Result<(), Error> {
        checked(address.id())
    }

    /// Adds where the entry is to a command, of an address that is [fit](Self::check) for it.
    pub(super) fn add_data(&self, command: &mut Cmd, address: &Address) {
        let mut key = command.writer_for_next_arg();
        for part in [self.data.as_bytes(), address.id().as_bytes(), b"}:", &hex(address.fingerprint().0)] {
            // Into memory, which takes it.
            let _ = key.write_all(part);
        }
    }

    /// Adds where the generation of the cache is to a command, of a cache that has an address that is [fit](Self::check).
    pub(super) fn add_generation(&self, command: &mut Cmd, cache: &str) {
        let mut key = command.writer_for_next_arg();
        for part in [self.generation.as_bytes(), cache.as_bytes(), b"}"] {
            // Into memory, which takes it.
            let _ = key.write_all(part);
        }
    }

    /// How many bytes [`add_data`](Self::add_data) adds.
    pub(super) fn length_of(&self, address: &Address) -> usize {
        self.data.len() + address.id().len() + 2 + DIGITS
    }

    /// What an invalidation of the entry touches.
    pub(super) fn signal(&self, id: &str) -> String {
        braced(&self.signal, id)
    }

    /// The channel on which invalidations are published.
    pub(super) fn news(&self) -> &str {
        &self.news
    }

    /// What everything begins with that is watched.
    pub(super) fn signals(&self) -> &str {
        &self.signals
    }

    /// What a key stands for that was watched; `None`: it is none of ours.
    pub(super) fn read_signal<'a>(&self, key: &'a [u8]) -> Option<Signal<'a>> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(&*self.signals)?;
        let (kind, id) = rest.strip_suffix('}')?.split_once('{')?;
        match kind {
            "" => Some(Signal::Entry(id)),
            "t:" => Some(Signal::Tag(id)),
            "g:" => Some(Signal::Generation(id)),
            "b:" => Some(Signal::Boot),
            _ => None,
        }
    }

    /// Where the version of a tag is. What would break the key is written otherwise.
    pub(super) fn tag(&self, tag: &str) -> String {
        braced(&self.tag, tag)
    }

    /// Where the right to refresh what has this head is. A key of its own for each: who still wants to refresh what was replaced finds that it was.
    pub(super) fn lease(&self, id: &str, seen: Witness) -> String {
        let mut key = braced(&self.lease, id);
        key.push(':');
        let (numbers, _) = seen.0.as_chunks::<8>();
        numbers.iter().for_each(|number| push_hex(&mut key, u64::from_be_bytes(*number)));
        key
    }

    /// Where a master with these slots says which start of it has the data; `None`: with all slots.
    pub(super) fn boot(&self, slots: Option<&[RangeInclusive<u16>]>) -> String {
        let mut number = 0_u32;
        loop {
            let key = braced(&self.boot, &number.to_string());
            if slots.is_none_or(|slots| slots.iter().any(|slots| slots.contains(&Topology::slot(key.as_bytes()))))
                || number == u32::MAX
            {
                return key;
            }
            number += 1;
        }
    }

    /// Where the generation of the cache is.
    pub(super) fn generation(&self, cache: &str) -> Result<String, Error> {
        checked(cache)?;
        Ok(braced(&self.generation, cache))
    }

    /// As [`generation`](Self::generation), of a cache that has an address that is [fit](Self::check).
    pub(super) fn generation_of(&self, cache: &str) -> String {
        braced(&self.generation, cache)
    }

    /// Is the generation of the cache at this key, which is that of some cache's generation?
    pub(super) fn is_generation(&self, key: &str, cache: &str) -> bool {
        key.as_bytes().get(self.generation.len()..key.len().saturating_sub(1)) == Some(cache.as_bytes())
    }

    /// Where the fingerprints of the cache are.
    pub(super) fn fingerprints(&self, cache: &str) -> Result<String, Error> {
        checked(cache)?;
        Ok(braced(&self.fingerprints, cache))
    }

    /// What the keys of the entries look like, of one cache or of all, in the language of `SCAN … MATCH`.
    pub(super) fn data_pattern(&self, cache: Option<&str>) -> Result<String, Error> {
        let mut pattern = String::new();
        push_literally(&mut pattern, &self.data);
        if let Some(cache) = cache {
            checked(cache)?;
            push_literally(&mut pattern, cache);
            pattern.push(':');
        }
        pattern.push('*');
        Ok(pattern)
    }

    /// What the keys of the sets of fingerprints look like.
    #[cfg(feature = "inspect")]
    pub(super) fn fingerprints_pattern(&self) -> String {
        let mut pattern = String::new();
        push_literally(&mut pattern, &self.fingerprints);
        pattern.push('*');
        pattern
    }

    /// The cache whose fingerprints are at this key. `None`: it is none of ours.
    #[cfg(feature = "inspect")]
    pub(super) fn cache_of_fingerprints<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.fingerprints)?.strip_suffix('}')
    }

    /// Whose entry is at this key? `None`: it is none of ours.
    pub(super) fn address(&self, key: &[u8]) -> Option<Address> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(&*self.data)?;
        let (id, digits) = rest.rsplit_once("}:")?;
        Address::from_id(id, fingerprint(digits.as_bytes())?)
    }
}

/// From its digits.
pub(super) fn fingerprint(digits: &[u8]) -> Option<Fingerprint> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == DIGITS)?;
    u64::from_str_radix(digits, 16).ok().map(Fingerprint)
}

/// Braces within would move an entry's keys to different slots, or let one entry's arguments choose another's.
fn checked(id: &str) -> Result<(), Error> {
    // Byte by byte while it is ASCII, because every call passes here.
    let is_fit = match id.is_ascii() {
        // All of them, also after one that is unfit: so many are compared at once.
        true => !id.bytes().fold(false, |is_unfit, byte| is_unfit | is_refused_byte(byte)),
        false => !id.chars().any(is_refused),
    };
    if !is_fit {
        let message = format!("an address has braces or control characters: {id:?}");
        return Err(Error::backend(super::NAME, Failure::Other, message));
    }
    Ok(())
}

/// As [`is_refused`], of ASCII.
fn is_refused_byte(byte: u8) -> bool {
    (byte == b'{') | (byte == b'}') | (byte < 0x20) | (byte == 0x7f)
}

fn is_refused(c: char) -> bool {
    c == '{' || c == '}' || c.is_control()
}

fn braced(prefix: &str, id: &str) -> String {
    let mut key = String::with_capacity(prefix.len() + id.len() + 1);
    key.push_str(prefix);
    key.push_str(id);
    key.push('}');
    key
}

/// What the language of patterns would understand stands for itself.
fn push_literally(pattern: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
}

fn push_hex(key: &mut String, number: u64) {
    hex(number).into_iter().for_each(|digit| key.push(char::from(digit)));
}

fn hex(number: u64) -> [u8; DIGITS] {
    std::array::from_fn(|at| {
        let nibble = (number >> (4 * (DIGITS - 1 - at)) & 0xf) as u8;
        nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout() -> Layout {
        Layout::new("shop").unwrap()
    }

    fn address() -> Address {
        Address::new("user", "42:de", Fingerprint(0xab))
    }

    /// Other programs, languages and versions rely on these very texts.
    #[test]
    fn the_keys_are_these() {
        let layout = layout();
        assert_eq!(layout.data(&address()).unwrap(), "ck:shop:d:{user:42:de}:00000000000000ab");
        assert_eq!(layout.signal(address().id()), "ck:shop:s:{user:42:de}");
        assert_eq!(layout.generation("user").unwrap(), "ck:shop:s:g:{user}");
        assert_eq!(layout.fingerprints("user").unwrap(), "ck:shop:f:{user}");
        assert_eq!(layout.tag("team:7"), "ck:shop:s:t:{team:7}");
        assert_eq!(layout.boot(None), "ck:shop:s:b:{0}");
        let seen = Witness(std::array::from_fn(|at| at as u8));
        let head = "000102030405060708090a0b0c0d0e0f1011121314151617";
        assert_eq!(layout.lease("user:42", seen), format!("ck:shop:r:{{user:42}}:{head}"));
        assert_eq!(layout.data_pattern(None).unwrap(), "ck:shop:d:{*");
        assert_eq!(layout.data_pattern(Some("us*r")).unwrap(), "ck:shop:d:{us\\*r:*");
    }

    #[test]
    fn what_is_watched_leads_back() {
        let layout = layout();
        let read = |key: &str| layout.read_signal(key.as_bytes()).map(|signal| format!("{signal:?}"));
        assert_eq!(read(&layout.signal("user:42:de")).as_deref(), Some("Entry(\"user:42:de\")"));
        assert_eq!(read(&layout.tag("team:7")).as_deref(), Some("Tag(\"team:7\")"));
        assert_eq!(read(&layout.generation("user").unwrap()).as_deref(), Some("Generation(\"user\")"));
        assert_eq!(read(&layout.boot(None)).as_deref(), Some("Boot"));
        for key in
            ["ck:other:s:{user:1}", "ck:shop:d:{user:1}:00000000000000ab", "ck:shop:s:x:{user}", "ck:shop:s:{user:1"]
        {
            assert_eq!(read(key), None, "{key}");
        }
    }

    #[test]
    fn a_boot_key_is_in_a_slot_of_its_master() {
        for slots in [0..=5_460, 16_000..=16_000] {
            assert!(slots.contains(&Topology::slot(layout().boot(Some(std::slice::from_ref(&slots))).as_bytes())));
        }
        assert_eq!(layout().boot(Some(&[7..=7, 0..=16_383])), layout().boot(None));
    }

    #[test]
    fn what_would_break_a_slot_is_refused() {
        for id in ["a{b", "a}b", "a\nb", "a\0b", "ä{", "ä\u{85}"] {
            let address = Address::new("user", id, Fingerprint(1));
            assert!(layout().data(&address).is_err(), "{id:?}");
            assert!(layout().generation(id).is_err(), "{id:?}");
            assert!(layout().fingerprints(id).is_err(), "{id:?}");
            assert!(layout().data_pattern(Some(id)).is_err(), "{id:?}");
            assert!(Layout::new(id).is_err(), "{id:?}");
        }
        assert!(Layout::new("").is_err());
        // The data of the namespace `a:s` would be among the signals of `a`.
        assert!(Layout::new("a:s").is_err());
    }

    #[test]
    fn a_foreign_key_is_no_address() {
        let layout = layout();
        for key in [
            "ck:shop:s:{user:42}",
            "ck:other:d:{user:42}:00000000000000ab",
            "ck:shop:d:{user:42}",
            "ck:shop:d:{user:42}:ab",
            "ck:shop:d:{user:42}:00000000000000xy",
            "ck:shop:d:{user}:00000000000000ab",
        ] {
            assert_eq!(layout.address(key.as_bytes()), None, "{key}");
        }
        assert_eq!(layout.address(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_address(cache in "[^:{}\\p{Cc}]{0,20}", arguments in "[^{}\\p{Cc}]{0,40}", print: u64) {
            let address = Address::new(&cache, &arguments, Fingerprint(print));
            let key = layout().data(&address).unwrap();
            prop_assert_eq!(layout().address(key.as_bytes()), Some(address));
            let digits = key.rsplit(':').next().unwrap();
            prop_assert_eq!(digits, Fingerprint(print).to_string());
        }
    }
}
