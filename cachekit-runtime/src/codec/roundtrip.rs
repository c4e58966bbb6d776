//! What a format cannot carry is found by decoding what was encoded.

use super::DynCodec;
use crate::Error;
use bytes::Bytes;

/// Decodes what was encoded of a value, and encodes that again: the two must have the same bytes, in whatever order, because maps and sets come back in
/// another.
///
/// Formats without names lose `#[serde(flatten)]`, `untagged`, `skip_serializing_if` and the like, some with an error and some with another value. To be called
/// with the first value that a cache stores in a debug build; it costs a decode and an encode.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::codec::{Json, erased, verify_roundtrip};
///
/// let codec = erased::<Vec<u64>, Json>();
/// let mut encoded = Vec::new();
/// codec.encode_value(&vec![1, 2], &mut encoded, 10_000).unwrap();
/// verify_roundtrip(&*codec, &encoded.into(), 10_000).unwrap();
/// ```
///
/// # Errors
///
/// [`Error::Decode`] that says what went wrong, in the first or the second decode.
pub fn verify_roundtrip<V: 'static>(codec: &dyn DynCodec<V>, encoded: &Bytes, max: usize) -> Result<(), Error> {
    let failed = |what: &str, message: String| {
        Error::decode(codec.codec_name(), format_args!("this type does not survive the format, {what}: {message}"))
    };
    let value =
        codec.decode_value(encoded, max).map_err(|error| failed("what was encoded is not decoded", cause(error)))?;
    let mut again = Vec::with_capacity(encoded.len());
    codec
        .encode_value(&value, &mut again, max)
        .map_err(|error| failed("what was decoded is not encoded", cause(error)))?;
    if again.len() != encoded.len() {
        return Err(failed(
            "it comes back as another value",
            format!("{} bytes became {}", encoded.len(), again.len()),
        ));
    }
    if counts(&again) != counts(encoded) {
        return Err(failed("it comes back as another value", "other bytes".to_owned()));
    }
    Ok(())
}

fn cause(error: Error) -> String {
    match error {
        Error::Encode { message, .. } | Error::Decode { message, .. } => message,
        other => other.to_string(),
    }
}

/// How often each byte occurs.
fn counts(bytes: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    counts
}
