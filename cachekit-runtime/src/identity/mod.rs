//! What makes the address of an entry: the [fingerprint](fingerprint()) of its value's shape, and the [text] of its key and
//! names.
//!
//! `docs/identity.md` says it to users.

mod executable;
pub mod shape;
#[cfg(test)]
mod tests;
pub mod text;

pub use shape::{Opaque, Shape};

use crate::backend::Fingerprint;
use serde::de::DeserializeOwned;
use std::any::type_name;

/// The rules by which fingerprints are made. Another number makes all entries of older programs unseen.
const FORMAT: &str = "cachekit fingerprint 1";

/// What tells the entries of a cache from those of another shape of program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The fingerprint of every entry.
    pub fingerprint: Fingerprint,
    /// Every build of the program has another fingerprint, because the shape is not fully known and no `version` was given.
    pub is_tied_to_executable: bool,
    /// Why the shape is not fully known.
    pub opaque: Option<Opaque>,
}

/// The identity of values whose shape can be traced: `V`'s [`Shape`], the codec, `version` and the templates of the tags.
///
/// Where the shape is [`Opaque`], a hash of the executable is part of it, unless there is a `version`. Takes up to some milliseconds; meant to be
/// called once per cache.
#[must_use]
pub fn fingerprint<V: DeserializeOwned>(codec: &str, version: Option<u64>, tag_templates: &[&str]) -> Identity {
    let shape = Shape::of::<V>();
    identity("traced", shape.digest(), shape.opaque(), codec, version, tag_templates)
}

/// The identity of values that are stored as they are; `kind` says as what: `"bytes"`, `"string"`.
#[must_use]
pub fn raw(kind: &str, codec: &str, version: Option<u64>, tag_templates: &[&str]) -> Identity {
    identity("raw", kind.as_bytes(), None, codec, version, tag_templates)
}

/// The identity of values that are not `Deserialize`, which a codec of the user's writes. Of their shape nothing but the name of the type is
/// known, so that they are tied to the executable unless there is a `version`.
#[must_use]
pub fn untraced<V: ?Sized>(codec: &str, version: Option<u64>, tag_templates: &[&str]) -> Identity {
    identity("named", type_name::<V>().as_bytes(), Some(Opaque::Untraced), codec, version, tag_templates)
}

fn identity(
    kind: &str,
    shape: &[u8],
    opaque: Option<Opaque>,
    codec: &str,
    version: Option<u64>,
    tag_templates: &[&str],
) -> Identity {
    let is_tied_to_executable = opaque.is_some() && version.is_none();
    let mut hasher = blake3::Hasher::new();
    // Each part with its length before it: no two lists of parts are written alike.
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(FORMAT.as_bytes());
    part(kind.as_bytes());
    part(shape);
    part(codec.as_bytes());
    // `None` is `Some(0)` for shapes that are known: giving the default changes nothing.
    part(&version.unwrap_or(0).to_le_bytes());
    part(if is_tied_to_executable { executable::digest() } else { &[] });
    for template in tag_templates {
        part(template.as_bytes());
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    Identity { fingerprint: Fingerprint(u64::from_le_bytes(bytes)), is_tied_to_executable, opaque }
}
