//! No decode allocates over its limit, whatever lengths the bytes claim and however much a byte stands for. In a binary of its own, because the counting
//! allocator is global.

use allocation_counter::measure;
use bytes::Bytes;
use cachekit_runtime::codec::{Bincode, DynCodec, Json, MsgPack, Postcard, erased};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hint::black_box,
    sync::Arc,
};

const MAX: usize = 256 << 10;
/// Of an error's message.
const SLACK: u64 = 1 << 10;

fn codecs<V: Serialize + DeserializeOwned + 'static>() -> [Arc<dyn DynCodec<V>>; 4] {
    [erased::<V, Json>(), erased::<V, MsgPack>(), erased::<V, Postcard>(), erased::<V, Bincode>()]
}

/// Decodes it and gives the most bytes that were allocated at once.
#[track_caller]
fn within_limit<V: 'static>(codec: &dyn DynCodec<V>, bytes: &Bytes, what: &str) -> bool {
    let mut decoded = false;
    let used = measure(|| decoded = black_box(codec.decode_value(bytes, MAX)).is_ok());
    let name = codec.codec_name();
    assert!(used.bytes_max <= MAX as u64 + SLACK, "{what} in {name}: {} bytes for {}", used.bytes_max, bytes.len());
    decoded
}

/// Lengths from small to absurd, as the binary formats write them.
fn claims() -> Vec<Vec<u8>> {
    let mut claims = Vec::new();
    for power in (4..64).step_by(3) {
        let length = 1_u64 << power;
        // LEB128 of postcard.
        let mut left = length;
        let mut leb = Vec::new();
        while left > 0x7f {
            leb.push(left as u8 | 0x80);
            left >>= 7;
        }
        leb.push(left as u8);
        claims.push(leb);
        claims.push([&[253][..], &length.to_le_bytes()].concat()); // bincode, u64
        claims.push([&[252][..], &(length as u32).to_le_bytes()].concat()); // bincode, u32
        for marker in [0xc6, 0xdb, 0xdd, 0xdf] {
            claims.push([&[marker][..], &(length as u32).to_be_bytes()].concat()); // MessagePack: bytes, string, array, map
        }
    }
    claims.extend([
        vec![0xff; 10],
        vec![0xff; 9],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
    ]);
    claims
}

/// Whole strings up to the largest size, with and without what has to be taken apart.
fn strings() -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    for text in ["x", "\\n", "\\u0000", "\u{7f}", "\u{ad}"] {
        for part in [1, 4, 5, 16, 17, 33, 500, 600] {
            let text = text.repeat(MAX / part / text.len());
            strings.push(format!("\"{text}\"").into_bytes());
            strings.push(format!("[\"{text}\"]").into_bytes());
            strings.push(format!("[{}]", format!("\"{text}\",").repeat(part).trim_end_matches(',')).into_bytes());
            strings.push(format!("{{\"Named\":{{\"{text}\":\"{text}\"}}}}").into_bytes());
            let length = (text.len() as u32).to_be_bytes();
            for marker in [0xdb, 0xc6] {
                strings.push([&[marker][..], &length, text.as_bytes()].concat());
                strings.push([&[0x91, marker][..], &length, text.as_bytes()].concat());
            }
        }
    }
    strings
}

