//! An entry as another backend has to hold it.

use crate::{
    backend::Address,
    envelope::{Envelope, Freshness, Head, Rejected, TagVersion, Terms, rewrite},
};
use bytes::Bytes;

/// What an entry has of the backend that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// When it was made by the clock of the backend, and how long it is good.
    pub freshness: Freshness,
    /// The generation of its cache there; `None` for a backend without.
    pub generation: Option<u64>,
    /// Its tags with the versions there.
    pub tags: Vec<TagVersion>,
}

/// The entry with another setting and a head of its own. Key and codec are as they were, the value byte by byte.
///
/// # Errors
/// [`Rejected::OtherKey`] where the entry is not of this address, [`Rejected::Oversized`] where it does not fit.
pub fn reseal(envelope: &Envelope, address: &Address, setting: &Setting) -> Result<Bytes, Rejected> {
    if !envelope.is_of(address) {
        return Err(Rejected::OtherKey);
    }
    let Setting { freshness, generation, tags } = setting.clone();
    rewrite(envelope, Head::value(), &Terms { freshness, generation, tags }).ok_or(Rejected::Oversized)
}
