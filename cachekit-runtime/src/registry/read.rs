//! A key from what its text says: a `Deserializer`. Lends nothing of the text, so that it can be one of every lifetime.

use crate::identity::text::{Content, Tree};
use serde::{
    de::{
        DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::{Error, StringDeserializer},
    },
    forward_to_deserialize_any,
};

/// What is read next.
pub(super) struct Reader<'t>(pub(super) &'t Tree);

fn unfit<T>(what: &str) -> Result<T, Error> {
    Err(serde::de::Error::custom(what))
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(digits) => number(digits, visitor),
            Tree::Char(value) => visitor.visit_char(*value),
            Tree::Text(text) => visitor.visit_str(text),
            Tree::Bytes(bytes) => visitor.visit_bytes(bytes),
            Tree::None => visitor.visit_none(),
            Tree::Some(value) => visitor.visit_some(Reader(value)),
            Tree::Tuple(values) if values.is_empty() => visitor.visit_unit(),
            Tree::Tuple(values) | Tree::Sequence(values) => visitor.visit_seq(Values(values.iter())),
            Tree::Map(entries) => visitor.visit_map(Pairs { entries: entries.iter(), value: None }),
            Tree::Fields(fields) => visitor.visit_map(Named { fields: fields.iter(), value: None }),
            Tree::Variant(name, content) => visitor.visit_enum(Variant { name, content }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Tree::None => visitor.visit_none(),
            Tree::Some(value) => visitor.visit_some(Reader(value)),
            _ => unfit("an option is `none` or `some(…)`"),
        }
    }

    // What wraps one value is written as that.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Tuple(values) => visitor.visit_seq(Values(values.iter())),
            _ => unfit("a tuple"),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq map struct enum identifier ignored_any
    }
}

/// The text has no type; a float without a fraction is not written like an integer.
fn number<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, Error> {
    if let Ok(value) = digits.parse() {
        visitor.visit_u64(value)
    } else if let Ok(value) = digits.parse() {
        visitor.visit_i64(value)
    } else if let Ok(value) = digits.parse() {
        visitor.visit_u128(value)
    } else if let Ok(value) = digits.parse() {
        visitor.visit_i128(value)
    } else if let Ok(value) = digits.parse() {
        visitor.visit_f64(value)
    } else {
        unfit("a number")
    }
}

struct Values<'t>(std::slice::Iter<'t, Tree>);

impl<'de> SeqAccess<'de> for Values<'_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(Reader(value))).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Pairs<'t> {
    entries: std::slice::Iter<'t, (Tree, Tree)>,
    value: Option<&'t Tree>,
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Error;
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(Reader(key)).map(Some)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        self.value.take().map_or_else(|| unfit("a value"), |value| seed.deserialize(Reader(value)))
    }
}

struct Named<'t> {
    fields: std::slice::Iter<'t, (String, Tree)>,
    value: Option<&'t Tree>,
}

impl<'de> MapAccess<'de> for Named<'_> {
    type Error = Error;
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some(value);
        let name: StringDeserializer<Error> = name.clone().into_deserializer();
        seed.deserialize(name).map(Some)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        self.value.take().map_or_else(|| unfit("a value"), |value| seed.deserialize(Reader(value)))
    }
}

struct Variant<'t> {
    name: &'t str,
    content: &'t Content,
}

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = Error;
    type Variant = Inside<'t>;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Inside<'t>), Error> {
        let name: StringDeserializer<Error> = self.name.to_owned().into_deserializer();
        Ok((seed.deserialize(name)?, Inside(self.content)))
    }
}

struct Inside<'t>(&'t Content);

impl<'de> VariantAccess<'de> for Inside<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if matches!(self.0, Content::Unit) { Ok(()) } else { unfit("a variant without values") }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self.0 {
            Content::Newtype(value) => seed.deserialize(Reader(value)),
            _ => unfit("a variant of one value"),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Content::Tuple(values) => visitor.visit_seq(Values(values.iter())),
            _ => unfit("a variant of several values"),
        }
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Content::Fields(fields) => visitor.visit_map(Named { fields: fields.iter(), value: None }),
            _ => unfit("a variant with fields"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::text::{KeyText, parse};
    use serde::{Deserialize, Serialize, de::DeserializeOwned};
    use std::{
        collections::{BTreeMap, BTreeSet},
        fmt::Debug,
        net::IpAddr,
    };

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Admin,
        Id(u64),
        Pair(u8, i8),
        Single((u8,)),
        Named { id: i128, name: Option<String> },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Point {
        x: f64,
        y: f32,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u32);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Unit;

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(key: T) {
        let text = KeyText::of(&key).unwrap();
        let tree = parse(text.whole()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(T::deserialize(Reader(&tree)).unwrap_or_else(|error| panic!("{text}: {error}")), key);
    }

    #[test]
    fn keys_come_back_from_their_texts() {
        comes_back(42_u64);
        comes_back((u64::MAX, i64::MIN, u128::MAX, i128::MIN, -1_i8));
        comes_back((1.0_f64, -0.5_f32, f64::INFINITY, f64::MAX, 1e300));
        comes_back(("Ann%{}\"\n".to_owned(), 'ß', true));
        comes_back((Option::<u8>::None, Some(Some(3_u8)), Some(())));
        comes_back(());
        comes_back((Unit, Wrapped(7), vec![Wrapped(1)], [1_u8; 3], (1_u8,)));
        comes_back((7_u8,));
        comes_back(vec![(1_u8, "a".to_owned())]);
        comes_back(BTreeMap::from([(1_u8, Kind::Admin), (2, Kind::Id(1))]));
        comes_back(BTreeSet::from(["a".to_owned()]));
        comes_back(vec![Kind::Pair(1, -1), Kind::Single((1,)), Kind::Named { id: -1, name: Some("x".to_owned()) }]);
        comes_back(Point { x: 1.0, y: 0.25 });
        comes_back("127.0.0.1".parse::<IpAddr>().unwrap());
        comes_back((Vec::<u8>::new(), BTreeMap::<u8, u8>::new(), String::new()));
    }

    #[test]
    fn what_is_no_such_key_is_refused() {
        let read = |text: &str| u8::deserialize(Reader(&parse(text).unwrap())).ok();
        assert_eq!(
            (read("255"), read("256"), read("-1"), read("\"1\""), read("1,2")),
            (Some(255), None, None, None, None)
        );
        assert!(Kind::deserialize(Reader(&parse("Nobody").unwrap())).is_err());
        assert!(Point::deserialize(Reader(&parse("(x=1.0)").unwrap())).is_err());
    }
}
