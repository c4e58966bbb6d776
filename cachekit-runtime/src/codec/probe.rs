//! The codec of a type that no attribute names: found by method resolution, in generic code too, where only what a where-clause says is seen.

use super::{Codec, CodecHint, DynCodec, Json, erased};
use crate::{
    Error,
    cache::Builder,
    key::Unusable,
    output::{Output, OutputKind},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{marker::PhantomData, sync::Arc};

/// Asks for the codec of `V`: `(&&&CodecProbe::<V>::NEW).codec()`, the most telling first.
pub struct CodecProbe<V>(PhantomData<fn() -> V>);

impl<V> CodecProbe<V> {
    /// The only value.
    pub const NEW: Self = CodecProbe(PhantomData);

    /// Reports that the codec of the attribute is none for this type.
    #[inline]
    pub const fn needs<C: Codec<V> + Default>(&self) {}
}

/// The codec of what a cache holds, where its type cannot be written.
#[must_use]
pub fn codec_of<K, V>(_: &Builder<K, V>) -> CodecProbe<V> {
    CodecProbe::NEW
}

/// The codec of what is stored of an output.
#[must_use]
pub fn codec_of_output<R, M: OutputKind<R>>(_: &Output<R, M>) -> CodecProbe<M::Stored> {
    CodecProbe::NEW
}

/// Asks for the codec that the attribute names: `(&&NamedCodecProbe::<V, C>::NEW).codec()`.
pub struct NamedCodecProbe<V, C>(PhantomData<fn() -> (V, C)>);

impl<V, C> NamedCodecProbe<V, C> {
    /// The only value.
    pub const NEW: Self = NamedCodecProbe(PhantomData);
}

/// As [`codec_of`], where the attribute names the codec.
#[must_use]
pub fn named_codec_of<C, K, V>(_: &Builder<K, V>) -> NamedCodecProbe<V, C> {
    NamedCodecProbe::NEW
}

/// Wins where the named codec is one of the type.
pub trait ViaNamed<V> {
    /// The codec.
    fn codec(&self) -> Picked<V, true>;
}

impl<V: 'static, C: Codec<V> + Default> ViaNamed<V> for &NamedCodecProbe<V, C> {
    fn codec(&self) -> Picked<V, true> {
        Picked(erased::<V, C>)
    }
}

/// The codec of `V`; not `OK`: there is none, which [`assert_codec`] reports.
///
/// It is made when it is asked for: every call of a function picks one to have it checked, and hits allocate nothing.
pub struct Picked<V, const OK: bool>(fn() -> Arc<dyn DynCodec<V>>);

impl<V, const OK: bool> Picked<V, OK> {
    /// The codec.
    #[must_use]
    pub fn codec(self) -> Arc<dyn DynCodec<V>> {
        (self.0)()
    }
}

/// Wins where the type names its codec: [`CodecHint`].
pub trait ViaHint<V> {
    /// The codec.
    fn codec(&self) -> Picked<V, true>;
}

impl<V: CodecHint + 'static> ViaHint<V> for &&CodecProbe<V> {
    fn codec(&self) -> Picked<V, true> {
        Picked(erased::<V, V::Codec>)
    }
}

/// Wins next, where serde knows the type: [`Json`].
pub trait ViaSerde<V> {
    /// The codec.
    fn codec(&self) -> Picked<V, true>;
}

impl<V: Serialize + DeserializeOwned + 'static> ViaSerde<V> for &CodecProbe<V> {
    fn codec(&self) -> Picked<V, true> {
        Picked(erased::<V, Json>)
    }
}

/// Serves the rest.
pub trait ViaNoCodec<V> {
    /// One that carries nothing.
    fn codec(&self) -> Picked<V, false>;
}

impl<V: 'static> ViaNoCodec<V> for CodecProbe<V> {
    fn codec(&self) -> Picked<V, false> {
        Picked(erased::<V, Nothing>)
    }
}

impl<V: 'static, C> ViaNoCodec<V> for NamedCodecProbe<V, C> {
    fn codec(&self) -> Picked<V, false> {
        Picked(erased::<V, Nothing>)
    }
}

/// Where the compiler has reported that there is no codec.
#[derive(Default)]
pub struct Nothing;

/// An error has been reported elsewhere.
impl CodecHint for Unusable {
    type Codec = Nothing;
}

