use super::{form::*, *};
use std::{
    borrow::Cow,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    path::Path,
};

/// The law of `KeyPart`: borrowed and owned hash alike, and match.
fn law<P: Parts>(parts: &P) {
    let state = RandomState::new();
    let (mut borrowed, mut owned) = (state.build_hasher(), state.build_hasher());
    parts.hash_parts(&mut borrowed);
    let key = parts.to_key().expect("usable");
    key.hash(&mut owned);
    assert_eq!(borrowed.finish(), owned.finish());
    assert!(parts.matches_key(&key));
}

fn one<T: KeyPart<F>, F>(value: &T) -> Part<'_, T, F, true> {
    part(value)
}

#[test]
fn every_form_hashes_like_its_owned_key() {
    law(&());
    law(&one::<_, Val>(&7_u64));
    law(&one::<_, Ref>(&"name"));
    law(&one::<_, Ref>(&&b"bytes"[..]));
    law(&one::<_, Ref>(&Path::new("/a/b")));
    law(&one::<_, Opt<Ref>>(&Some("x")));
    law(&one::<_, Opt<Ref>>(&None::<&str>));
    law(&one::<_, Opt<Opt<Ref>>>(&Some(None::<&str>)));
    law(&one::<_, Slice<Ref>>(&&["a", "bc"][..]));
    law(&one::<_, Arr<Ref>>(&["a", "bc"]));
    law(&one::<_, CowForm>(&Cow::Borrowed("cow")));
    law(&one::<_, (Val, Ref)>(&(1_u8, "pair")));
    law(&(one::<_, Val>(&1_u8), one::<_, Ref>(&"two"), one::<_, Opt<Ref>>(&Some("three"))));
}

#[test]
fn parts_tell_neighbours_apart() {
    let key = (one::<_, Ref>(&"x"), one::<_, Ref>(&"yz")).to_key().expect("usable");
    assert!(!(one::<_, Ref>(&"xy"), one::<_, Ref>(&"z")).matches_key(&key));
    assert!(!one::<_, Opt<Ref>>(&None::<&str>).matches_key(&Some("x".to_owned())));
    assert!(!one::<_, Slice<Ref>>(&&["a"][..]).matches_key(&vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn probes_see_what_is_a_key() {
    use super::KeyFallback as _;
    struct Opaque;
    const { assert!(<KeyProbe<u64, Val>>::OK) };
    const { assert!(<KeyProbe<&'static str, Ref>>::OK) };
    const { assert!(!<KeyProbe<f64, Val>>::OK) };
    const { assert!(!<KeyProbe<Opaque, Val>>::OK) };
    let opaque = Opaque;
    assert!(part::<_, Val, false>(&opaque).to_key().is_none());
}
