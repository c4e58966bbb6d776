//! The conformance kit of codecs: what every [`Codec`](crate::codec::Codec) has to do, as tests.

mod checks;
mod samples;

pub use checks::codec_checks;
pub use samples::{CodecSample, SerdeCodec};

/// Emits a module of tests that check a [`Codec`](crate::codec::Codec): values come back, encoding appends and is repeatable, no shorter and no longer
/// bytes are taken for a value, and random and damaged bytes neither panic nor hang.
///
/// With values, the codec is checked on them: `codec_suite!(Mine, u32 = [0, 1, u32::MAX])`. Without, it has to be one for all types that serde knows, is
/// checked on values of many shapes, and on such that nest too deeply, on a thread with a small stack.
///
/// It emits `mod codec_suite`; a name in front names the module, for the second in one place. The codec's type has to be nameable from where the macro
/// stands, and `Default`.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::codec::{Json, Raw};
///
/// cachekit::testing::codec_suite!(Json);
/// cachekit::testing::codec_suite!(raw_suite, Raw, String = [String::new(), "text".to_owned()]);
/// # fn main() {} // keeps the items above at the root, where the suite finds them
/// ```
#[doc(inline)]
pub use crate::__codec_suite as codec_suite;

#[doc(hidden)]
#[macro_export]
macro_rules! __codec_suite {
    ($codec:ty) => {
        $crate::testing::codec_suite!(codec_suite, $codec);
    };
    ($codec:ty, $value:ty = $values:expr) => {
        $crate::testing::codec_suite!(codec_suite, $codec, $value = $values);
    };
    ($module:ident, $codec:ty) => {
        mod $module {
            #[allow(unused_imports)] // the type may be given by an absolute path
            use super::*;

            type Subject = $codec;

            fn samples() -> Vec<$crate::testing::CodecSample> {
                $crate::testing::CodecSample::all()
            }

            $crate::__codec_suite!(@tests $crate::testing::CodecSample);

            #[test]
            fn carries_values_at_the_top() {
                $crate::testing::codec_checks::carries_values_at_the_top::<Subject>();
            }
            #[test]
            fn carries_large_values() {
                $crate::testing::codec_checks::carries_large_values::<Subject>();
            }
            #[test]
            fn refuses_what_nests_too_deeply() {
                $crate::testing::codec_checks::refuses_what_nests_too_deeply::<Subject>();
            }
            #[test]
            fn refuses_every_truncation() {
                $crate::testing::codec_checks::refuses_every_truncation::<Subject>();
            }
        }
    };
    ($module:ident, $codec:ty, $value:ty = $values:expr) => {
        mod $module {
            #[allow(unused_imports)] // the types may be given by absolute paths
            use super::*;

            type Subject = $codec;

            fn samples() -> Vec<$value> {
                ::std::iter::IntoIterator::into_iter($values).collect()
            }

            $crate::__codec_suite!(@tests $value);
        }
    };
    (@tests $value:ty) => {
        #[test]
        fn gives_back_what_it_was_given() {
            $crate::testing::codec_checks::gives_back_what_it_was_given::<Subject, $value>(&samples());
        }
        #[test]
        fn appends_the_same_each_time() {
            $crate::testing::codec_checks::appends_the_same_each_time::<Subject, $value>(&samples());
        }
        #[test]
        fn keeps_within_its_limits() {
            $crate::testing::codec_checks::keeps_within_its_limits::<Subject, $value>(&samples());
        }
        #[test]
        fn takes_nothing_else_for_a_value() {
            $crate::testing::codec_checks::takes_nothing_else_for_a_value::<Subject, $value>(&samples());
        }
        #[test]
        fn survives_random_bytes() {
            $crate::testing::codec_checks::survives_random_bytes::<Subject, $value>();
        }
        #[test]
        fn survives_damage() {
            $crate::testing::codec_checks::survives_damage::<Subject, $value>(&samples());
        }
    };
}

#[cfg(test)]
mod tests;
