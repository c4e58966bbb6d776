use super::*;
use crate::{
    backend::{Address, Fingerprint, HEAD},
    codec::{Json, Raw, erased},
};
use bytes::Bytes;
use proptest::prelude::*;
use std::{collections::HashSet, env, fs, path::PathBuf, thread};

const MAX: usize = 1 << 16;

fn address() -> Address {
    Address::new("shop.user", "42,\"ä\"", Fingerprint(0x0123_4567_89ab_cdef))
}

fn tags() -> Vec<TagVersion> {
    vec![
        TagVersion { name: "user:42".into(), version: 7, soft: 0 },
        TagVersion { name: "".into(), version: u64::MAX, soft: 0 },
    ]
}

fn draft<'a>(address: &'a Address, tags: &'a [TagVersion]) -> Draft<'a> {
    Draft {
        head: Head::with_id(Kind::Value, *b"0123456789abcdef"),
        address,
        freshness: Freshness::new(1_700_000_000_123, Some(Duration::from_millis(30_000)))
            .stale(Some(Duration::from_secs(5)), Some(Duration::from_secs(60))),
        generation: Some(3),
        tags,
        compress: false,
    }
}

fn bare(address: &Address) -> Draft<'_> {
    Draft { freshness: Freshness::new(0, None), generation: None, ..draft(address, &[]) }
}

fn sealed(draft: &Draft<'_>, value: &str) -> Bytes {
    draft.seal(&*erased::<String, Raw>(), &value.to_owned(), MAX).unwrap()
}

/// The same with a new checksum, as somebody would write it who means it.
fn resealed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let length = (bytes.len() as u32).to_le_bytes();
    bytes[29..33].copy_from_slice(&length);
    let sum = checksum(&bytes).to_le_bytes();
    bytes[CHECKSUM].copy_from_slice(&sum);
    bytes.into()
}

#[test]
fn all_that_goes_in_comes_out() {
    let (address, tags) = (address(), tags());
    let draft = draft(&address, &tags);
    let bytes = sealed(&draft, "the value");
    let (envelope, value) = open(&bytes, &address, &*erased::<String, Raw>(), MAX).unwrap();
    assert_eq!(value, "the value");
    assert_eq!(envelope.head(), draft.head);
    assert_eq!(envelope.freshness(), draft.freshness);
    assert_eq!(envelope.generation(), Some(3));
    assert_eq!(envelope.tags(), tags);
    assert_eq!((envelope.id(), envelope.fingerprint()), (address.id(), address.fingerprint()));
    assert_eq!((envelope.codec(), envelope.stored_bytes()), ("raw", 9));
    let payload = envelope.payload(MAX).unwrap();
    assert!(bytes.as_ptr_range().contains(&payload.as_ptr()), "the payload is not copied");
    assert_eq!(bytes[..HEAD], draft.head.witness().0);
}

#[test]
fn the_format_is_the_one_of_the_golden_files() {
    let (address, tags) = (address(), tags());
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/envelope/golden");
    let json = |draft: &Draft<'_>| draft.seal(&*erased::<Vec<u64>, Json>(), &vec![1, 2, 3], MAX).unwrap();
    let heads = [Kind::Value, Kind::Marker, Kind::Lock, Kind::Tombstone];
    let heads: Vec<u8> = heads.iter().flat_map(|kind| Head::with_id(*kind, *b"0123456789abcdef").witness().0).collect();
    for (name, bytes) in [
        ("full", sealed(&draft(&address, &tags), "the value")),
        ("bare", sealed(&bare(&address), "")),
        ("json", json(&draft(&address, &[]))),
        ("heads", heads.into()),
    ] {
        let path = folder.join(name);
        if env::var_os("CACHEKIT_WRITE_GOLDEN").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        let golden = fs::read(&path).unwrap();
        assert_eq!(
            bytes, golden,
            "the format of `{name}` has changed: raise its version, and set CACHEKIT_WRITE_GOLDEN once"
        );
    }
}

