//! Reading envelopes.

use super::{CHECKSUM, Freshness, Head, Kind, MAX_TAGS, TagVersion, VERSION, checksum, flags};
use crate::{
    Error,
    backend::{Address, Fingerprint, HEAD},
    codec::DynCodec,
};
use bytes::{Buf, Bytes};
use std::str;

/// Why what a backend holds is not an entry for this program. It counts as missing, and is removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It ends too early.
    #[error("truncated")]
    Truncated,
    /// Its checksum is wrong, or it contradicts itself.
    #[error("corrupt")]
    Corrupt,
    /// It is larger than `max_value_bytes`, or its value would become so.
    #[error("larger than `max_value_bytes`")]
    Oversized,
    /// It is not cachekit's.
    #[error("not an entry of cachekit")]
    Foreign,
    /// It is of a later cachekit.
    #[error("of a later version of cachekit")]
    Future,
    /// It is a marker, a lock or a tombstone.
    #[error("no value")]
    NoValue,
    /// It is the entry of another key or another shape of values.
    #[error("the entry of another key")]
    OtherKey,
    /// It was written by another codec.
    #[error("written by another codec")]
    OtherCodec,
    /// It is compressed, and this program has not the feature `lz4`.
    #[error("compressed, and the feature `lz4` is off")]
    Compressed,
    /// Its codec does not decode it.
    #[error("{0}")]
    Undecodable(Error),
}

impl Rejected {
    /// One word of it, for statistics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Rejected::Truncated => "truncated",
            Rejected::Corrupt => "corrupt",
            Rejected::Oversized => "oversized",
            Rejected::Foreign => "foreign",
            Rejected::Future => "future",
            Rejected::NoValue => "no_value",
            Rejected::OtherKey => "other_key",
            Rejected::OtherCodec => "other_codec",
            Rejected::Compressed => "compressed",
            Rejected::Undecodable(_) => "undecodable",
        }
    }
}

/// An entry as a backend holds it, checked, its value not yet decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    head: Head,
    fingerprint: Fingerprint,
    freshness: Freshness,
    generation: Option<u64>,
    codec: Bytes,
    id: Bytes,
    tags: Vec<TagVersion>,
    packed_from: Option<u32>,
    payload: Bytes,
}

/// Reads an entry that has to be at this address and of this codec, and its value. At most `max` bytes are allocated for the value, and as many to
/// decompress it.
///
/// # Errors
///
/// A [`Rejected`] that says what is wrong.
pub fn open<V: 'static>(
    bytes: &Bytes,
    address: &Address,
    codec: &dyn DynCodec<V>,
    max: usize,
) -> Result<(Envelope, V), Rejected> {
    let envelope = Envelope::read(bytes, max)?;
    if !envelope.is_of(address) {
        return Err(Rejected::OtherKey);
    }
    let value = envelope.value(codec, max)?;
    Ok((envelope, value))
}

/// What a look needs to know of an envelope beside its value.
pub(crate) struct Terms {
    pub(crate) freshness: Freshness,
    pub(crate) generation: Option<u64>,
    pub(crate) tags: Vec<TagVersion>,
}

/// As [`open`], for those who keep no envelope: its texts are compared where they are, and the bytes, which are of no further use, need not be shared.
pub(crate) fn open_value<V: 'static>(
    mut bytes: Bytes,
    address: &Address,
    codec: &dyn DynCodec<V>,
    max: usize,
) -> Result<(Terms, V), Rejected> {
    let View { fingerprint, freshness, generation, codec: name, id, tags, packed_from, payload, .. } =
        View::read(&bytes, max)?;
    if id != address.whole_id().as_bytes() || fingerprint != address.fingerprint() {
        return Err(Rejected::OtherKey);
    }
    if name != codec.codec_name().as_bytes() {
        return Err(Rejected::OtherCodec);
    }
    // It goes to the end.
    let before = bytes.len() - payload.len();
    bytes.advance(before);
    let payload = unpacked(bytes, packed_from, max)?;
    let value = codec.decode_value(&payload, max).map_err(Rejected::Undecodable)?;
    Ok((Terms { freshness, generation, tags }, value))
}

