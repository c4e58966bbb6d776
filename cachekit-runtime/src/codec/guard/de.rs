//! The guard on the way in.

use super::{Budget, MAX_DEPTH, Rules, elements::Elements, error::Short};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::fmt;

/// Where in the value the guard stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'b> {
    pub(super) budget: &'b Budget,
    rules: Rules,
    /// How many levels may follow.
    levels: usize,
    /// How many bytes are paid for already, where this value will be. One that is larger will be behind a pointer.
    room: usize,
    /// Are there as many elements as the input says? Those of structs and tuples are part of them, and paid for.
    pub(super) many: bool,
}

impl<'b> Place<'b> {
    /// Into what the value nests.
    fn down<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Place { levels, ..self }),
            None => Err(too_deep()),
        }
    }

    /// To the making of a `T`.
    fn make<T, E: Error>(self, many: bool) -> Result<Self, E> {
        let size = size_of::<T>();
        if size > self.room && !self.budget.charge(size) {
            return Err(self.exceeded());
        }
        Ok(Place { room: size, many, ..self })
    }

    /// For a value that will be kept in a part of what is made here.
    #[inline]
    pub(super) fn seed<'de, S: DeserializeSeed<'de>>(self, inner: S) -> Watched<'b, S> {
        Watched { inner, place: Place { room: size_of::<S::Value>(), ..self } }
    }

    fn text<E: Error>(&self, length: usize) -> Result<(), E> {
        if self.budget.charge(length) { Ok(()) } else { Err(self.exceeded()) }
    }

    #[cold]
    pub(super) fn exceeded<E: Error>(&self) -> E {
        E::custom(self.budget.exceeded())
    }
}

#[cold]
fn too_deep<E: Error>() -> E {
    E::custom(format_args!("nested deeper than {MAX_DEPTH} levels"))
}

/// A deserializer, or an access to variants, and where it stands.
pub(super) struct Guarded<'b, D> {
    inner: D,
    place: Place<'b>,
}

impl<'b, D> Guarded<'b, D> {
    fn new(inner: D, place: Place<'b>) -> Self {
        Guarded { inner, place }
    }

    pub(super) fn top(inner: D, budget: &'b Budget, rules: Rules, room: usize) -> Self {
        Guarded { inner, place: Place { budget, rules, levels: MAX_DEPTH, room, many: false } }
    }
}

macro_rules! forward {
    ($many:literal: $($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Short<D::Error>> {
            let place = self.place.make::<V::Value, Self::Error>($many)?;
            self.inner.$method($($argument,)* Watched { inner: visitor, place }).map_err(Short)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = Short<D::Error>;

    forward! { true:
        deserialize_any(); deserialize_ignored_any(); deserialize_seq(); deserialize_map(); deserialize_bytes();
    }

    forward! { false:
        deserialize_bool(); deserialize_char(); deserialize_f32(); deserialize_f64();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64(); deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64(); deserialize_u128();
        deserialize_str(); deserialize_unit(); deserialize_option();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Short<D::Error>> {
        if self.place.rules.borrow_only {
            return self.deserialize_str(visitor);
        }
        let place = self.place.make::<V::Value, Self::Error>(false)?;
        self.inner.deserialize_string(Watched { inner: visitor, place }).map_err(Short)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Short<D::Error>> {
        if self.place.rules.borrow_only {
            return self.deserialize_bytes(visitor);
        }
        let place = self.place.make::<V::Value, Self::Error>(true)?;
        self.inner.deserialize_byte_buf(Watched { inner: visitor, place }).map_err(Short)
    }

    // Names of fields and variants are compared and nothing else.
    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.inner.deserialize_identifier(Named(visitor)).map_err(Short)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// A visitor or seed that guards what it is shown.
pub(super) struct Watched<'b, T> {
    inner: T,
    place: Place<'b>,
}

macro_rules! visits {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method::<Short<E>>(value).map_err(|error| error.0)
        }
    )*};
}

macro_rules! names {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method::<Short<E>>(value).map_err(|error| error.0)
        }
    )*};
}

macro_rules! visits_text {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.place.text::<E>(value.len())?;
            self.inner.$method::<Short<E>>(value).map_err(|error| error.0)
        }
    )*};
}

macro_rules! nests {
    ($($method:ident($access:ident): $guard:path;)*) => {$(
        #[inline]
        fn $method<A: $access<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
            let place = self.place.down::<A::Error>()?;
            self.inner.$method($guard(inner, place)).map_err(|error| error.0)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visits! {
        visit_bool(bool); visit_char(char); visit_f32(f32); visit_f64(f64);
        visit_i8(i8); visit_i16(i16); visit_i32(i32); visit_i64(i64); visit_i128(i128);
        visit_u8(u8); visit_u16(u16); visit_u32(u32); visit_u64(u64); visit_u128(u128);
    }

    visits_text! {
        visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
        visit_bytes(&[u8]); visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>);
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none::<Short<E>>().map_err(|error| error.0)
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit::<Short<E>>().map_err(|error| error.0)
    }

    nests! {
        visit_some(Deserializer): Guarded::new;
        visit_newtype_struct(Deserializer): Guarded::new;
        visit_seq(SeqAccess): Elements::new;
        visit_map(MapAccess): Elements::new;
        visit_enum(EnumAccess): Guarded::new;
    }
}

/// The visitor of a name.
struct Named<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Named<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    names! {
        visit_bool(bool); visit_char(char); visit_f32(f32); visit_f64(f64);
        visit_i8(i8); visit_i16(i16); visit_i32(i32); visit_i64(i64); visit_u8(u8); visit_u16(u16); visit_u32(u32); visit_u64(u64);
        visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
        visit_bytes(&[u8]); visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>);
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guarded { inner, place: self.place }).map_err(|error| error.0)
    }
}

impl<'b, A> Guarded<'b, A> {
    /// For a value that will be kept in `S`.
    #[inline]
    fn seed<'de, S: DeserializeSeed<'de>>(&self, inner: S) -> Watched<'b, S> {
        self.place.seed(inner)
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Guarded<'b, A> {
    type Error = Short<A::Error>;
    type Variant = Guarded<'b, A::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Short<A::Error>> {
        let seed = self.seed(seed);
        let (variant, inner) = self.inner.variant_seed(seed).map_err(Short)?;
        Ok((variant, Guarded { inner, place: self.place }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guarded<'_, A> {
    type Error = Short<A::Error>;

    #[inline]
    fn unit_variant(self) -> Result<(), Short<A::Error>> {
        self.inner.unit_variant().map_err(Short)
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Short<A::Error>> {
        let seed = self.seed(seed);
        self.inner.newtype_variant_seed(seed).map_err(Short)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Short<A::Error>> {
        self.inner.tuple_variant(len, Watched { inner: visitor, place: self.place }).map_err(Short)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Short<A::Error>> {
        self.inner.struct_variant(fields, Watched { inner: visitor, place: self.place }).map_err(Short)
    }
}