fn claimed<V: Serialize + DeserializeOwned + 'static>(what: &str) {
    let claims = claims();
    for codec in codecs::<V>() {
        for claim in &claims {
            for times in [1, 200] {
                within_limit(&*codec, &claim.repeat(times).into(), what);
                // With something behind it to begin with.
                let bytes = [claim.repeat(times), vec![1; 1_000]].concat();
                within_limit(&*codec, &bytes.into(), what);
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf(u8),
    Fork(Box<Tree>, Box<Tree>),
    Many(Vec<Tree>),
    Named(HashMap<String, Tree>),
    Wide(Option<Box<[u64; 32]>>),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Defaults {
    wide: [u64; 30],
    list: Vec<Defaults>,
}

#[test]
fn a_length_is_not_believed() {
    claimed::<Vec<u8>>("bytes");
    claimed::<Vec<u64>>("numbers");
    claimed::<String>("a string");
    claimed::<Vec<String>>("strings");
    claimed::<Vec<Vec<Vec<u64>>>>("lists of lists");
    claimed::<Vec<()>>("nothings");
    claimed::<Vec<[u64; 32]>>("large elements");
    claimed::<HashMap<String, [u64; 16]>>("a map");
    claimed::<HashSet<u64>>("a set");
    claimed::<BTreeMap<u64, Vec<u8>>>("a sorted map");
    claimed::<VecDeque<(u64, String)>>("a queue");
    claimed::<Tree>("a tree");
    claimed::<Defaults>("defaults");
    claimed::<Box<str>>("a boxed string");
    claimed::<Arc<[u64]>>("a shared slice");
}

#[test]
fn a_long_string_is_neither_copied_nor_quoted_too_often() {
    fn read<V: Serialize + DeserializeOwned + 'static>(strings: &[Vec<u8>], what: &str) {
        for codec in codecs::<V>() {
            for string in strings {
                within_limit(&*codec, &string.clone().into(), what);
            }
        }
    }
    let strings = strings();
    read::<String>(&strings, "a string");
    read::<Vec<String>>(&strings, "strings");
    read::<u64>(&strings, "a number");
    read::<Vec<u64>>(&strings, "numbers");
    read::<Tree>(&strings, "a tree");
    read::<Box<str>>(&strings, "a boxed string");
}

/// Bytes that are a value, but one that takes much more memory than they do.
#[test]
fn what_a_byte_stands_for_is_counted() {
    fn amplified<V: Serialize + DeserializeOwned + 'static>(what: &str, value: impl Fn(usize) -> V) {
        for codec in codecs::<V>() {
            let mut most = None;
            for elements in [10, 100, 1_000, 3_000, 10_000, 30_000, 100_000] {
                let mut out = Vec::new();
                if codec.encode_value(&value(elements), &mut out, MAX).is_ok() {
                    most = Some(within_limit(&*codec, &out.into(), what));
                }
            }
            assert!(most.is_some(), "{what}: nothing was decoded");
        }
        // A few of them are an ordinary value.
        for codec in codecs::<V>() {
            let mut out = Vec::new();
            codec.encode_value(&value(10), &mut out, MAX).unwrap();
            assert!(within_limit(&*codec, &out.into(), what), "{what} in {}", codec.codec_name());
        }
    }
    fn tree(leaves: usize) -> Tree {
        match leaves {
            0 | 1 => Tree::Leaf(1),
            _ => Tree::Fork(Box::new(tree(leaves / 2)), Box::new(tree(leaves - leaves / 2))),
        }
    }
    amplified("empty options of a large type", |n| vec![Option::<[u64; 32]>::None; n]);
    amplified("small numbers", |n| vec![1_u64; n]);
    amplified("small 128-bit numbers", |n| vec![1_u128; n]);
    amplified("empty strings", |n| vec![String::new(); n]);
    amplified("empty lists", |n| vec![Vec::<u64>::new(); n]);
    amplified("lists of one", |n| vec![vec![1_u64]; n]);
    amplified("a balanced tree", tree);
    amplified("a list of leaves", |n| Tree::Many((0..n).map(|_| Tree::Leaf(1)).collect()));
    amplified("boxes", |n| Tree::Many((0..n).map(|_| Tree::Wide(Some(Box::new([0; 32])))).collect()));
    amplified("a map", |n| (0..n as u64).map(|n| (n, 1)).collect::<HashMap<u64, u64>>());
    amplified("a set", |n| (0..n as u32).collect::<HashSet<u32>>());
    amplified("a map with padding", |n| (0..n as u64).map(|n| (n, 1)).collect::<HashMap<u64, u8>>());
    amplified("a sorted map", |n| (0..n as u64).map(|n| (n, 1)).collect::<BTreeMap<u64, u64>>());
}

#[test]
fn defaults_are_counted() {
    let codec = erased::<Defaults, Json>();
    assert!(within_limit(&*codec, &Bytes::from_static(b"{\"list\":[{},{},{\"list\":[{}]}]}"), "few"));
    let many = format!("{{\"list\":[{}{{}}]}}", "{},".repeat(10_000));
    assert!(!within_limit(&*codec, &many.into(), "many"));
}
