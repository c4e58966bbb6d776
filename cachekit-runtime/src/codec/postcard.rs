//! Postcard, by `postcard`.

use super::{
    guard::{self, Budget, Rules},
    serde_format::serde_codec,
    sink::Sink,
    too_large,
};
use crate::Error;
use ::postcard::{Deserializer, Serializer, ser_flavors::Flavor};
use serde::{Serialize, de::DeserializeOwned};

const NAME: &str = "postcard";
const RULES: Rules = Rules::new(false, false, false);

/// Postcard: the smallest, for types that need no names to be read.
///
/// `flatten`, `untagged`, internally tagged enums, `skip_serializing_if` and `deserialize_any` need them: such a type is told of when its first value
/// is stored in a debug build ([`verify_roundtrip`](super::verify_roundtrip)).
#[derive(Debug, Clone, Copy, Default)]
pub struct Postcard;

serde_codec!(Postcard, NAME, encode, decode);

fn encode<V: Serialize>(value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
    let mut serializer = Serializer { output: Sink::new(out, max) };
    guard::serialize(value, &mut serializer, RULES).map_err(|error| Error::encode(NAME, error))
}

impl Flavor for Sink<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> ::postcard::Result<()> {
        if self.push(data) { Ok(()) } else { Err(::postcard::Error::SerializeBufferFull) }
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> ::postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn finalize(self) -> ::postcard::Result<()> {
        Ok(())
    }
}

fn decode<V: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<V, Error> {
    if bytes.len() > max {
        return Err(Error::decode(NAME, too_large(max)));
    }
    let mut deserializer = Deserializer::from_bytes(bytes);
    let value = guard::deserialize(&mut deserializer, &Budget::new(max), bytes.len(), RULES)
        .map_err(|error| Error::decode(NAME, error))?;
    match deserializer.finalize() {
        Ok([]) => Ok(value),
        _ => Err(Error::decode(NAME, "more bytes after the value")),
    }
}
