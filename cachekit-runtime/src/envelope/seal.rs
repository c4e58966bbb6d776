//! Writing envelopes.

use super::{CHECKSUM, FIXED, Freshness, Head, TagVersion, VERSION, checksum, flags};
use crate::{Error, backend::Address, codec::DynCodec};
use bytes::Bytes;
use std::ops::Range;

/// The most tags that an entry may have.
pub const MAX_TAGS: usize = 16;

const LENGTH: Range<usize> = 29..33;

/// All of an entry but its value.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The head: a new one for each store.
    pub head: Head,
    /// Where the entry will be.
    pub address: &'a Address,
    /// When it was made and how long it is good.
    pub freshness: Freshness,
    /// The generation of its cache, where the backend keeps one.
    pub generation: Option<u64>,
    /// At most [`MAX_TAGS`].
    pub tags: &'a [TagVersion],
    /// Compress the value, if it is large enough and becomes smaller? Without the feature `lz4` it never is.
    pub compress: bool,
}

impl Draft<'_> {
    /// The envelope of a value, of at most `max` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for a value that the codec cannot carry, for more than `max` bytes (of the envelope, or of the value before compression), and for too many
    /// tags.
    pub fn seal<V>(&self, codec: &dyn DynCodec<V>, value: &V, max: usize) -> Result<Bytes, Error>
    where
        V: 'static,
    {
        let name = codec.codec_name();
        let refused = |message: String| Error::encode(name, message);
        if self.tags.len() > MAX_TAGS {
            return Err(refused(format!("{} tags, and {MAX_TAGS} are the most", self.tags.len())));
        }
        let mut out = Vec::with_capacity(self.expected());
        let start = self.before_payload(&mut out, name).ok_or_else(|| refused("a name is too long".to_owned()))?;
        let too_large = || refused(crate::codec::too_large(max));
        codec.encode_value(value, &mut out, max.checked_sub(start).ok_or_else(too_large)?)?;
        if out.len() > max {
            return Err(too_large());
        }
        self.pack(&mut out, start);
        Self::finish(&mut out).ok_or_else(too_large)?;
        Ok(out.into())
    }

    /// What most envelopes need, so that the vector seldom moves.
    fn expected(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.name.len().saturating_add(10)).sum();
        FIXED.saturating_add(self.address.whole_id().len()).saturating_add(tags).saturating_add(256)
    }

    /// Everything before the payload; where that begins. `None`: something is too long for its length field.
    fn before_payload(&self, out: &mut Vec<u8>, codec: &str) -> Option<usize> {
        let optional = [
            (flags::TTL, self.freshness.ttl),
            (flags::REVALIDATE, self.freshness.revalidate),
            (flags::IF_ERROR, self.freshness.if_error),
            (flags::GENERATION, self.generation),
        ];
        let flags = optional.iter().filter(|(_, value)| value.is_some()).fold(0, |all, (flag, _)| all | flag);
        let has_soft = self.tags.iter().any(|tag| tag.soft != 0);
        let flags = if has_soft { flags | flags::SOFT } else { flags };
        let id = self.address.whole_id();
        out.extend_from_slice(&self.head.witness().0);
        out.push(VERSION);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&u16::to_le_bytes(flags));
        out.push(u8::try_from(self.tags.len()).ok()?);
        out.push(u8::try_from(codec.len()).ok()?);
        out.extend_from_slice(&u32::try_from(id.len()).ok()?.to_le_bytes());
        out.extend_from_slice(&self.freshness.created.to_le_bytes());
        out.extend_from_slice(&self.address.fingerprint().0.to_le_bytes());
        for (_, value) in optional {
            out.extend(value.iter().flat_map(|value| value.to_le_bytes()));
        }
        out.extend_from_slice(codec.as_bytes());
        out.extend_from_slice(id.as_bytes());
        for tag in self.tags {
            out.extend_from_slice(&u16::try_from(tag.name.len()).ok()?.to_le_bytes());
            out.extend_from_slice(tag.name.as_bytes());
            out.extend_from_slice(&tag.version.to_le_bytes());
            if has_soft {
                out.extend_from_slice(&tag.soft.to_le_bytes());
            }
        }
        Some(out.len())
    }

    /// Behind everything before the payload, whose length may stand in it.
    fn finish(out: &mut [u8]) -> Option<()> {
        let length = u32::try_from(out.len()).ok()?;
        put(out, LENGTH, &length.to_le_bytes());
        let sum = checksum(out);
        put(out, CHECKSUM, &sum.to_le_bytes());
        Some(())
    }

    /// Compresses the payload in place, if that is asked for and worth it.
    #[cfg(feature = "lz4")]
    fn pack(&self, out: &mut Vec<u8>, start: usize) {
        const WIDTH: usize = size_of::<u32>();
        let Some(payload) = out.get(start..).filter(|_| self.compress) else { return };
        let Ok(length) = u32::try_from(payload.len()) else { return };
        // The length has to be saved too.
        let Some(packed) = crate::codec::compress(payload).filter(|packed| packed.len() + WIDTH < payload.len()) else {
            return;
        };
        out.truncate(start);
        out.extend_from_slice(&packed);
        mark_packed(out, length);
    }

    #[cfg(not(feature = "lz4"))]
    fn pack(&self, _: &mut Vec<u8>, _: usize) {}
}

/// Says that the payload is compressed, and how long it was before.
#[cfg(any(feature = "lz4", feature = "inspect"))]
fn mark_packed(out: &mut Vec<u8>, length: u32) {
    const FLAGS: Range<usize> = 33..35;
    out.splice(FIXED..FIXED, length.to_le_bytes());
    if let Some(low) = out.get_mut(FLAGS.start) {
        *low |= flags::LZ4.to_le_bytes()[0];
    }
}

/// The entry with another head and in other terms; its value byte by byte. `None`: it would be too long.
#[cfg(feature = "inspect")]
pub(crate) fn rewrite(envelope: &super::Envelope, head: Head, terms: &super::Terms) -> Option<Bytes> {
    let address = Address::from_id(envelope.id(), envelope.fingerprint())?;
    let super::Terms { freshness, generation, tags } = terms;
    let (freshness, generation) = (*freshness, *generation);
    let draft = Draft { head, address: &address, freshness, generation, tags, compress: false };
    let (payload, packed_from) = envelope.as_stored();
    let mut out = Vec::with_capacity(draft.expected() + payload.len());
    draft.before_payload(&mut out, envelope.codec()).filter(|_| tags.len() <= MAX_TAGS)?;
    if let Some(length) = packed_from {
        mark_packed(&mut out, length);
    }
    out.extend_from_slice(payload);
    Draft::finish(&mut out)?;
    Some(out.into())
}

/// Into what has been left free for it.
fn put(out: &mut [u8], at: Range<usize>, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at).filter(|place| place.len() == bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
