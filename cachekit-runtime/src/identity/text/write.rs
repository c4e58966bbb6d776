//! Writes a key as text: a `Serializer`.

use super::{
    Unwritable, escape,
    tree::{NAMELESS, WORDS},
};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::{self, Write};

/// How deep a key may be: what reads it back must not overflow its stack.
pub(super) const DEPTH: usize = 128;

pub(super) struct Writer<'a> {
    pub(super) out: &'a mut String,
    pub(super) depth: usize,
    /// The key itself: its elements stand side by side, without parentheses.
    pub(super) is_whole: bool,
}

impl<'a> Writer<'a> {
    fn display(self, value: impl fmt::Display) -> Result<(), Unwritable> {
        // Writing to a string does not fail.
        _ = write!(self.out, "{value}");
        Ok(())
    }

    fn parts(self, separator_after: Option<usize>, open: &str, close: &'static str) -> Result<Parts<'a>, Unwritable> {
        if self.depth >= DEPTH {
            return Err(Unwritable::TooDeep);
        }
        self.out.push_str(open);
        Ok(Parts { out: self.out, depth: self.depth + 1, count: 0, single: separator_after, close })
    }

    fn tuple(self, length: usize) -> Result<Parts<'a>, Unwritable> {
        match (self.is_whole, length) {
            (true, 1) | (false, _) => self.parts(Some(1), "(", ")"),
            (true, _) => self.parts(None, "", ""),
        }
    }
}

/// A value with parts.
pub(super) struct Parts<'a> {
    out: &'a mut String,
    depth: usize,
    count: usize,
    /// With so many parts a comma follows, which tells a tuple of one from its element.
    single: Option<usize>,
    close: &'static str,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        if self.count > 0 {
            self.out.push(',');
        }
        self.value(value)
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        if self.count > 0 {
            self.out.push(',');
        }
        name_field(self.out, name);
        self.out.push('=');
        self.value(value)
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.count += 1;
        value.serialize(Writer { out: self.out, depth: self.depth, is_whole: false })
    }

    fn close(self, when_empty: &str) -> Result<(), Unwritable> {
        if self.count == 0 {
            self.out.push_str(when_empty);
        }
        if Some(self.count) == self.single {
            self.out.push(',');
        }
        self.out.push_str(self.close);
        Ok(())
    }
}

/// The name of a variant: letters, digits, `_` and `-` as they are.
fn name_variant(out: &mut String, name: &str) {
    let mut chars = name.chars();
    // Not like a value.
    if WORDS.contains(&name) || name.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        chars.by_ref().take(1).for_each(|c| escape::push_char(out, c));
    }
    word(out, chars.as_str(), name.is_empty());
}

/// The name of a field, which `=` tells from a value.
fn name_field(out: &mut String, name: &str) {
    word(out, name, name.is_empty());
}

fn word(out: &mut String, name: &str, is_empty: bool) {
    escape::push(out, name, is_no_letter);
    if is_empty {
        out.push_str(NAMELESS);
    }
}

fn is_no_letter(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' && c != '-'
}

/// The shortest digits that lead back to the value, always with a dot or an exponent, so that no float is written like an integer. All NaNs are
/// one, as they are for the types that make floats keys.
fn float(out: &mut String, value: f64, digits: impl fmt::Display + fmt::LowerExp) {
    let start = out.len();
    let is_plain = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    // Writing to a string does not fail.
    _ = match () {
        () if value.is_nan() => write!(out, "nan"),
        () if value.is_infinite() => write!(out, "{}", if value > 0.0 { "inf" } else { "-inf" }),
        () if is_plain => write!(out, "{digits}"),
        () => write!(out, "{digits:e}"),
    };
    if is_plain && !out.get(start..).is_some_and(|written| written.contains('.')) {
        out.push_str(".0");
    }
}

macro_rules! displayed {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Unwritable> {
            self.display(value)
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    displayed! {
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        float(self.out, f64::from(value), value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        float(self.out, value, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.out.push('\'');
        escape::push(self.out, value.encode_utf8(&mut [0; 4]), |c| c == '\'');
        self.out.push('\'');
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.out.push('"');
        escape::push(self.out, value, |c| c == '"');
        self.out.push('"');
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.out.push_str("x\"");
        for byte in value {
            _ = write!(self.out, "{byte:02x}");
        }
        self.out.push('"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.out.push_str("none");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        let mut parts = self.parts(None, "some(", ")")?;
        parts.part(value)?;
        parts.close("")
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.tuple(0)?.close("")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unwritable> {
        name_variant(self.out, variant);
        Ok(())
    }

    /// As what it wraps: an argument keeps its entries when it gets a type of its own.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        name_variant(self.out, variant);
        let mut parts = self.parts(None, "(", ")")?;
        parts.part(value)?;
        parts.close("")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Unwritable> {
        self.parts(None, "[", "]")
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'a>, Unwritable> {
        self.tuple(length)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'a>, Unwritable> {
        self.tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Unwritable> {
        name_variant(self.out, variant);
        self.parts(Some(1), "(", ")")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Unwritable> {
        self.parts(None, "[", "]")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Unwritable> {
        self.parts(None, "(", ")")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Unwritable> {
        name_variant(self.out, variant);
        self.parts(None, "(", ")")
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.part(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close("")
            }
        }
    )*};
}

items! { SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field }

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
                self.named(name, value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close("=")
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(':');
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close(":")
    }
}
