//! MessagePack, by `rmp-serde`.

use super::{
    guard::{self, Budget, Rules},
    serde_format::serde_codec,
    sink::Sink,
    too_large,
};
use crate::Error;
use rmp_serde::decode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::ErrorKind;

const NAME: &str = "msgpack";
const RULES: Rules = Rules::new(false, true, false);

/// MessagePack with the names of fields, so that it carries what JSON does: `flatten`, `untagged` and `skip_serializing_if` too, and NaN besides.
///
/// Refused when they are stored, since they would come back as `None`: a `Some` of `None` or of `()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MsgPack;

serde_codec!(MsgPack, NAME, encode, decode);

fn encode<V: Serialize>(value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
    let mut serializer = rmp_serde::Serializer::new(Sink::new(out, max)).with_struct_map();
    guard::serialize(value, &mut serializer, RULES).map_err(|error| Error::encode(NAME, error))
}

fn decode<V: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<V, Error> {
    if bytes.len() > max {
        return Err(Error::decode(NAME, too_large(max)));
    }
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    let value = guard::deserialize(&mut deserializer, &Budget::new(max), bytes.len(), RULES)
        .map_err(|error| Error::decode(NAME, error))?;
    // A reader of a slice does not say what is left, but it does not find another value in nothing.
    match <()>::deserialize(&mut deserializer) {
        Err(decode::Error::InvalidMarkerRead(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(value),
        _ => Err(Error::decode(NAME, "more bytes after the value")),
    }
}