/// An envelope in the bytes of somebody else.
struct View<'a> {
    head: Head,
    fingerprint: Fingerprint,
    freshness: Freshness,
    generation: Option<u64>,
    /// Not known to be texts yet, as the next.
    codec: &'a [u8],
    id: &'a [u8],
    tags: Vec<TagVersion>,
    packed_from: Option<u32>,
    payload: &'a [u8],
}

impl<'a> View<'a> {
    fn read(bytes: &'a [u8], max: usize) -> Result<Self, Rejected> {
        let head = Head::read(bytes)?;
        if head.kind() != Kind::Value {
            return Err(Rejected::NoValue);
        }
        if bytes.len() > max {
            return Err(Rejected::Oversized);
        }
        let mut rest = bytes.get(HEAD..).ok_or(Rejected::Truncated)?;
        if rest.try_get_u8().map_err(|_| Rejected::Truncated)? != VERSION {
            return Err(Rejected::Future);
        }
        let sum = rest.try_get_u32_le().map_err(|_| Rejected::Truncated)?;
        let length = rest.try_get_u32_le().map_err(|_| Rejected::Truncated)?;
        let length = usize::try_from(length).map_err(|_| Rejected::Oversized)?;
        if bytes.len() < length {
            return Err(Rejected::Truncated);
        }
        if bytes.len() > length || bytes.len() < CHECKSUM.end || sum != checksum(bytes) {
            return Err(Rejected::Corrupt);
        }
        // Whoever has written this has computed its checksum, so what is odd from here on was meant so.
        Self::after_checksum(head, rest)
    }

    fn after_checksum(head: Head, mut rest: &'a [u8]) -> Result<Self, Rejected> {
        fn corrupt<T>(_: T) -> Rejected {
            Rejected::Corrupt
        }
        let flags = rest.try_get_u16_le().map_err(corrupt)?;
        if flags & !flags::ALL != 0 {
            return Err(Rejected::Future);
        }
        let tag_count = usize::from(rest.try_get_u8().map_err(corrupt)?);
        let codec_length = usize::from(rest.try_get_u8().map_err(corrupt)?);
        let id_length = usize::try_from(rest.try_get_u32_le().map_err(corrupt)?).map_err(corrupt)?;
        let created = rest.try_get_u64_le().map_err(corrupt)?;
        let fingerprint = Fingerprint(rest.try_get_u64_le().map_err(corrupt)?);
        let packed_from = match flags & flags::LZ4 {
            0 => None,
            _ => Some(rest.try_get_u32_le().map_err(corrupt)?),
        };
        let mut optional = |flag: u16| match flags & flag {
            0 => Ok(None),
            _ => rest.try_get_u64_le().map(Some).map_err(corrupt),
        };
        let (ttl, revalidate) = (optional(flags::TTL)?, optional(flags::REVALIDATE)?);
        let (if_error, generation) = (optional(flags::IF_ERROR)?, optional(flags::GENERATION)?);
        let codec = part(&mut rest, codec_length)?;
        let id = part(&mut rest, id_length)?;
        if tag_count > MAX_TAGS {
            return Err(Rejected::Corrupt);
        }
        let has_soft = flags & flags::SOFT != 0;
        let mut tags = Vec::with_capacity(tag_count);
        for _ in 0..tag_count {
            let length = usize::from(rest.try_get_u16_le().map_err(corrupt)?);
            let name = text(&mut rest, length)?.into();
            let version = rest.try_get_u64_le().map_err(corrupt)?;
            let soft = if has_soft { rest.try_get_u64_le().map_err(corrupt)? } else { 0 };
            tags.push(TagVersion { name, version, soft });
        }
        // There is one way to write each.
        if has_soft && tags.iter().all(|tag| tag.soft == 0) {
            return Err(Rejected::Corrupt);
        }
        let freshness = Freshness { created, ttl, revalidate, if_error };
        Ok(View { head, fingerprint, freshness, generation, codec, id, tags, packed_from, payload: rest })
    }
}

