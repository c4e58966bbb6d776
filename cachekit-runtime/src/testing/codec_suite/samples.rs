//! Values of many shapes.

use crate::codec::Codec;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

/// A codec for all types that serde knows, as far as the suite asks.
pub trait SerdeCodec:
    Codec<CodecSample>
    + Codec<Vec<CodecSample>>
    + Codec<()>
    + Codec<bool>
    + Codec<u64>
    + Codec<i128>
    + Codec<f64>
    + Codec<String>
    + Codec<Option<u32>>
    + Codec<Vec<u8>>
    + Codec<(u8, String)>
    + Codec<HashMap<String, i64>>
    + Default
{
}

impl<C> SerdeCodec for C where
    C: Codec<CodecSample>
        + Codec<Vec<CodecSample>>
        + Codec<()>
        + Codec<bool>
        + Codec<u64>
        + Codec<i128>
        + Codec<f64>
        + Codec<String>
        + Codec<Option<u32>>
        + Codec<Vec<u8>>
        + Codec<(u8, String)>
        + Codec<HashMap<String, i64>>
        + Default
{
}

/// One of the values that [`codec_suite!`](super::codec_suite) checks codecs on: one variant for each shape that serde knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the variants are their shapes
#[non_exhaustive]
pub enum CodecSample {
    Unit,
    UnitStruct(Nothing),
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Option(Option<u32>),
    Newtype(Meters),
    Tuple(i8, String, bool),
    Struct { name: String, nick: Option<String>, scores: Vec<u16>, nested: Nested },
    Array([u16; 4]),
    List(Vec<CodecSample>),
    Set(BTreeSet<String>),
    Map(BTreeMap<String, CodecSample>),
    NumberMap(BTreeMap<u32, i64>),
    Result(Result<u8, String>),
    Address(IpAddr),
    Duration(Duration),
    Nested(Box<CodecSample>),
}

/// A struct without fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing;

/// A newtype.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Meters(pub f64);

/// A struct in a struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the fields are their shapes
pub struct Nested {
    pub pair: (u64, i64),
    pub empty: (),
    pub maybe: Option<Box<Nested>>,
}

impl CodecSample {
    /// All of them: each variant, with the extremes of its values.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use CodecSample as S;
        let mut all = vec![S::Unit, S::UnitStruct(Nothing), S::Bool(false), S::Bool(true)];
        all.extend([i8::MIN, -1, 0, i8::MAX].map(S::I8));
        all.extend([i16::MIN, -1, 0, 128, i16::MAX].map(S::I16));
        all.extend([i32::MIN, -65_537, 0, i32::MAX].map(S::I32));
        all.extend([i64::MIN, -1, 0, 1 << 53, i64::MAX].map(S::I64));
        all.extend([i128::MIN, -1, 0, i128::from(u64::MAX) + 1, i128::MAX].map(S::I128));
        all.extend([0, 127, 128, 250, 251, u8::MAX].map(S::U8));
        all.extend([0, 256, u16::MAX].map(S::U16));
        all.extend([0, 65_536, u32::MAX].map(S::U32));
        all.extend([0, 1 << 32, (1 << 53) + 1, u64::MAX].map(S::U64));
        all.extend([0, 1 << 64, u128::MAX].map(S::U128));
        all.extend([0.0, -0.0, 0.1, f32::MIN_POSITIVE, f32::MIN, f32::MAX].map(S::F32));
        all.extend([0.0, -0.0, 0.1, 1e21, 5e-324, f64::MIN, f64::MAX, f64::EPSILON].map(S::F64));
        all.extend(['\0', 'a', 'ä', '\u{ffff}', char::MAX].map(S::Char));
        let texts = ["", "text", "\"quoted\" \\ \u{7f} \n\0", "äöü 漢字 🦀", "{\"a\":[1]}", "\u{feff}"];
        all.extend(texts.map(|text| S::Text(text.to_owned())));
        all.extend([vec![], vec![0], (0..=255).collect()].map(S::Bytes));
        all.extend([None, Some(0), Some(u32::MAX)].map(S::Option));
        all.extend([S::Newtype(Meters(1.5)), S::Tuple(-1, "two".to_owned(), true), S::Array([0, 1, 256, u16::MAX])]);
        let inner = Nested { pair: (u64::MAX, i64::MIN), empty: (), maybe: None };
        for nick in [None, Some(String::new())] {
            let nested = Nested { pair: (0, 0), empty: (), maybe: nick.as_ref().map(|_| Box::new(inner.clone())) };
            all.push(S::Struct { name: "Ada".to_owned(), nick, scores: vec![1, 2, 3], nested });
        }
        all.extend([BTreeSet::new(), ["a", "b"].map(str::to_owned).into()].map(S::Set));
        all.extend([BTreeMap::new(), BTreeMap::from([(0, i64::MIN), (u32::MAX, 0)])].map(S::NumberMap));
        all.extend([Ok(1), Err("no".to_owned())].map(S::Result));
        all.extend(["127.0.0.1", "2001:db8::1"].iter().filter_map(|text| text.parse().ok()).map(S::Address));
        all.extend([Duration::ZERO, Duration::new(u64::MAX, 999_999_999)].map(S::Duration));
        all.extend([S::List(vec![]), S::Map(BTreeMap::new())]);
        let map = all.iter().enumerate().map(|(n, sample)| (format!("key {n}"), sample.clone())).collect();
        let list = all.clone();
        all.extend([S::Map(map), S::List(list), Self::nested(40)]);
        all
    }

    /// One that nests others that deep.
    pub(super) fn nested(depth: usize) -> Self {
        (0..depth).fold(CodecSample::Unit, |inner, _| CodecSample::Nested(Box::new(inner)))
    }

    /// Drops a deep one without a recursion of its own.
    pub(super) fn unravel(mut self) {
        while let CodecSample::Nested(inner) = self {
            self = *inner;
        }
    }
}
