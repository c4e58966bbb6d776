use super::*;
use crate::backend::Address;
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
#[allow(dead_code)]
struct User {
    id: u64,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Event {
    at: u64,
    payload: serde_json::Value,
}

#[test]
fn each_part_gives_another_fingerprint() {
    let identities = [
        fingerprint::<User>("json", None, &[]),
        fingerprint::<User>("postcard", None, &[]),
        fingerprint::<User>("json", Some(1), &[]),
        fingerprint::<User>("json", Some(2), &[]),
        fingerprint::<User>("json", None, &["user:{id}"]),
        fingerprint::<User>("json", None, &["user:{id}", "team:{team}"]),
        fingerprint::<User>("json", None, &["team:{team}", "user:{id}"]),
        fingerprint::<User>("json", None, &["user:{id}team:{team}"]),
        fingerprint::<User>("json", None, &["user:{id}", ""]),
        fingerprint::<(User,)>("json", None, &[]),
        raw("bytes", "raw", None, &[]),
        raw("string", "raw", None, &[]),
        raw("bytes", "raw", Some(1), &[]),
        raw("bytes", "raw", None, &["a"]),
        untraced::<User>("mine", Some(0), &[]),
        untraced::<Event>("mine", Some(0), &[]),
        untraced::<User>("mine", Some(1), &[]),
        untraced::<User>("other", Some(0), &[]),
    ];
    let different: HashSet<Fingerprint> = identities.iter().map(|identity| identity.fingerprint).collect();
    assert_eq!(different.len(), identities.len());
    assert!(identities.iter().all(|identity| !identity.is_tied_to_executable));
}

#[test]
fn fingerprints_are_the_same_everywhere() {
    let shown = |identity: Identity| Address::new("c", "", identity.fingerprint).to_string();
    assert_eq!(shown(fingerprint::<User>("json", None, &["user:{id}"])), "c::324a3326a5cc9b62");
    assert_eq!(shown(raw("bytes", "raw", Some(7), &[])), "c::7ecb93b55e16bea4");
    assert_eq!(fingerprint::<User>("json", None, &[]), fingerprint::<User>("json", Some(0), &[]));
}

#[test]
fn what_cannot_be_traced_is_tied_to_the_executable_unless_it_has_a_version() {
    let tied = fingerprint::<Event>("json", None, &[]);
    assert!(tied.is_tied_to_executable);
    assert_eq!(tied.opaque, Some(Opaque::AsksForAny));
    assert_eq!(tied, fingerprint::<Event>("json", None, &[]), "the same in the same program");
    let free = fingerprint::<Event>("json", Some(0), &[]);
    assert!(!free.is_tied_to_executable);
    assert_eq!(free.opaque, Some(Opaque::AsksForAny), "it is said all the same");
    assert_ne!(free.fingerprint, tied.fingerprint);
    let other = fingerprint::<(Event, u8)>("json", Some(0), &[]);
    assert_ne!(free.fingerprint, other.fingerprint, "what can be seen counts");

    let untraced = untraced::<User>("mine", None, &[]);
    assert!(untraced.is_tied_to_executable && untraced.opaque == Some(Opaque::Untraced));
    assert!(!raw("bytes", "raw", None, &[]).is_tied_to_executable);
}