#[diagnostic::do_not_recommend]
impl<V> Codec<V> for Nothing {
    const NAME: &'static str = "none";

    fn encode(&self, _: &V, _: &mut Vec<u8>) -> Result<(), Error> {
        Err(Error::encode("none", "the type has no codec"))
    }

    fn decode(&self, _: &[u8]) -> Result<V, Error> {
        Err(Error::decode("none", "the type has no codec"))
    }
}

/// A value that a backend of bytes can hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a backend of bytes",
    label = "needs `serde::Serialize` and `serde::Deserialize`",
    note = "derive both for it (for a type parameter write `T: serde::Serialize + serde::de::DeserializeOwned`); or name a codec for it with `codec = …`; or use `backend = \"memory\"`"
)]
pub trait Storable<const OK: bool> {}
impl<V> Storable<true> for V {}
#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> Storable<false> for V {}

/// The one place that reports a type without a codec.
#[inline]
pub const fn assert_codec<V: Storable<OK>, const OK: bool>(_: &Picked<V, OK>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Raw;

    // As the attribute writes it.
    macro_rules! pick {
        ($type:ty) => {
            (&&&CodecProbe::<$type>::NEW).codec()
        };
    }

    macro_rules! name_of {
        ($type:ty) => {
            pick!($type).codec().codec_name()
        };
    }

    struct Hinted;

    impl CodecHint for Hinted {
        type Codec = Nothing;
    }

    /// Is hinted, and serde knows it too.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Both(u8);

    impl crate::codec::RawValue for Both {
        fn as_raw(&self) -> &[u8] {
            std::slice::from_ref(&self.0)
        }
        fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
            bytes.first().map(|byte| Both(*byte)).ok_or_else(|| Error::decode("raw", "empty"))
        }
    }

    impl CodecHint for Both {
        type Codec = Raw;
    }

    type Alias<T> = std::sync::Arc<T>;

    #[test]
    fn the_type_chooses_its_codec_also_through_an_alias() {
        assert_eq!(name_of!(u64), "json");
        assert_eq!(name_of!(Vec<String>), "json");
        assert_eq!(name_of!(Result<String, u8>), "json");
        assert_eq!(name_of!(String), "raw");
        assert_eq!(name_of!(Vec<u8>), "raw");
        assert_eq!(name_of!(Alias<str>), "raw");
        assert_eq!(name_of!(bytes::Bytes), "raw");
        assert_eq!(name_of!(Both), "raw");
        assert_eq!(name_of!(Hinted), "none");
        assert_eq!(name_of!(std::time::Instant), "none");
    }

    #[test]
    fn a_generic_function_sees_what_its_where_clause_says() {
        fn hinted<T: CodecHint + 'static>() -> &'static str {
            name_of!(T)
        }
        fn both<T: CodecHint + Serialize + DeserializeOwned + 'static>() -> &'static str {
            name_of!(T)
        }
        fn by_serde<T: Serialize + DeserializeOwned + 'static>() -> &'static str {
            name_of!(T)
        }
        fn neither<T: 'static>() -> &'static str {
            name_of!(T)
        }
        assert_eq!(hinted::<String>(), "raw");
        assert_eq!(both::<Both>(), "raw");
        assert_eq!(by_serde::<Both>(), "json");
        assert_eq!(neither::<Both>(), "none");
    }

    #[test]
    fn a_named_codec_is_taken_where_it_carries_the_type() {
        macro_rules! named {
            ($type:ty, $codec:ty) => {
                (&&NamedCodecProbe::<$type, $codec>::NEW).codec().codec().codec_name()
            };
        }
        fn by_serde<T: Serialize + DeserializeOwned + 'static>() -> &'static str {
            named!(T, Json)
        }
        assert_eq!(named!(String, Json), "json");
        assert_eq!(named!(String, Raw), "raw");
        assert_eq!(named!(u64, Raw), "none");
        assert_eq!(named!(std::time::Instant, Json), "none");
        assert_eq!(by_serde::<u64>(), "json");
    }

    #[test]
    fn a_type_with_a_codec_is_asserted_to_have_one() {
        let picked = pick!(u64);
        assert_codec(&picked);
        CodecProbe::<u64>::NEW.needs::<Json>();
        assert_eq!(picked.codec().codec_name(), "json");
    }
}
