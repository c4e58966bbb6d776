//! Types that name their codec.

use super::{Codec, Raw};
use bytes::Bytes;
use std::{borrow::Cow, sync::Arc};

/// A type of values that names the codec of the caches that hold it, unless their attribute names one.
///
/// In a generic function it counts only if a where-clause says so; otherwise the codec there is JSON for whatever type it is called with.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Error, codec::{Codec, CodecHint}};
///
/// struct Point(u8, u8);
///
/// #[derive(Default)]
/// struct TwoBytes;
///
/// impl Codec<Point> for TwoBytes {
///     const NAME: &'static str = "point";
///     fn encode(&self, value: &Point, out: &mut Vec<u8>) -> Result<(), Error> {
///         out.extend([value.0, value.1]);
///         Ok(())
///     }
///     fn decode(&self, bytes: &[u8]) -> Result<Point, Error> {
///         match bytes {
///             [x, y] => Ok(Point(*x, *y)),
///             _ => Err(Error::decode("point", "not two bytes")),
///         }
///     }
/// }
///
/// impl CodecHint for Point {
///     type Codec = TwoBytes;
/// }
/// ```
pub trait CodecHint: Sized {
    /// The codec.
    type Codec: Codec<Self> + Default;
}

macro_rules! raw {
    ($($type:ty)*) => {$(
        impl CodecHint for $type {
            type Codec = Raw;
        }
    )*};
}

raw! {
    Bytes Vec<u8> Box<[u8]> Arc<[u8]> Cow<'static, [u8]> Arc<Vec<u8>> Arc<Bytes>
    String Box<str> Arc<str> Cow<'static, str> Arc<String>
}
