//! The guard on the way out: what could not be read again is not written.

use super::{MAX_DEPTH, Rules};
use serde::ser::{Error, Serialize, Serializer};
use std::fmt;

/// Where in the value the guard stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    rules: Rules,
    /// How many levels may follow.
    levels: usize,
    /// Is this what a `Some` holds, in a format that writes no `Some`?
    in_some: bool,
}

impl Place {
    /// Into what the value nests.
    fn down<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Place { levels, in_some: false, ..self }),
            None => Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels"))),
        }
    }

    /// What this writes is what `None` is written as.
    fn nothing<E: Error>(&self) -> Result<(), E> {
        if self.in_some {
            return Err(E::custom("the format cannot tell a `Some` of nothing from `None`"));
        }
        Ok(())
    }

    fn float<E: Error>(&self, finite: bool) -> Result<(), E> {
        if self.rules.finite_floats && !finite {
            return Err(E::custom("the format has no infinities and no NaN"));
        }
        Ok(())
    }
}

/// A serializer, or a part of one, and where it stands.
pub(super) struct Guarded<S> {
    pub(super) inner: S,
    pub(super) place: Place,
}

impl<S> Guarded<S> {
    pub(super) fn top(inner: S, rules: Rules) -> Self {
        Guarded { inner, place: Place { rules, levels: MAX_DEPTH, in_some: false } }
    }
}

/// A value that is handed to the format, and comes back to the guard with the format's serializer.
pub(super) struct Watched<'v, T: ?Sized> {
    pub(super) value: &'v T,
    pub(super) place: Place,
}

impl<T: Serialize + ?Sized> Serialize for Watched<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Guarded { inner, place: self.place })
    }
}

macro_rules! plain {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

/// What has parts, which are one level down.
macro_rules! compound {
    ($($method:ident($($argument:ident: $type:ty),*) -> $of:ident;)*) => {$(
        #[inline]
        fn $method(self, $($argument: $type),*) -> Result<Self::$of, S::Error> {
            let place = self.place.down::<S::Error>()?;
            Ok(Guarded { inner: self.inner.$method($($argument),*)?, place })
        }
    )*};
}

impl<S: Serializer> Serializer for Guarded<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Guarded<S::SerializeSeq>;
    type SerializeTuple = Guarded<S::SerializeTuple>;
    type SerializeTupleStruct = Guarded<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Guarded<S::SerializeTupleVariant>;
    type SerializeMap = Guarded<S::SerializeMap>;
    type SerializeStruct = Guarded<S::SerializeStruct>;
    type SerializeStructVariant = Guarded<S::SerializeStructVariant>;

    plain! {
        serialize_bool(bool); serialize_char(char); serialize_str(&str);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_u128(u128);
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.place.float::<S::Error>(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.place.float::<S::Error>(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        // Formats without bytes write them as a sequence, which is a level.
        self.place.down::<S::Error>()?;
        self.inner.serialize_bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.nothing::<S::Error>()?;
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let mut place = self.place.down::<S::Error>()?;
        place.in_some = place.rules.bare_some;
        self.inner.serialize_some(&Watched { value, place })
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.nothing::<S::Error>()?;
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.place.nothing::<S::Error>()?;
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.place.down::<S::Error>()?;
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        // Formats write a newtype as what it holds.
        let place = Place { in_some: self.place.in_some, ..self.place.down::<S::Error>()? };
        self.inner.serialize_newtype_struct(name, &Watched { value, place })
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place.down::<S::Error>()?;
        self.inner.serialize_newtype_variant(name, index, variant, &Watched { value, place })
    }

    compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
    }

    // A variant is a level, and its parts another.

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let place = self.place.down::<S::Error>()?.down::<S::Error>()?;
        Ok(Guarded { inner: self.inner.serialize_tuple_variant(name, index, variant, len)?, place })
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let place = self.place.down::<S::Error>()?.down::<S::Error>()?;
        Ok(Guarded { inner: self.inner.serialize_struct_variant(name, index, variant, len)?, place })
    }

    #[inline]
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
