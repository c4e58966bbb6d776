//! Bincode 2, by `bincode`.

use super::{
    guard::{self, Budget, Rules},
    serde_format::serde_codec,
    sink::Sink,
    too_large,
};
use crate::Error;
use ::bincode::{
    config::{self, Configuration, LittleEndian, Varint},
    serde::{encode_into_std_write, seed_decode_from_slice},
};
use serde::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, DeserializeSeed},
};
use std::marker::PhantomData;

const NAME: &str = "bincode";
const RULES: Rules = Rules::new(false, false, true);

/// A limit of its own stands in bincode's type of a configuration, so it cannot be the caller's, which the guard and the sink keep. It is the
/// second line, and values are never larger.
const LIMIT: usize = 1 << 30;

/// Bincode 2 with its standard configuration. Carries what [`Postcard`](super::Postcard) does.
///
/// Bincode is no longer developed: 2.0.1 is the last release that works, and 3.0.0 an empty one that says so. cachekit pins 2.0.1 exactly and keeps this
/// codec for those who share entries with programs that use it; for a new cache take postcard.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bincode;

fn configuration() -> Configuration<LittleEndian, Varint, config::Limit<LIMIT>> {
    config::standard().with_limit()
}

serde_codec!(Bincode, NAME, encode, decode);

fn encode<V: Serialize>(value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
    let max = max.min(LIMIT);
    encode_into_std_write(Encoding(value), &mut Sink::new(out, max), configuration())
        .map(drop)
        .map_err(|error| Error::encode(NAME, error))
}

/// bincode hands out its serializer only to what it serializes.
struct Encoding<'a, V>(&'a V);

impl<V: Serialize> Serialize for Encoding<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        guard::serialize(self.0, serializer, RULES)
    }
}

struct Decoding<'a, V> {
    budget: &'a Budget,
    input: usize,
    value: PhantomData<fn() -> V>,
}

impl<'de, V: DeserializeOwned> DeserializeSeed<'de> for Decoding<'_, V> {
    type Value = V;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V, D::Error> {
        guard::deserialize(deserializer, self.budget, self.input, RULES)
    }
}

fn decode<V: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<V, Error> {
    if bytes.len() > max {
        return Err(Error::decode(NAME, too_large(max)));
    }
    let guarded = Decoding { budget: &Budget::new(max), input: bytes.len(), value: PhantomData };
    let (value, read) =
        seed_decode_from_slice(guarded, bytes, configuration()).map_err(|error| Error::decode(NAME, error))?;
    if read == bytes.len() { Ok(value) } else { Err(Error::decode(NAME, "more bytes after the value")) }
}
