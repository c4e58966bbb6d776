//! JSON, by `serde_json`.

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
use serde::{Serialize, de::DeserializeOwned};

const NAME: &str = "json";
const RULES: Rules = Rules::new(true, true, false);

/// JSON: readable by everyone and everything that serde's derives make, with the keys of maps as strings. The codec of values that name none.
///
/// Refused when they are stored, since they would come back as something else: NaN and infinities (`null` in JSON), and a `Some` of `None` or of
/// `()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> Codec<V> for Json {
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
        let mut serializer = serde_json::Serializer::new(Sink::new(out, max));
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
    if bytes.last().is_some_and(u8::is_ascii_whitespace) {
        return Err(Error::decode(NAME, "more bytes after the value"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = guard::deserialize(&mut deserializer, &Budget::new(max), bytes.len(), RULES);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| Error::decode(NAME, error))
}
