use super::*;
use crate::{
    backend::{Fingerprint, MemoryBytes, Version},
    block_on::block_on,
    codec::Raw,
    envelope::{Draft, Envelope, Freshness, Head, TagVersion},
};
use bytes::Bytes;

const MAX: usize = 1 << 20;

fn sealed(address: &Address, tags: &[TagVersion], generation: Option<u64>, freshness: Freshness) -> Bytes {
    let draft = Draft { head: Head::value(), address, freshness, generation, tags, compress: true };
    draft.seal(&Raw, &"a value ".repeat(400), MAX).unwrap()
}

fn tag(version: u64, soft: u64) -> TagVersion {
    TagVersion { name: "team:7".into(), version, soft }
}

fn fresh() -> Freshness {
    Freshness::new(50_000, Some(Duration::from_secs(10))).stale(None, Some(Duration::from_secs(5)))
}

#[test]
fn an_entry_is_resealed_with_its_value_byte_by_byte() {
    let arguments = "9".repeat(500);
    let address = address("user", &arguments, Fingerprint(7));
    let bytes = sealed(&address, &[tag(1, 0)], Some(3), fresh());
    let envelope = Envelope::read(&bytes, MAX).unwrap();
    let mut freshness = envelope.freshness();
    freshness.created = 60_000;
    let setting = Setting { freshness, generation: None, tags: vec![tag(8, 9)] };
    let moved = reseal(&envelope, &address, &setting).unwrap();
    let moved = Envelope::read(&moved, MAX).unwrap();
    assert!(moved.is_of(&address) && moved.head() != envelope.head());
    assert_eq!((moved.generation(), moved.tags(), moved.freshness()), (None, &[tag(8, 9)][..], freshness));
    assert_eq!((moved.codec(), moved.stored_bytes()), (envelope.codec(), envelope.stored_bytes()));
    assert_eq!(moved.payload(MAX).unwrap(), envelope.payload(MAX).unwrap());
    // As if it had been sealed there.
    let back = Setting { freshness: fresh(), generation: Some(3), tags: vec![tag(1, 0)] };
    let back = reseal(&moved, &address, &back).unwrap();
    assert_eq!(back.len(), bytes.len());
    assert!(reseal(&envelope, &address.with_fingerprint(Fingerprint(8)), &setting).is_err());
}

#[test]
fn an_entry_is_judged_as_a_caller_would() {
    let address = address("user", "42", Fingerprint(7));
    let soft = |milliseconds: u64| milliseconds << 16 | 1;
    let bytes = sealed(&address, &[tag(1, 0)], Some(3), fresh());
    let envelope = Envelope::read(&bytes, MAX).unwrap();
    let version = |hard, softened: &[u64]| [Some(Version::new(hard).softened(softened.iter().copied()))];
    let judged = |generation, versions: &[Option<Version>], now| judge(&envelope, generation, versions, now);
    let good = version(1, &[]);
    assert_eq!(judged(Some(Some(3)), &good, 55_000), Judgement::Fresh);
    assert_eq!(judged(None, &good, 55_000), Judgement::Fresh);
    assert_eq!(judged(Some(Some(3)), &good, 61_000), Judgement::Stale);
    assert_eq!(judged(Some(Some(3)), &good, 66_000), Judgement::Expired);
    assert_eq!(judged(Some(Some(4)), &good, 55_000), Judgement::Cleared);
    assert_eq!(judged(Some(None), &good, 55_000), Judgement::Cleared);
    for gone in [&version(2, &[])[..], &[None], &[]] {
        assert_eq!(judged(Some(Some(3)), gone, 55_000), Judgement::Invalidated("team:7".to_owned()));
    }
    // Made stale at 52 s: five seconds more.
    let softened = version(1, &[soft(52_000), soft(54_000)]);
    assert_eq!(judged(Some(Some(3)), &softened, 56_000), Judgement::Stale);
    assert_eq!(judged(Some(Some(3)), &softened, 57_000), Judgement::Expired);
    assert_eq!(freshness_of(&envelope, &softened).ttl, Some(2_000));
    assert_eq!(freshness_of(&envelope, &good).ttl, Some(10_000));
}

#[test]
fn the_first_bytes_tell_what_something_is() {
    let bytes = sealed(&address("user", "42", Fingerprint(7)), &[], None, fresh());
    let first = outline(&bytes[..Outline::BYTES]).unwrap();
    assert_eq!((first.kind, first.created), (crate::envelope::Kind::Value, Some(50_000)));
    let marker = Head::marker().witness();
    assert_eq!(outline(&marker.0).unwrap().created, None);
    assert!(outline(b"somebody else's").is_none() && outline(&[]).is_none());
}

#[test]
fn tags_beside_entries_are_those_of_the_caches() {
    let backend = MemoryBytes::new();
    let made = block_on(make_versions(&backend, &["team:7"], Duration::from_secs(1))).unwrap();
    let known = || block_on(versions(&backend, &["team:7", "other"])).unwrap();
    assert_eq!(known(), [Some(made[0].clone()), None]);
    block_on(soften_tags(&backend, &["team:7", "other"], 1_000)).unwrap();
    let softened = known()[0].clone().unwrap();
    assert_eq!((softened.hard, softened.soft() >> 16), (made[0].hard, 1_000));
    block_on(invalidate_tags(&backend, &["team:7"])).unwrap();
    assert_eq!(known(), [None, None]);
}
