use super::{form::*, *};
use crate::hashing::KeyHasher;
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
    // That one hashes a stream of bytes, ours what it is fed at once.
    let ours = KeyHasher::new(None);
    assert_eq!(ours.hash_parts(parts), ours.hash_one(&key));
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
    law(&one::<_, Slice<Ref>>(&vec!["a", "bc"]));
    law(&one::<_, Slice<Opt<Ref>>>(&Box::<[_]>::from([Some("a"), None])));
    law(&one::<_, RefTo<Ref>>(&&"name"));
    law(&one::<_, RefTo<RefTo<Ref>>>(&&&&7_u8));
    law(&one::<_, RefTo<Arr<Ref>>>(&&["a", "bc"]));
    law(&one::<_, RefTo<(Val, Ref)>>(&&(1_u8, "pair")));
    law(&one::<_, RefTo<Opt<Ref>>>(&&Some("x")));
    law(&one::<_, RefTo<CowForm>>(&&Cow::Borrowed("cow")));
    law(&one::<_, RefTo<Slice<RefTo<Ref>>>>(&&vec![&"a", &"bc"]));
    law(&one::<_, CowForm>(&Cow::Borrowed("cow")));
    law(&one::<_, (Val, Ref)>(&(1_u8, "pair")));
    law(&(one::<_, Val>(&1_u8), one::<_, Ref>(&"two"), one::<_, Opt<Ref>>(&Some("three"))));
}

/// Numbers in a row are fed at once.
#[test]
fn lists_of_borrowed_numbers_hash_like_their_owned_keys() {
    law(&one::<_, Slice<Ref>>(&&[&1_u8, &2][..]));
    law(&one::<_, Slice<Ref>>(&[1_u64; 100].iter().collect::<Vec<_>>()));
    law(&one::<_, Slice<RefTo<Ref>>>(&vec![&&-3_i128]));
    law(&one::<_, Slice<CowForm>>(&vec![Cow::Borrowed(&1_usize), Cow::Owned(2)]));
    law(&one::<_, Slice<Ref>>(&Vec::<&u32>::new()));
    law(&one::<_, Arr<Ref>>(&[&1_u16, &2]));
    law(&one::<_, Slice<Arr<Ref>>>(&vec![[&1_u16, &2], [&3, &4]]));
    law(&one::<_, Slice<Ref>>(&vec![&'a', &'b']));
    law(&one::<_, Slice<Ref>>(&vec![&true, &false]));
    law(&one::<_, Slice<(Val, Ref)>>(&vec![(1_u8, &2_u8), (3, &4)]));
}

#[test]
fn parts_tell_neighbours_apart() {
    let key = (one::<_, Ref>(&"x"), one::<_, Ref>(&"yz")).to_key().expect("usable");
    assert!(!(one::<_, Ref>(&"xy"), one::<_, Ref>(&"z")).matches_key(&key));
    assert!(!one::<_, Opt<Ref>>(&None::<&str>).matches_key(&Some("x".to_owned())));
    assert!(!one::<_, RefTo<Ref>>(&&"x").matches_key(&"y".to_owned()));
    assert!(!one::<_, Slice<Ref>>(&vec!["a"]).matches_key(&vec!["b".to_owned()]));
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

/// As generated code asks.
macro_rules! found {
    ($value:expr) => {
        (&&&FormProbe::new(&$value)).part()
    };
}

#[test]
fn probes_find_parts_on_values() {
    use super::{ViaBorrowed as _, ViaOwned as _, ViaRejected as _};
    let name = String::from(" a ");
    let (trimmed, number) = (name.trim(), 7_u64);
    let parts = (found!(trimmed), found!(number), found!(name));
    assert_eq!(parts.to_key(), Some(("a".to_owned(), 7, name.clone())));
    let (some, cow, plain) = (Some("x"), Cow::Borrowed("y"), Some(1_u8));
    let borrowed = (found!(some), found!(cow), found!(plain));
    assert_eq!(borrowed.to_key(), Some((Some("x".to_owned()), "y".to_owned(), Some(1))));
    assert!(found!(1.5_f64).to_key().is_none());
}

/// As generated code asks.
macro_rules! known {
    ($form:ty, $value:expr) => {
        (&PartProbe::<_, $form>::new(&$value)).part()
    };
}

#[test]
fn parts_of_known_form_are_usable_or_not() {
    use super::{ViaUnusable as _, ViaUsable as _};
    fn generic<T: Hash + Eq + Clone + Send + Sync + 'static>(value: &T) -> Option<T> {
        known!(Val, *value).to_key()
    }
    assert_eq!(generic(&3_u8), Some(3));
    assert!(known!(Val, 1.5_f64).to_key().is_none());
    assert_eq!(known!(Ref, "x").to_key(), Some("x".to_owned()));
}
