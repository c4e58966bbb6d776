//! The parts of a snapshot as bytes, in little endian: a header, and the records of entries.

use crate::time::NEVER;

/// What a snapshot says before its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Name of the cache.
    pub(crate) cache: String,
    pub(crate) codec: String,
    /// Fingerprint of the keys' shape.
    pub(crate) keys: u64,
    /// Fingerprint of the values' shape.
    pub(crate) values: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
}

/// One entry; times in nanoseconds from the moment of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// How long ago it was stored; `NEVER`: nobody knows.
    pub(crate) age: u64,
    /// How long it is fresh; `NEVER`: for ever.
    pub(crate) left: u64,
    /// How long ago it was used; 0 where that does not matter.
    pub(crate) unused: u64,
    /// As far as its policy counts them.
    pub(crate) hits: u8,
    pub(crate) tags: Vec<&'a str>,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for number in [self.keys, self.values, self.created] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        text(&self.codec, out);
        text(&self.cache, out);
    }

    /// `None`: the bytes are none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let (keys, values, created) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
        let (codec, cache) = (bytes.text()?.to_owned(), bytes.text()?.to_owned());
        bytes.0.is_empty().then_some(Header { cache, codec, keys, values, created })
    }
}

impl<'a> Record<'a> {
    /// Whether it could be written: 4 GiB are too much, and so are 64 KiB of a tag.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> bool {
        let (Ok(key), Ok(value)) = (u32::try_from(self.key.len()), u32::try_from(self.value.len())) else {
            return false;
        };
        let Ok(tags) = u8::try_from(self.tags.len()) else { return false };
        if self.tags.iter().any(|tag| tag.len() > u16::MAX.into()) {
            return false;
        }
        for number in [self.age, self.left, self.unused] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.hits, tags]);
        self.tags.iter().for_each(|tag| text(tag, out));
        for (length, bytes) in [(key, self.key), (value, self.value)] {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(bytes);
        }
        true
    }

    /// The first record of these bytes, and the rest. `None`: there is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut bytes = Bytes(bytes);
        let (age, left, unused) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
        let &[hits, tags] = bytes.take(2)?.first_chunk()?;
        let tags = (0..tags).map(|_| bytes.text()).collect::<Option<Vec<_>>>()?;
        let (key, value) = (bytes.long()?, bytes.long()?);
        Some((Record { age, left, unused, hits, tags, key, value }, bytes.0))
    }

    /// What is left of the ttl after that time; `None`: it is over.
    pub(crate) fn left_after(&self, elapsed: u64) -> Option<u64> {
        match self.left {
            NEVER => Some(NEVER),
            left => left.checked_sub(elapsed).filter(|left| *left > 0),
        }
    }
}

/// With its length before it. Longer ones than 64 KiB are cut.
fn text(text: &str, out: &mut Vec<u8>) {
    let text = &text[..text.floor_char_boundary(u16::MAX.into())];
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.take(2)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))?;
        std::str::from_utf8(self.take(length.into())?).ok()
    }

    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        self.take(usize::try_from(length).ok()?)
    }
}
