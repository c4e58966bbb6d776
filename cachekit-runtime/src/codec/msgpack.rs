//! MessagePack, by `rmp-serde`.

use super::{
    Codec, DEFAULT_MAX_VALUE_BYTES,
    guard::{self, Budget, Rules},
    sink::Sink,
    too_large,
};
use crate::{
    Error,
    identity::{self, Identity},
};
use bytes::Bytes;
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

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> Codec<V> for MsgPack {
    const NAME: &'static str = NAME;

    fn identity(version: Option<u64>, tag_templates: &[&str]) -> Identity {
        identity::fingerprint::<V>(NAME, version, tag_templates)
    }

    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), Error> {
        self.encode_within(value, out, DEFAULT_MAX_VALUE_BYTES)
    }

    fn decode(&self, bytes: &[u8]) -> Result<V, Error> {
        decode(bytes, DEFAULT_MAX_VALUE_BYTES)
    }

    fn encode_within(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        let mut serializer = rmp_serde::Serializer::new(Sink::new(out, max)).with_struct_map();
        guard::serialize(value, &mut serializer, RULES).map_err(|error| Error::encode(NAME, error))
    }

    fn decode_within(&self, bytes: &Bytes, max: usize) -> Result<V, Error> {
        decode(bytes, max)
    }
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
