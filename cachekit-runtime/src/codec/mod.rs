//! How values become bytes and come back: [`Codec`], the built-in ones, and the choice between them.
//!
//! | codec | feature | carries |
//! |---|---|---|
//! | [`Json`] | `backend` | what serde's derives make, self-describing; no NaN, no infinities, no `Some` of nothing |
//! | [`MsgPack`] | `msgpack` | the same, smaller; no `Some` of nothing |
//! | [`Postcard`] | `postcard` | the smallest; no `flatten`, `untagged`, internally tagged enums, `skip_serializing_if` |
//! | [`Bincode`] | `bincode` | as postcard |
//! | [`Raw`] | `backend` | bytes and strings as they are |
//!
//! A value's type names its codec by [`CodecHint`]; bytes and strings name [`Raw`]; everything else is [`Json`] unless said otherwise.

#[cfg(feature = "bincode")]
mod bincode;
mod dynamic;
pub mod guard;
mod hint;
mod json;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "postcard")]
mod postcard;
mod probe;
mod raw;
mod roundtrip;
mod serde_format;
mod sink;

#[cfg(feature = "bincode")]
pub use self::bincode::Bincode;
#[cfg(feature = "msgpack")]
pub use self::msgpack::MsgPack;
#[cfg(feature = "postcard")]
pub use self::postcard::Postcard;
pub use dynamic::{DynCodec, erase, erased};
pub use hint::CodecHint;
pub use json::Json;
#[doc(hidden)]
pub use probe::{
    CodecProbe, NamedCodecProbe, Picked, Storable, ViaHint, ViaNamed, ViaNoCodec, ViaSerde, assert_codec, codec_of,
    codec_of_output, named_codec_of,
};
pub use raw::{Raw, RawValue};
pub use roundtrip::verify_roundtrip;

#[cfg(feature = "lz4")]
pub(crate) use lz4::{compress, decompress};

use crate::{
    Error,
    identity::{self, Identity},
};
use bytes::Bytes;

/// The most bytes that an entry may take, and that decoding it may allocate, unless said otherwise: 256 MiB.
pub const DEFAULT_MAX_VALUE_BYTES: usize = 256 << 20;

/// How values of type `V` become bytes and come back.
///
/// Only [`encode`](Self::encode) and [`decode`](Self::decode) have to be written; `testing::codec_suite!` checks an implementation. For the attribute's
/// `codec = path` the type has to be `Default` too.
///
/// What has been encoded is never taken apart by another codec: the name is a part of the entries' fingerprint. A change of the format
/// needs another name.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Error, codec::Codec};
///
/// /// Colours as six hexadecimal digits.
/// #[derive(Default)]
/// struct Hex;
///
/// impl Codec<u32> for Hex {
///     const NAME: &'static str = "hex";
///
///     fn encode(&self, value: &u32, out: &mut Vec<u8>) -> Result<(), Error> {
///         out.extend_from_slice(format!("{value:06x}").as_bytes());
///         Ok(())
///     }
///
///     fn decode(&self, bytes: &[u8]) -> Result<u32, Error> {
///         let digits = std::str::from_utf8(bytes).map_err(|error| Error::decode("hex", error))?;
///         u32::from_str_radix(digits, 16).map_err(|error| Error::decode("hex", error))
///     }
/// }
///
/// let mut bytes = Vec::new();
/// Hex.encode(&0x00ff_80, &mut bytes).unwrap();
/// assert_eq!(bytes, b"00ff80");
/// assert_eq!(Hex.decode(&bytes).unwrap(), 0x00ff_80);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot encode `{V}`",
    label = "not a codec of this value",
    note = "for the codecs of serde derive `serde::Serialize` and `serde::Deserialize` for it; `Raw` takes bytes and strings; or implement `cachekit::codec::Codec` for a type of your own"
)]
pub trait Codec<V>: Send + Sync + 'static {
    /// What entries and messages call it: short, without spaces.
    const NAME: &'static str;

    /// What tells the entries of these values from those of another shape of program. Of values that are not [`Deserialize`](serde::Deserialize) nothing
    /// but the name of the type is known.
    #[must_use]
    fn identity(version: Option<u64>, tag_templates: &[&str]) -> Identity
    where
        Self: Sized,
    {
        identity::untraced::<V>(Self::NAME, version, tag_templates)
    }

    /// Appends the bytes of the value.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for a value that the format cannot carry. Such a value is not stored; what was appended is dropped.
    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), Error>;

    /// The value of these bytes, all of them.
    ///
    /// The bytes come from a place that others may write to: whatever they are, no panic, no overflow of the stack, and no allocation on the mere word
    /// of a length.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] for bytes that [`encode`](Self::encode) does not make.
    fn decode(&self, bytes: &[u8]) -> Result<V, Error>;

    /// As [`encode`](Self::encode), with at most `max` bytes appended; fewer, where decoding them needs memory beside that of the value.
    ///
    /// # Errors
    ///
    /// Those of `encode`, and [`Error::Encode`] for a value that takes more.
    fn encode_within(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        let before = out.len();
        self.encode(value, out)?;
        if out.len().saturating_sub(before) > max {
            return Err(Error::encode(Self::NAME, too_large(max)));
        }
        Ok(())
    }

    /// As [`decode`](Self::decode), with at most `max` bytes allocated. The bytes are shared: a value may keep them instead of a copy.
    ///
    /// # Errors
    ///
    /// Those of `decode`, and [`Error::Decode`] for bytes that are more, or would become more.
    fn decode_within(&self, bytes: &Bytes, max: usize) -> Result<V, Error> {
        if bytes.len() > max {
            return Err(Error::decode(Self::NAME, too_large(max)));
        }
        self.decode(bytes)
    }
}

pub(crate) fn too_large(max: usize) -> String {
    format!("larger than the {max} bytes that `max_value_bytes` allows")
}

#[cfg(test)]
mod tests;
