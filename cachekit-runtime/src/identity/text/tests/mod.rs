mod golden;
mod injective;

use super::*;
use serde::Serialize;

fn text<K: Serialize>(key: K) -> String {
    KeyText::of(&key).unwrap().into_whole()
}

#[test]
fn long_texts_are_cut_and_hashed() {
    let fits = text("a".repeat(LONGEST - 2));
    assert_eq!((fits.len(), KeyText::of(&"a".repeat(LONGEST - 2)).unwrap().in_address()), (LONGEST, &*fits));

    let long = KeyText::of(&(7, "a".repeat(LONGEST))).unwrap();
    let expected = format!("7,\"{}~{}", "a".repeat(61), &blake3::hash(long.whole().as_bytes()).to_hex()[..32]);
    assert_eq!(long.in_address(), expected);
    assert_eq!(long.to_string(), expected);
    assert!(long.whole().len() > LONGEST && is_hashed(long.in_address()) && !is_hashed(long.whole()));
    let other = KeyText::of(&(7, format!("{}b", "a".repeat(LONGEST)))).unwrap();
    assert_ne!(long.in_address(), other.in_address());
    // A short text that looks like the hash of a long one is none.
    let forged = text(&expected);
    assert!(!is_hashed(&forged) && parse(&forged) == Some(Tree::Text(expected)));

    for name in [cache_name(&"app::users::".repeat(99)), tag_name(&"a".repeat(999))] {
        assert!(name.len() <= LONGEST && is_hashed(&name), "{name}");
    }
}

#[test]
fn a_cut_splits_no_character_and_no_escape() {
    for shift in 0..4 {
        for filler in ["é", "€", "😀", "{", "\u{1}"] {
            let long = KeyText::of(&format!("{}{}", "a".repeat(shift), filler.repeat(LONGEST))).unwrap();
            let (beginning, _) = long.in_address().rsplit_once('~').unwrap();
            assert!(beginning.len() <= BEGINNING && beginning.len() > BEGINNING - 8, "{beginning}");
            assert!(escape::unescape(beginning).is_some(), "{beginning}");
        }
    }
}

#[test]
fn names_are_fit_for_addresses_and_lead_back() {
    for (name, fit) in [
        ("app::users::find", "app/users/find"),
        ("app::first<u8, {integer}>", "app/first<u8, %7Binteger%7D>"),
        ("user.by-id", "user.by-id"),
        ("a/b", "a%2Fb"),
        ("a:b", "a%3Ab"),
        (":::", "/%3A"),
        ("::", "/"),
        ("%2F", "%252F"),
        ("~", "%7E"),
        ("über", "über"),
        ("a\nb\u{202e}", "a%0Ab%E2%80%AE"),
        ("", ""),
    ] {
        assert_eq!(cache_name(name), fit);
        assert_eq!(original_name(fit).as_deref(), Some(name));
    }
    for foreign in ["%3A/", "%2f", "%", "%2", "{", "%E2", "a:b"] {
        assert_eq!(original_name(foreign), None, "{foreign}");
    }
    assert_eq!(tag_name("team:{7}/a"), "team:%7B7%7D/a");
}

#[test]
fn what_cannot_be_written_says_so() {
    #[derive(Serialize)]
    struct Nested(Option<Box<Nested>>);
    let mut nested = Nested(None);
    for _ in 0..127 {
        nested = Nested(Some(Box::new(nested)));
    }
    let whole = text(&nested);
    assert!(parse(&whole).is_some(), "what can be written can be read");
    nested = Nested(Some(Box::new(Nested(Some(Box::new(nested))))));
    assert_eq!(KeyText::of(&nested), Err(Unwritable::TooDeep));
    let mut text = "before".to_owned();
    assert_eq!(KeyText::append(&mut text, &nested), Err(Unwritable::TooDeep));
    assert_eq!(text, "before", "what failed leaves nothing behind");
    assert_eq!((KeyText::append(&mut text, &(1, "a")), &*text), (Ok(()), "before1,\"a\""));
    assert_eq!(parse(&format!("{}none{}", "some(".repeat(100_000), ")".repeat(100_000))), None);

    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no"))
        }
    }
    assert_eq!(KeyText::of(&(1, Fails)), Err(Unwritable::Failed("no".to_owned())));
}

#[test]
fn debug_builds_see_where_eq_and_serialize_disagree() {
    #[derive(Serialize)]
    struct Id {
        id: u8,
        #[serde(skip)]
        version: u8,
    }
    impl PartialEq for Id {
        fn eq(&self, other: &Self) -> bool {
            (self.id, self.version) == (other.id, other.version)
        }
    }
    impl Eq for Id {}
    #[derive(Serialize)]
    struct Case(&'static str);
    impl PartialEq for Case {
        fn eq(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(other.0)
        }
    }
    impl Eq for Case {}
    assert_eq!(disagreement(&1, &1), None);
    assert_eq!(disagreement(&1, &2), None);
    if cfg!(debug_assertions) {
        let hidden = disagreement(&Id { id: 1, version: 1 }, &Id { id: 1, version: 2 });
        assert_eq!(hidden, Some(Disagreement::OneText("(id=1)".to_owned())));
        let cases = disagreement(&Case("A"), &Case("a"));
        assert_eq!(cases, Some(Disagreement::TwoTexts("\"A\"".to_owned(), "\"a\"".to_owned())));
    } else {
        assert_eq!(disagreement(&Case("A"), &Case("a")), None);
    }
}