#[cfg(feature = "lz4")]
#[test]
fn large_values_are_compressed_where_that_is_smaller() {
    let address = address();
    let plain = bare(&address);
    let packing = Draft { compress: true, ..plain };
    let (small, large) = ("x".repeat(1024), "x".repeat(1025));
    assert_eq!(sealed(&packing, &small), sealed(&plain, &small));
    let packed = sealed(&packing, &large);
    assert!(packed.len() < 200, "{}", packed.len());
    let (envelope, value) = open(&packed, &address, &*erased::<String, Raw>(), MAX).unwrap();
    assert_eq!(value, large);
    assert!(envelope.stored_bytes() < 100);
    let full = Draft { compress: true, ..draft(&address, &[]) };
    assert_eq!(open(&sealed(&full, &large), &address, &*erased::<String, Raw>(), MAX).unwrap().1, large);
}

#[cfg(feature = "lz4")]
#[test]
fn the_length_before_compression_is_not_believed() {
    let address = address();
    let packed = sealed(&Draft { compress: true, ..bare(&address) }, &"x".repeat(2_000));
    let claims = |length: u32| {
        let bytes = resealed(&packed, |bytes| bytes[57..61].copy_from_slice(&length.to_le_bytes()));
        open(&bytes, &address, &*erased::<String, Raw>(), MAX).map(|(_, value)| value.len())
    };
    assert_eq!(claims(2_000), Ok(2_000));
    assert_eq!(claims(1_999), Err(Rejected::Corrupt));
    assert_eq!(claims(2_001), Err(Rejected::Corrupt));
    assert_eq!(claims(0), Err(Rejected::Corrupt));
    assert_eq!(claims(MAX as u32), Err(Rejected::Corrupt));
    assert_eq!(claims(MAX as u32 + 1), Err(Rejected::Oversized));
    assert_eq!(claims(u32::MAX), Err(Rejected::Oversized));
}

#[test]
fn every_flipped_bit_is_seen() {
    let (address, tags) = (address(), tags());
    let bytes = sealed(&draft(&address, &tags), "v");
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Envelope::read(&flipped.into(), MAX).is_err(), "bit {bit}");
    }
}

#[test]
fn every_shorter_and_every_longer_one_is_refused() {
    let (address, tags) = (address(), tags());
    let bytes = sealed(&draft(&address, &tags), "the value");
    for length in 0..bytes.len() {
        assert_eq!(Envelope::read(&bytes.slice(..length), MAX), Err(Rejected::Truncated), "{length}");
    }
    for more in 0..=255 {
        let longer = [&bytes[..], &[more]].concat();
        assert_eq!(Envelope::read(&longer.into(), MAX), Err(Rejected::Corrupt));
    }
}

#[test]
fn each_reason_has_its_name() {
    let (address, tags) = (address(), tags());
    let bytes = sealed(&draft(&address, &tags), "the value");
    let raw = erased::<String, Raw>();
    let reason = |bytes: &Bytes| open(bytes, &address, &*raw, MAX).map(|(_, value)| value).unwrap_err();

    assert_eq!(reason(&Bytes::from_static(b"{\"id\":1}")), Rejected::Foreign);
    assert_eq!(reason(&Bytes::from_static(&[0; 100])), Rejected::Foreign);
    assert_eq!(reason(&Bytes::new()), Rejected::Truncated);
    for head in [Head::marker(), Head::lock(), Head::tombstone()] {
        assert_eq!(reason(&head.witness().0.to_vec().into()), Rejected::NoValue);
        assert_eq!(reason(&[&head.witness().0[..], b"x"].concat().into()), Rejected::Corrupt);
    }
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[7] = b'w')), Rejected::Future, "a new kind");
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[24] = 2)), Rejected::Future, "a new version");
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[34] |= 0x80)), Rejected::Future, "a new flag");
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[35] = 17)), Rejected::Corrupt, "too many tags");
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[37..41].fill(0xff))), Rejected::Corrupt, "too long a key");
    assert_eq!(reason(&resealed(&bytes, |bytes| bytes[36] = 255)), Rejected::Corrupt, "too long a codec");
    assert_eq!(Envelope::read(&bytes, bytes.len()).map(|_| ()), Ok(()));
    assert_eq!(Envelope::read(&bytes, bytes.len() - 1), Err(Rejected::Oversized));

    let other = Address::new("shop.user", "43", address.fingerprint());
    assert_eq!(open(&bytes, &other, &*raw, MAX).unwrap_err(), Rejected::OtherKey);
    let other = address.with_fingerprint(Fingerprint(1));
    assert_eq!(open(&bytes, &other, &*raw, MAX).unwrap_err(), Rejected::OtherKey);
    assert_eq!(open(&bytes, &address, &*erased::<String, Json>(), MAX).unwrap_err(), Rejected::OtherCodec);
    let undecodable = draft(&address, &[]).seal(&*erased::<Vec<u8>, Raw>(), &vec![0xff], MAX).unwrap();
    assert_eq!(reason(&undecodable).reason(), "undecodable");
}

