//! What the fuzz targets run, and the bounded tests of them: one function per target, from bytes to a panic if something is wrong.
//!
//! A new target is a function here with a line in [`ALL`], and three lines in `fuzz/fuzz_targets` (see `fuzz/README.md`).

use bytes::Bytes;
use cachekit_runtime::{
    backend::{Address, Fingerprint, HEAD},
    codec::{Bincode, Codec, Json, MsgPack, Postcard, Raw, erased},
    envelope::{Draft, Envelope, Freshness, Head, open},
    identity::text::{KeyText, cache_name, is_hashed, original_name, parse},
    testing::CodecSample,
};
use std::sync::LazyLock;

/// The limit that the bodies decode within. Small, so that going over it is seen.
pub const MAX: usize = 64 << 10;

/// What encoding what was decoded may take: in another order of digits it may be more than it was.
const ROOM: usize = 16 << 20;

/// A body: takes any bytes, panics if something is wrong.
pub type Body = fn(&[u8]);

/// All bodies by the names of their targets.
pub const ALL: [(&str, Body); 8] = [
    ("envelope", envelope),
    ("envelope_body", envelope_body),
    ("json", serde_codec::<Json>),
    ("msgpack", serde_codec::<MsgPack>),
    ("postcard", serde_codec::<Postcard>),
    ("bincode", serde_codec::<Bincode>),
    ("raw", raw),
    ("key_text", key_text),
];

/// Runs the body of a target.
///
/// # Panics
///
/// If there is no target of this name, or something is wrong with what it does.
pub fn run(target: &str, data: &[u8]) {
    match ALL.iter().find(|(name, _)| *name == target) {
        Some((_, body)) => body(data),
        None => panic!("no body for the target `{target}`"),
    }
}

static ADDRESS: LazyLock<Address> = LazyLock::new(|| Address::new("shop.user", "42", Fingerprint(7)));

/// Inputs that the bodies accept, to begin with and to damage, by the names of the targets.
#[must_use]
pub fn valid(target: &str) -> Vec<Vec<u8>> {
    fn samples<C: Codec<CodecSample> + Default>() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for sample in CodecSample::all() {
            let mut out = Vec::new();
            if C::default().encode_within(&sample, &mut out, MAX).is_ok() {
                all.push(out);
            }
        }
        all
    }
    match target {
        "json" => samples::<Json>(),
        "msgpack" => samples::<MsgPack>(),
        "postcard" => samples::<Postcard>(),
        "bincode" => samples::<Bincode>(),
        "raw" => vec!["text".into(), "äöü".into()],
        "key_text" => key_texts(),
        "envelope" => envelopes(),
        "envelope_body" => envelopes().iter().filter_map(|all| all.get(HEAD + 9..)).map(<[u8]>::to_vec).collect(),
        _ => Vec::new(),
    }
}

fn envelopes() -> Vec<Vec<u8>> {
    let tags = [cachekit_runtime::envelope::TagVersion { name: "user:42".into(), version: 9, soft: 0 }];
    let bare = Draft {
        head: Head::value(),
        address: &ADDRESS,
        freshness: Freshness::new(1_700_000_000_000, None),
        generation: None,
        tags: &[],
        compress: false,
    };
    let full = Draft {
        freshness: bare.freshness.stale(Some(std::time::Duration::from_secs(1)), None),
        generation: Some(3),
        tags: &tags,
        compress: true,
        ..bare
    };
    let raw = erased::<String, Raw>();
    let values = [String::new(), "text".to_owned(), "repeats ".repeat(300)];
    let drafts = [bare, full];
    let all = drafts.iter().flat_map(|draft| values.iter().filter_map(|value| draft.seal(&*raw, value, MAX).ok()));
    all.map(|envelope| envelope.to_vec()).chain([Head::marker().witness().0.to_vec()]).collect()
}

/// Bytes as they come from a backend.
fn envelope(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let _ = Head::read(data);
    if let Ok(envelope) = Envelope::read(&bytes, MAX) {
        let _ = envelope.payload(MAX);
        let _ = open(&bytes, &ADDRESS, &*erased::<String, Raw>(), MAX);
    }
}

/// Bytes behind a head, a length and a checksum that fit, which random changes would not get past.
fn envelope_body(data: &[u8]) {
    let Ok(length) = u32::try_from(HEAD + 9 + data.len()) else { return };
    let mut bytes = Head::value().witness().0.to_vec();
    bytes.push(1);
    let mut sum = crc32fast::Hasher::new();
    sum.update(&bytes);
    sum.update(&length.to_le_bytes());
    sum.update(data);
    bytes.extend(sum.finalize().to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    let bytes = Bytes::from(bytes);
    if let Ok(read) = Envelope::read(&bytes, MAX) {
        assert!(read.tags().len() <= cachekit_runtime::envelope::MAX_TAGS);
        assert!(read.payload(MAX).map_or(0, |payload| payload.len()) <= MAX);
        let address = Address::from_id(read.id(), read.fingerprint());
        if let Some(address) = address {
            assert!(read.is_of(&address));
            let _ = open(&bytes, &address, &*erased::<CodecSample, Postcard>(), MAX);
            let _ = open(&bytes, &address, &*erased::<String, Raw>(), MAX);
        }
    }
}

/// What is decoded is encoded and decoded again as the same.
fn serde_codec<C: Codec<CodecSample> + Default>(data: &[u8]) {
    let codec = C::default();
    let Ok(value) = codec.decode_within(&Bytes::copy_from_slice(data), MAX) else { return };
    let mut again = Vec::new();
    if let Err(error) = codec.encode_within(&value, &mut again, ROOM) {
        panic!("{value:?} was decoded and is not encoded: {error}");
    }
    match codec.decode_within(&again.into(), ROOM) {
        // NaN is not equal to itself, but prints alike.
        Ok(back) => assert_eq!(format!("{back:?}"), format!("{value:?}")),
        Err(error) => panic!("{value:?} was decoded and does not come back: {error}"),
    }
}

fn key_texts() -> Vec<Vec<u8>> {
    let texts = [
        KeyText::of(&(42_u64, "Ann", Some([1.5_f64, -0.0]))),
        KeyText::of(&CodecSample::all()),
        KeyText::of("with \"quotes\", {braces}:colons~ and \u{7}"),
    ];
    texts.into_iter().flatten().map(|text| text.into_whole().into_bytes()).collect()
}

/// A text of a key, as a command may be given one: it is read or refused, and reading it again gives the same.
fn key_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(tree) = parse(text) {
        assert_eq!(parse(text), Some(tree));
        assert!(!is_hashed(text));
    }
    let _ = original_name(text);
    let name = cache_name(text);
    match original_name(&name) {
        Some(original) => assert_eq!(original, text),
        None => assert!(is_hashed(&name), "{name}"),
    }
}

fn raw(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(text) = <Raw as Codec<String>>::decode_within(&Raw, &bytes, MAX) {
        assert_eq!(text.as_bytes(), data);
    }
    let _ = <Raw as Codec<[u8; 4]>>::decode_within(&Raw, &bytes, MAX);
}
