//! Types that contain themselves, that have no traceable shape, or whose `Deserialize` misbehaves.

use super::look_alikes::{Date, Pair, Uuid, Week};
use super::*;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

#[derive(Deserialize)]
#[allow(dead_code)]
struct Tree {
    value: u8,
    kids: Vec<Tree>,
    parent: Option<Box<Tree>>,
    named: BTreeMap<String, Tree>,
    last: f32,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Expression<N> {
    Add(Box<Expression<N>>, Box<Expression<N>>),
    Scaled { by: Box<Expression<N>>, factor: f64 },
    Weighed(Box<Expression<N>>, N),
    Number(i64),
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Even {
    odd: Option<Box<Odd>>,
    after: u8,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Odd {
    even: Option<Box<Even>>,
    after: u16,
}

#[test]
fn a_type_that_contains_itself_is_traced_to_its_end() {
    assert!(has::<Tree>("0 .4:last/", "f32"));
    assert!(has::<Tree>("0 .4:kids/[0]/", "is 0"));
    assert!(has::<Tree>("0 .6:parent/?/", "is 0"));
    assert!(has::<Tree>("0 .5:named/value 0/", "is 0"));
    assert!(has::<Expression<u8>>("0 #3:Add/[1]/", "is 0"));
    assert!(has::<Expression<u8>>("0 #6:Scaled/.6:factor/", "f64"));
    assert!(has::<Expression<u8>>("0 #7:Weighed/[1]/", "u8"));
    assert_ne!(Shape::of::<Expression<u8>>(), Shape::of::<Expression<u16>>());
    assert!(has::<Even>("1 .5:after/", "u16"));
    assert_ne!(Shape::of::<Even>(), Shape::of::<Odd>());
    assert!(has::<Expression<Vec<Expression<bool>>>>("1 #7:Weighed/[1]/", "bool"));
}

#[test]
fn what_rejects_every_probe_hides_only_itself() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Many {
        first: Week,
        a: u8,
        second: Week,
        inner: Inner,
        third: Vec<Week>,
        by_week: HashMap<u8, Week>,
        last: Option<Week>,
        end: u64,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        week: Week,
        kind: Kind,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Kind {
        A(Week),
        B { week: Week, after: u8 },
        C(bool),
    }
    for (path, fact) in [
        ("0 .1:a/", "u8"),
        ("0 .5:inner/", "is 1"),
        ("1 .4:kind/", "is 2"),
        ("2 #1:B/.5:after/", "u8"),
        ("2 #1:C/~/", "bool"),
        ("0 .4:last/?/", "str"),
        ("0 .3:end/", "u64"),
        ("0 .5:third/", "fails: says premature end of input"),
    ] {
        assert!(has::<Many>(path, fact), "{path} {fact}: {:#?}", facts::<Many>());
    }
    // An id and a date are met by a probe, so that they hide nothing even where the order is fixed.
    assert!(has::<(Uuid, Date, u32)>("[2]/", "u32"));
    assert!(has::<HashMap<Uuid, u32>>("value 0/", "u32"));
    assert!(has::<(Vec<Week>, Option<Week>, u32)>("[2]/", "u32"));
    assert!(has::<Pair>("[1]/", "str"));
}

#[test]
fn what_is_hidden_makes_the_shape_opaque() {
    assert_eq!(opaque::<(Week, u32)>(), Some(Opaque::Hidden));
    assert_eq!(opaque::<(u32, Week)>(), None);
    assert_eq!(opaque::<BTreeMap<Week, u32>>(), Some(Opaque::Hidden));
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Deep {
        A,
        B(Week, u8),
    }
    assert_eq!(opaque::<Vec<Option<Deep>>>(), Some(Opaque::Hidden));
}

#[test]
fn shapes_that_the_data_decides_are_opaque() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    #[serde(untagged)]
    enum Untagged {
        A { x: u8 },
        B(String),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    #[serde(tag = "t")]
    enum Internal {
        A { x: u8 },
        B { y: u8 },
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat<R, L> {
        id: u8,
        #[serde(flatten)]
        rest: R,
        last: L,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        z: u8,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Holder<V, L> {
        value: V,
        last: L,
    }
    assert_eq!(opaque::<Untagged>(), Some(Opaque::AsksForAny));
    assert_eq!(opaque::<Internal>(), Some(Opaque::AsksForAny));
    assert_eq!(opaque::<Flat<Inner, u8>>(), Some(Opaque::AsksForAny));
    assert_eq!(opaque::<serde_json::Value>(), Some(Opaque::AsksForAny));
    // With a version it is what can be seen that counts.
    assert_eq!(opaque::<Holder<serde_json::Value, u8>>(), Some(Opaque::AsksForAny));
    assert_ne!(Shape::of::<Holder<serde_json::Value, u8>>(), Shape::of::<Holder<serde_json::Value, u16>>());
    assert_ne!(Shape::of::<Holder<Untagged, u8>>(), Shape::of::<Holder<Untagged, u16>>());
}

#[test]
fn a_deserialize_that_panics_is_caught() {
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            assert!(text.is_ascii() && text.len() > 100, "expected by a test");
            Ok(Panics)
        }
    }
    assert_eq!(opaque::<Vec<Panics>>(), Some(Opaque::Panicked));
}

#[test]
fn a_deserialize_that_does_not_end_is_ended() {
    /// Asks for more, whatever it gets.
    struct Greedy;
    impl<'de> Deserialize<'de> for Greedy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Endless;
            impl<'de> Visitor<'de> for Endless {
                type Value = Greedy;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("more")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Greedy, A::Error> {
                    let mut found = 0_u64;
                    while found < u64::MAX {
                        found += u64::from(matches!(items.next_element::<u8>(), Ok(Some(1..))));
                    }
                    Ok(Greedy)
                }
            }
            deserializer.deserialize_seq(Endless)
        }
    }
    assert_eq!(opaque::<Greedy>(), Some(Opaque::TooLarge));

    /// As deep as one likes, without a name.
    struct Deep;
    impl<'de> Deserialize<'de> for Deep {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Option::<Box<Deep>>::deserialize(deserializer).map(|_| Deep)
        }
    }
    assert_eq!(opaque::<Deep>(), Some(Opaque::TooLarge));
}

#[test]
fn a_deserialize_that_varies_is_opaque() {
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });
    struct Varies;
    impl<'de> Deserialize<'de> for Varies {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            CALLS.set(CALLS.get() + 1);
            Err(D::Error::custom(format_args!("call {}", CALLS.get())))
        }
    }
    assert_eq!(opaque::<Varies>(), Some(Opaque::Varies));
}

#[test]
fn large_types_are_traced_within_the_bounds() {
    macro_rules! wide {
        ($inner:ty => $name:ident { $($field:ident)* }) => {
            #[derive(Deserialize)]
            #[allow(dead_code)]
            struct $name { $($field: $inner),* }
        };
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Kind {
        A,
        B(u8),
        C { date: Date, week: Week, id: Uuid },
        D(Vec<(u8, Option<String>)>),
    }
    wide!(Kind => Small { a b c d e f g h });
    wide!(Small => Middle { a b c d e f g h });
    wide!(Middle => Large { a b c d });
    assert!(has::<Large>("3 #1:D/~/[0]/[1]/?/", "str"));
}