#[test]
fn what_does_not_fit_is_not_written() {
    let address = address();
    let raw = erased::<String, Raw>();
    let value = "x".repeat(1_000);
    let fits = sealed(&bare(&address), &value).len();
    assert_eq!(bare(&address).seal(&*raw, &value, fits).unwrap().len(), fits);
    for max in [fits - 1, 60, 10, 0] {
        assert!(matches!(bare(&address).seal(&*raw, &value, max), Err(crate::Error::Encode { .. })), "{max}");
    }
    let tag = TagVersion { name: "t".into(), version: 1, soft: 0 };
    let (most, over) = (vec![tag.clone(); MAX_TAGS], vec![tag; MAX_TAGS + 1]);
    let read = Envelope::read(&sealed(&draft(&address, &most), "x"), MAX).unwrap();
    assert_eq!(read.tags(), most);
    assert!(draft(&address, &over).seal(&*raw, &value, MAX).is_err());
    let long = [TagVersion { name: "t".repeat(1 << 16).into(), version: 1, soft: 0 }];
    assert!(draft(&address, &long).seal(&*raw, &value, 1 << 20).is_err());
}

#[test]
fn heads_come_back_and_no_two_are_alike() {
    let mut seen = HashSet::new();
    for make in [Head::value, Head::marker, Head::lock, Head::tombstone] {
        let head = make();
        let read = Head::read(&head.witness().0).unwrap();
        assert_eq!((read, read.kind()), (head, head.kind()));
        let more = thread::spawn(move || (0..1_000).map(|_| make().witness().0).collect::<Vec<_>>());
        seen.extend((0..1_000).map(|_| make().witness().0));
        seen.extend(more.join().unwrap());
    }
    let ids: HashSet<_> = seen.iter().map(|head| &head[8..]).collect();
    assert_eq!(ids.len(), 8_000);
}

proptest! {
    #[test]
    fn anything_survives(
        id in "\\PC{0,40}", arguments in ".{0,300}", fingerprint: u64, created: u64, ttl: Option<u64>, revalidate: Option<u64>,
        if_error: Option<u64>, generation: Option<u64>, names in prop::collection::vec((".{0,20}", any::<u64>(), any::<u64>()), 0..=MAX_TAGS),
        value in ".{0,3000}", compress: bool,
    ) {
        let address = Address::new(&id, &arguments, Fingerprint(fingerprint));
        let tags: Vec<_> = names
            .into_iter()
            .map(|(name, version, soft)| TagVersion { name: name.into(), version, soft: if soft % 2 == 0 { 0 } else { soft } })
            .collect();
        let freshness = Freshness { created, ttl, revalidate, if_error };
        let draft = Draft { head: Head::value(), address: &address, freshness, generation, tags: &tags, compress };
        let (envelope, read) = open(&sealed(&draft, &value), &address, &*erased::<String, Raw>(), MAX).unwrap();
        prop_assert_eq!(read, value);
        prop_assert_eq!(envelope.freshness(), freshness);
        prop_assert_eq!((envelope.generation(), envelope.tags()), (generation, &tags[..]));
    }

    #[test]
    fn no_bytes_are_too_strange(mut bytes: Vec<u8>, at: usize, by: u8, reseal: bool) {
        let (address, tags) = (address(), tags());
        let valid = sealed(&draft(&address, &tags), "the value");
        let _ = Envelope::read(&bytes.clone().into(), MAX);
        // The same behind what is right, and right but for one byte, with a checksum that fits.
        bytes.splice(0..0, valid[..HEAD + 1].iter().copied());
        bytes.resize(bytes.len().max(60), 0);
        let _ = Envelope::read(&resealed(&bytes, |_| ()), MAX).map(|envelope| envelope.payload(MAX));
        let mut changed = valid.to_vec();
        let at = at % changed.len();
        changed[at] = changed[at].wrapping_add(by);
        let changed = if reseal { resealed(&changed, |_| ()) } else { changed.into() };
        if let Ok(envelope) = Envelope::read(&changed, MAX) {
            prop_assert!(reseal || by == 0);
            let _ = envelope.payload(MAX);
        }
    }
}
