//! What the codecs of serde's formats have in common.

/// Makes a type the codec of one of serde's formats, out of a function that writes within a limit and one that reads within it.
///
/// A macro and not a trait behind the [`Codec`](super::Codec) trait: what a value lacks is to be said of its own type.
macro_rules! serde_codec {
    ($codec:ty, $name:expr, $encode:path, $decode:path) => {
        #[diagnostic::do_not_recommend]
        impl<V: serde::Serialize + serde::de::DeserializeOwned> $crate::codec::Codec<V> for $codec {
            const NAME: &'static str = $name;

            fn identity(version: Option<u64>, tag_templates: &[&str]) -> $crate::identity::Identity {
                $crate::identity::fingerprint::<V>($name, version, tag_templates)
            }

            fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), $crate::Error> {
                $encode(value, out, $crate::codec::DEFAULT_MAX_VALUE_BYTES)
            }

            fn decode(&self, bytes: &[u8]) -> Result<V, $crate::Error> {
                $decode(bytes, $crate::codec::DEFAULT_MAX_VALUE_BYTES)
            }

            fn encode_within(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), $crate::Error> {
                $encode(value, out, max)
            }

            fn decode_within(&self, bytes: &bytes::Bytes, max: usize) -> Result<V, $crate::Error> {
                $decode(bytes, max)
            }
        }
    };
}

pub(super) use serde_codec;