impl Envelope {
    /// Reads an envelope of at most `max` bytes. Its payload shares the memory of `bytes`.
    ///
    /// # Errors
    ///
    /// A [`Rejected`] that says what is wrong.
    pub fn read(bytes: &Bytes, max: usize) -> Result<Self, Rejected> {
        let View { head, fingerprint, freshness, generation, codec, id, tags, packed_from, payload } =
            View::read(bytes, max)?;
        if str::from_utf8(codec).is_err() || str::from_utf8(id).is_err() {
            return Err(Rejected::Corrupt);
        }
        let shared = |part: &[u8]| bytes.slice_ref(part);
        let (codec, id, payload) = (shared(codec), shared(id), shared(payload));
        Ok(Envelope { head, fingerprint, freshness, generation, codec, id, tags, packed_from, payload })
    }

    /// The head, which is the witness of a refresh.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Is it the entry of this address? A hash of a long key, or a backend that mixes things up, may lead to another.
    #[must_use]
    pub fn is_of(&self, address: &Address) -> bool {
        self.id == address.whole_id().as_bytes() && self.fingerprint == address.fingerprint()
    }

    /// The address's id: name of the cache and arguments.
    #[must_use]
    pub fn id(&self) -> &str {
        str::from_utf8(&self.id).unwrap_or_default()
    }

    /// Of the shape of its value.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// When it was made and how long it is good.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// The generation of its cache.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Its tags with their versions.
    #[must_use]
    pub fn tags(&self) -> &[TagVersion] {
        &self.tags
    }

    /// The name of its codec.
    #[must_use]
    pub fn codec(&self) -> &str {
        str::from_utf8(&self.codec).unwrap_or_default()
    }

    /// How many bytes its value takes here, compressed if it is.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.payload.len()
    }

    /// Its value as it stands here, and its length before compression if it was compressed.
    #[cfg(feature = "inspect")]
    pub(super) fn as_stored(&self) -> (&Bytes, Option<u32>) {
        (&self.payload, self.packed_from)
    }

    /// The bytes that the codec wrote, of which at most `max` are decompressed.
    ///
    /// # Errors
    ///
    /// [`Rejected::Oversized`], [`Rejected::Corrupt`] or [`Rejected::Compressed`] where they cannot be decompressed.
    pub fn payload(&self, max: usize) -> Result<Bytes, Rejected> {
        unpacked(self.payload.clone(), self.packed_from, max)
    }

    /// Its value, for which at most `max` bytes are allocated, and as many to decompress it.
    ///
    /// # Errors
    ///
    /// [`Rejected::OtherCodec`], [`Rejected::Undecodable`], or those of [`payload`](Self::payload).
    pub fn value<V: 'static>(&self, codec: &dyn DynCodec<V>, max: usize) -> Result<V, Rejected> {
        if self.codec != codec.codec_name().as_bytes() {
            return Err(Rejected::OtherCodec);
        }
        codec.decode_value(&self.payload(max)?, max).map_err(Rejected::Undecodable)
    }
}

fn unpacked(payload: Bytes, packed_from: Option<u32>, max: usize) -> Result<Bytes, Rejected> {
    let Some(length) = packed_from else { return Ok(payload) };
    let length = usize::try_from(length).map_err(|_| Rejected::Oversized)?;
    if length > max {
        return Err(Rejected::Oversized);
    }
    unpack(&payload, length)
}

#[cfg(feature = "lz4")]
fn unpack(packed: &[u8], length: usize) -> Result<Bytes, Rejected> {
    crate::codec::decompress(packed, length).map(Bytes::from).ok_or(Rejected::Corrupt)
}

#[cfg(not(feature = "lz4"))]
fn unpack(_: &[u8], _: usize) -> Result<Bytes, Rejected> {
    Err(Rejected::Compressed)
}

/// The next `length` bytes.
fn part<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Rejected> {
    let (part, after) = rest.split_at_checked(length).ok_or(Rejected::Corrupt)?;
    *rest = after;
    Ok(part)
}

/// The next `length` bytes, which are UTF-8.
fn text<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a str, Rejected> {
    str::from_utf8(part(rest, length)?).map_err(|_| Rejected::Corrupt)
}
