//! JSON, by `serde_json`.

use super::{
    guard::{self, Budget, Rules},
    serde_format::serde_codec,
    sink::Sink,
    too_large,
};
use crate::Error;
use serde::{Serialize, de::DeserializeOwned};

const NAME: &str = "json";
const RULES: Rules = Rules::new(true, true, false);

/// Beside the value serde_json takes memory for a string with escapes, up to three times its length while it grows, and for the message of an error that quotes
/// a string. So text of a sixteenth of the limit leaves half of it for the value.
const TEXT: usize = 16;

/// Shorter text may be quoted as it is, with six characters for one.
const SHORT: usize = 512;

/// JSON: readable by everyone and everything that serde's derives make, with the keys of maps as strings. The codec of values that name none.
///
/// The text may take a sixteenth of `max_value_bytes`, because reading it takes memory beside the value's.
///
/// Refused when they are stored, since they would come back as something else: NaN and infinities (`null` in JSON), and a `Some` of `None` or of
/// `()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

serde_codec!(Json, NAME, encode, decode);

fn encode<V: Serialize>(value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
    let before = out.len();
    let mut serializer = serde_json::Serializer::new(Sink::new(out, max / TEXT));
    guard::serialize(value, &mut serializer, RULES).map_err(|error| Error::encode(NAME, error))?;
    if too_strange(out.get(before..).unwrap_or_default(), max) {
        return Err(Error::encode(NAME, UNPRINTABLE));
    }
    Ok(())
}

fn decode<V: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<V, Error> {
    if bytes.len() > max / TEXT {
        return Err(Error::decode(NAME, too_large(max / TEXT)));
    }
    if too_strange(bytes, max) {
        return Err(Error::decode(NAME, UNPRINTABLE));
    }
    if bytes.last().is_some_and(u8::is_ascii_whitespace) {
        return Err(Error::decode(NAME, "more bytes after the value"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = guard::deserialize(&mut deserializer, &Budget::new(max / 2), bytes.len(), RULES);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| Error::decode(NAME, error))
}

const UNPRINTABLE: &str = "large, and mostly of characters that cannot be printed";

/// Would quoting long text take much more than the text does?
fn too_strange(text: &[u8], max: usize) -> bool {
    let more = |c: char| if c < '\x7f' { 0 } else { c.escape_debug().len().saturating_sub(c.len_utf8()) };
    text.len() > max / SHORT
        && text.utf8_chunks().flat_map(|chunk| chunk.valid().chars()).map(more).sum::<usize>() > text.len() / 4
}
