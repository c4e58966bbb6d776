//! Bytes and strings as they are.

use super::{Codec, too_large};
use crate::{
    Error,
    identity::{self, Identity},
};
use bytes::Bytes;
use std::{borrow::Cow, rc::Rc, sync::Arc};

const NAME: &str = "raw";

/// Bytes and strings as they are. A `Bytes` that is decoded shares the memory of its entry.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

/// A value that is nothing but bytes: what [`Raw`] carries.
pub trait RawValue: Sized {
    /// What the bytes are. Values of one kind read each other's entries.
    const KIND: &'static str = "bytes";

    /// The bytes.
    fn as_raw(&self) -> &[u8];

    /// The value of the bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] for bytes that are none of its values, such as a string that is not UTF-8.
    fn from_raw(bytes: &[u8]) -> Result<Self, Error>;

    /// As [`from_raw`](Self::from_raw), for values that can share the bytes.
    ///
    /// # Errors
    ///
    /// As `from_raw`.
    fn from_shared(bytes: &Bytes) -> Result<Self, Error> {
        Self::from_raw(bytes)
    }
}

#[diagnostic::do_not_recommend]
impl<V: RawValue> Codec<V> for Raw {
    const NAME: &'static str = NAME;

    fn identity(version: Option<u64>, tag_templates: &[&str]) -> Identity {
        identity::raw(V::KIND, NAME, version, tag_templates)
    }

    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(value.as_raw());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<V, Error> {
        V::from_raw(bytes)
    }

    fn encode_within(&self, value: &V, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        if value.as_raw().len() > max {
            return Err(Error::encode(NAME, too_large(max)));
        }
        self.encode(value, out)
    }

    fn decode_within(&self, bytes: &Bytes, max: usize) -> Result<V, Error> {
        if bytes.len() > max {
            return Err(Error::decode(NAME, too_large(max)));
        }
        V::from_shared(bytes)
    }
}

impl RawValue for Bytes {
    fn as_raw(&self) -> &[u8] {
        self
    }
    fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Bytes::copy_from_slice(bytes))
    }
    fn from_shared(bytes: &Bytes) -> Result<Self, Error> {
        Ok(bytes.clone())
    }
}

macro_rules! bytes {
    ($($type:ty)*) => {$(
        impl RawValue for $type {
            fn as_raw(&self) -> &[u8] {
                self
            }
            fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
                Ok(bytes.to_vec().into())
            }
        }
    )*};
}

macro_rules! strings {
    ($($type:ty)*) => {$(
        impl RawValue for $type {
            const KIND: &'static str = "string";
            fn as_raw(&self) -> &[u8] {
                self.as_bytes()
            }
            fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
                let text = std::str::from_utf8(bytes).map_err(|error| Error::decode(NAME, error))?;
                Ok(text.to_owned().into())
            }
        }
    )*};
}

bytes! { Vec<u8> Box<[u8]> Arc<[u8]> Rc<[u8]> Cow<'static, [u8]> }
strings! { String Box<str> Arc<str> Rc<str> Cow<'static, str> }

impl<const N: usize> RawValue for [u8; N] {
    fn as_raw(&self) -> &[u8] {
        self
    }
    fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map_err(|_| Error::decode(NAME, format_args!("{} bytes instead of {N}", bytes.len())))
    }
}

impl<T: RawValue> RawValue for Arc<T> {
    const KIND: &'static str = T::KIND;
    fn as_raw(&self) -> &[u8] {
        (**self).as_raw()
    }
    fn from_raw(bytes: &[u8]) -> Result<Self, Error> {
        T::from_raw(bytes).map(Arc::new)
    }
    fn from_shared(bytes: &Bytes) -> Result<Self, Error> {
        T::from_shared(bytes).map(Arc::new)
    }
}
