use super::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

trait Value: Serialize + DeserializeOwned + 'static {}
impl<V: Serialize + DeserializeOwned + 'static> Value for V {}

/// The codecs of serde that this build has.
fn all<V: Value>() -> Vec<Arc<dyn DynCodec<V>>> {
    vec![
        erased::<V, Json>(),
        #[cfg(feature = "msgpack")]
        erased::<V, MsgPack>(),
        #[cfg(feature = "postcard")]
        erased::<V, Postcard>(),
        #[cfg(feature = "bincode")]
        erased::<V, Bincode>(),
    ]
}

const MAX: usize = 1 << 20;

/// What becomes of a first store, by codec.
fn survives<V: Value>(value: &V) -> BTreeMap<&'static str, Result<(), Error>> {
    all()
        .iter()
        .map(|codec| {
            let mut out = Vec::new();
            let done =
                codec.encode_value(value, &mut out, MAX).and_then(|()| verify_roundtrip(&**codec, &out.into(), MAX));
            (codec.codec_name(), done)
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    rest: HashMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Circle { radius: u64 },
    Square { side: u64 },
}

#[derive(Serialize, Deserialize)]
struct Skips {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    a: Option<u8>,
    b: Option<u8>,
    c: u8,
}

#[test]
fn what_a_format_cannot_carry_is_found_by_the_first_store() {
    let carried: Vec<(&str, BTreeMap<_, _>)> = vec![
        ("flatten", survives(&Flat { id: 1, rest: HashMap::from([("x".to_owned(), 2), ("y".to_owned(), 3)]) })),
        ("untagged", survives(&vec![Untagged::Number(1), Untagged::Text("x".to_owned())])),
        ("tag", survives(&[Tagged::Circle { radius: 1 }, Tagged::Square { side: 2 }])),
        ("skip_serializing_if", survives(&Skips { a: None, b: Some(1), c: 2 })),
    ];
    for (what, by_codec) in carried {
        for (codec, done) in by_codec {
            let self_describing = codec == "json" || codec == "msgpack";
            assert_eq!(done.is_ok(), self_describing, "{what} in {codec}: {done:?}");
            if let Err(error) = done {
                let text = error.to_string();
                assert!(text.contains(codec), "{text}");
            }
        }
    }
}

#[test]
fn a_value_that_comes_back_as_another_is_found_though_nothing_fails() {
    // As formats without names do when a field is not there.
    struct Shifts;
    impl Codec<(u8, u8)> for Shifts {
        const NAME: &'static str = "shifts";
        fn encode(&self, value: &(u8, u8), out: &mut Vec<u8>) -> Result<(), Error> {
            out.extend([value.0, value.1]);
            Ok(())
        }
        fn decode(&self, bytes: &[u8]) -> Result<(u8, u8), Error> {
            match bytes {
                [a, b] => Ok((a.wrapping_add(1), *b)),
                _ => Err(Error::decode("shifts", "not two bytes")),
            }
        }
    }
    let error = verify_roundtrip(&*erase(Shifts), &Bytes::from_static(&[1, 2]), MAX).unwrap_err();
    assert!(error.to_string().contains("another value"), "{error}");
}

#[test]
fn what_the_documentation_says_of_keys_and_of_any() {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Unit {
        A,
    }
    let all_carry: Vec<BTreeMap<_, _>> = vec![
        survives(&BTreeMap::from([(-1_i64, 1)])),
        survives(&BTreeMap::from([(true, 1)])),
        survives(&BTreeMap::from([('ä', 1)])),
        survives(&BTreeMap::from([(Unit::A, 1)])),
    ];
    for (codec, done) in all_carry.into_iter().flatten() {
        assert_eq!(done, Ok(()), "{codec}");
    }
    for (codec, done) in survives(&BTreeMap::from([((1, 2), 3)])) {
        assert_eq!(done.is_ok(), codec != "json", "{codec}");
    }
    let any: serde_json::Value = serde_json::from_str(r#"{"a":[1,-2,0.5,null,{"b":"c"}]}"#).unwrap();
    for (codec, done) in survives(&any) {
        assert_eq!(done.is_ok(), codec == "json" || codec == "msgpack", "{codec}");
    }
}

#[test]
fn a_message_quotes_the_beginning_only() {
    for codec in all::<u64>() {
        let text = "x".repeat(5_000);
        let mut out = Vec::new();
        for other in all::<String>().iter().filter(|other| other.codec_name() == codec.codec_name()) {
            other.encode_value(&text, &mut out, MAX).unwrap();
        }
        let error = codec.decode_value(&out.into(), MAX).unwrap_err().to_string();
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn maps_survive_in_whatever_order_they_come_back() {
    let map: HashMap<String, Option<f64>> = (0..100).map(|n| (format!("key {n}"), Some(f64::from(n) / 7.0))).collect();
    for (codec, done) in survives(&map) {
        assert_eq!(done, Ok(()), "{codec}");
    }
}

#[test]
fn floats_come_back_to_the_last_bit() {
    let mut state = 42_u64;
    for _ in 0..2_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let float = f64::from_bits(state ^ (state >> 31));
        if !float.is_finite() {
            continue;
        }
        for codec in all::<(f64, f32)>() {
            let single = float as f32;
            let value = (float, if single.is_finite() { single } else { f32::MIN_POSITIVE });
            let mut out = Vec::new();
            codec.encode_value(&value, &mut out, MAX).unwrap();
            let back = codec.decode_value(&out.into(), MAX).unwrap();
            assert_eq!((back.0.to_bits(), back.1.to_bits()), (value.0.to_bits(), value.1.to_bits()));
        }
    }
}

#[test]
fn what_would_come_back_as_something_else_is_refused_or_survives() {
    for (codec, done) in survives(&Some(Option::<u8>::None)) {
        assert_eq!(done.is_ok(), codec == "postcard" || codec == "bincode", "{codec}");
        assert!(done.is_ok() || matches!(done, Err(Error::Encode { .. })), "{codec}: {done:?}");
    }
    for (codec, done) in survives(&[f64::NAN, f64::INFINITY]) {
        assert_eq!(done.is_ok(), codec != "json", "{codec}");
    }
}

#[test]
fn more_bytes_after_the_value_are_refused() {
    for codec in all::<(u32, String)>() {
        let mut out = Vec::new();
        codec.encode_value(&(7, "x".to_owned()), &mut out, MAX).unwrap();
        for more in [0, b' ', b'1', 0xc0, 0xff] {
            let mut longer = out.clone();
            longer.push(more);
            assert!(codec.decode_value(&longer.into(), MAX).is_err(), "{}", codec.codec_name());
        }
    }
}

#[test]
fn neither_encoding_nor_decoding_goes_over_the_limit() {
    let value = "x".repeat(1_000);
    let mut codecs = all::<String>();
    codecs.push(erased::<String, Raw>());
    for codec in codecs {
        let mut out = b"before".to_vec();
        assert!(matches!(codec.encode_value(&value, &mut out, 999), Err(Error::Encode { .. })));
        assert!(out.len() <= 6 + 999, "{}", codec.codec_name());
        out.truncate(6);
        codec.encode_value(&value, &mut out, 16_048).unwrap();
        let encoded = Bytes::from(out).slice(6..);
        assert!(matches!(codec.decode_value(&encoded, 999), Err(Error::Decode { .. })));
        assert_eq!(codec.decode_value(&encoded, 16_048).unwrap(), value);
    }
}

#[test]
fn raw_bytes_are_shared_and_strings_are_checked() {
    let entry = Bytes::from(vec![7; 100]);
    let decoded: Bytes = Raw.decode_within(&entry.slice(10..20), MAX).unwrap();
    assert_eq!(decoded.as_ptr(), entry[10..].as_ptr());
    let decoded: Arc<Bytes> = Raw.decode_within(&entry.slice(10..20), MAX).unwrap();
    assert_eq!(decoded.as_ptr(), entry[10..].as_ptr());
    assert!(<Raw as Codec<String>>::decode(&Raw, &[0xff]).is_err());
    assert!(<Raw as Codec<Arc<str>>>::decode(&Raw, "ä".as_bytes()).is_ok());
    assert!(<Raw as Codec<[u8; 2]>>::decode(&Raw, &[1, 2, 3]).is_err());
    assert_eq!(<Raw as Codec<[u8; 2]>>::decode(&Raw, &[1, 2]).unwrap(), [1, 2]);
}
