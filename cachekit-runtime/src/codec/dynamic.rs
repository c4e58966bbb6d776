//! Codecs whose type is not known: what a cache holds.

use super::Codec;
use crate::{Error, identity::Identity};
use bytes::Bytes;
use std::sync::Arc;

/// A [`Codec`] of `V` behind a pointer. Implemented for all of them.
pub trait DynCodec<V>: Send + Sync + 'static {
    /// What entries and messages call it.
    fn codec_name(&self) -> &'static str;

    /// What tells the entries of these values from those of another shape of program.
    fn identity(&self, version: Option<u64>, tag_templates: &[&str]) -> Identity;

    /// Appends at most `max` bytes of the value.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for a value that the format cannot carry, or that takes more. What was appended is of no use then.
    fn encode_value(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error>;

    /// The value of these bytes, with at most `max` bytes allocated.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] for bytes that are not of this format and type, are more, or would become more.
    fn decode_value(&self, bytes: &Bytes, max: usize) -> Result<V, Error>;
}

impl<V, C: Codec<V>> DynCodec<V> for C {
    fn codec_name(&self) -> &'static str {
        C::NAME
    }

    fn identity(&self, version: Option<u64>, tag_templates: &[&str]) -> Identity {
        C::identity(version, tag_templates)
    }

    fn encode_value(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        self.encode_within(value, out, max)
    }

    fn decode_value(&self, bytes: &Bytes, max: usize) -> Result<V, Error> {
        self.decode_within(bytes, max)
    }
}

/// Puts a codec behind a pointer.
pub fn erase<V: 'static, C: Codec<V>>(codec: C) -> Arc<dyn DynCodec<V>> {
    Arc::new(codec)
}

/// Puts a codec that is named by its type behind a pointer.
#[must_use]
pub fn erased<V: 'static, C: Codec<V> + Default>() -> Arc<dyn DynCodec<V>> {
    erase(C::default())
}
