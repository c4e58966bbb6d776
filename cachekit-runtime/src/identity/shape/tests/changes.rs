//! Every change that alters how a value is read gives another shape.

use super::look_alikes::{Date, Uuid, Week};
use super::*;
use serde::Deserialize;
use std::any::type_name;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    num::{NonZeroI8, NonZeroU8},
    sync::Arc,
};

/// Types with one item in common, each in a module of its own: their shapes are in pairs different.
macro_rules! all_differ {
    ($($name:ident { $($item:item)* })*) => {{
        #[allow(dead_code)]
        mod variants { $(pub(super) mod $name {
            #[allow(unused_imports)] use super::super::*;
            $($item)*
            pub(in super::super) type Root = T;
        })* }
        let shapes = [$((stringify!($name), Shape::of::<variants::$name::Root>())),*];
        for (at, (one, shape)) in shapes.iter().enumerate() {
            assert_eq!(shape.opaque(), None, "{one}");
            for (other, second) in &shapes[at + 1..] {
                assert_ne!(shape.digest(), second.digest(), "{one} and {other}");
            }
        }
        assert!(shapes.len() > 6);
    }};
}

#[test]
fn a_field_added_removed_reordered_renamed_or_retyped() {
    all_differ! {
        before { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: String } }
        added { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: String, c: bool } }
        removed { #[derive(Deserialize)] pub(crate) struct T { a: u64 } }
        none { #[derive(Deserialize)] pub(crate) struct T {} }
        unit { #[derive(Deserialize)] pub(crate) struct T; }
        reordered { #[derive(Deserialize)] pub(crate) struct T { b: String, a: u64 } }
        renamed { #[derive(Deserialize)] pub(crate) struct T { a: u64, c: String } }
        renamed_in_writing { #[derive(Deserialize)] pub(crate) struct T { a: u64, #[serde(rename = "d")] b: String } }
        narrower { #[derive(Deserialize)] pub(crate) struct T { a: u32, b: String } }
        signed { #[derive(Deserialize)] pub(crate) struct T { a: i64, b: String } }
        another_type { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: Vec<u8> } }
        optional { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: Option<String> } }
        boxed_in_a_tuple { #[derive(Deserialize)] pub(crate) struct T { a: (u64,), b: String } }
        not_zero { #[derive(Deserialize)] pub(crate) struct T { a: std::num::NonZeroU64, b: String } }
        rejecting { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: Uuid } }
        rejecting_first { #[derive(Deserialize)] pub(crate) struct T { a: Uuid, b: String } }
        rejecting_all { #[derive(Deserialize)] pub(crate) struct T { a: u64, b: Week } }
        rejecting_all_first { #[derive(Deserialize)] pub(crate) struct T { a: Week, b: String } }
        defaulting { #[derive(Deserialize)] pub(crate) struct T { #[serde(default)] a: u64, b: String } }
        skipped { #[derive(Deserialize)] pub(crate) struct T { #[serde(skip)] a: u64, b: String } }
        with_another_name { #[derive(Deserialize)] pub(crate) struct T { #[serde(alias = "aa")] a: u64, b: String } }
    };
}

#[test]
fn attributes_of_the_container() {
    all_differ! {
        before { #[derive(Deserialize)] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] pub(crate) struct U { d_e: u8 } }
        rename_all { #[derive(Deserialize)] #[serde(rename_all = "camelCase")] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] pub(crate) struct U { d_e: u8 } }
        rename_all_inside { #[derive(Deserialize)] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] #[serde(rename_all = "camelCase")] pub(crate) struct U { d_e: u8 } }
        rename { #[derive(Deserialize)] #[serde(rename = "other")] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] pub(crate) struct U { d_e: u8 } }
        default { #[derive(Deserialize)] #[derive(Default)] #[serde(default)] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] pub(crate) struct U { d_e: u8 } }
        default_inside { #[derive(Deserialize)] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] #[serde(default)] pub(crate) struct U { d_e: u8 } }
        transparent_inside { #[derive(Deserialize)] pub(crate) struct T { a_b: u64, c: U } #[derive(Deserialize)] #[derive(Default)] #[serde(transparent)] pub(crate) struct U { d_e: u8 } }
    };
    let (external, adjacent) = {
        #[derive(Deserialize)]
        #[serde(rename = "E")]
        enum External {
            A(#[allow(dead_code)] u8),
            B,
        }
        #[derive(Deserialize)]
        #[serde(rename = "E", tag = "t", content = "c")]
        enum Adjacent {
            A(#[allow(dead_code)] u8),
            B,
        }
        (Shape::of::<External>(), Shape::of::<Adjacent>())
    };
    assert_ne!(external, adjacent);
}

#[test]
fn a_variant_added_removed_reordered_renamed_or_changed() {
    all_differ! {
        before { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { x: u8, y: Date } } }
        added { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { x: u8, y: Date }, D } }
        removed { #[derive(Deserialize)] pub(crate) enum T { B(u8), C { x: u8, y: Date } } }
        reordered { #[derive(Deserialize)] pub(crate) enum T { B(u8), A, C { x: u8, y: Date } } }
        renamed { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), #[serde(rename = "c")] C { x: u8, y: Date } } }
        filled { #[derive(Deserialize)] pub(crate) enum T { A(), B(u8), C { x: u8, y: Date } } }
        filled_with_a_unit { #[derive(Deserialize)] pub(crate) enum T { A(()), B(u8), C { x: u8, y: Date } } }
        filled_with_fields { #[derive(Deserialize)] pub(crate) enum T { A {}, B(u8), C { x: u8, y: Date } } }
        retyped { #[derive(Deserialize)] pub(crate) enum T { A, B(u16), C { x: u8, y: Date } } }
        longer { #[derive(Deserialize)] pub(crate) enum T { A, B(u8, u8), C { x: u8, y: Date } } }
        retyped_field { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { x: u16, y: Date } } }
        retyped_second_field { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { x: u8, y: Week } } }
        renamed_field { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { z: u8, y: Date } } }
        reordered_fields { #[derive(Deserialize)] pub(crate) enum T { A, B(u8), C { y: Date, x: u8 } } }
        all_renamed { #[derive(Deserialize)] #[serde(rename_all = "lowercase")] pub(crate) enum T { A, B(u8), C { x: u8, y: Date } } }
        adjacent { #[derive(Deserialize)] #[serde(tag = "t", content = "c")] pub(crate) enum T { A, B(u8), D(Date) } }
        adjacent_renamed { #[derive(Deserialize)] #[serde(tag = "t", content = "d")] pub(crate) enum T { A, B(u8), D(Date) } }
        adjacent_retyped { #[derive(Deserialize)] #[serde(tag = "t", content = "c")] pub(crate) enum T { A, B(u16), D(Date) } }
        adjacent_retyped_last { #[derive(Deserialize)] #[serde(tag = "t", content = "c")] pub(crate) enum T { A, B(u8), D(String) } }
        nothing { #[derive(Deserialize)] pub(crate) enum T {} }
    };
}

/// What stands at a place, in every kind of place.
fn differ_everywhere<A: DeserializeOwned, B: DeserializeOwned>(why: &str) {
    fn differ<A: DeserializeOwned, B: DeserializeOwned>(why: &str) {
        for (shape, name) in [(Shape::of::<A>(), type_name::<A>()), (Shape::of::<B>(), type_name::<B>())] {
            assert_eq!(shape.opaque(), None, "{why}: {name}");
        }
        assert_ne!(Shape::of::<A>(), Shape::of::<B>(), "{why}: {} and {}", type_name::<A>(), type_name::<B>());
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Generic<X> {
        before: Date,
        x: X,
        after: u8,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Newtype<X>(X);
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Enum<X> {
        Before(Week),
        Tuple(u8, X, String),
        Struct { week: Week, x: X },
        Newtype(X),
    }
    differ::<A, B>(why);
    differ::<Option<A>, Option<B>>(why);
    differ::<Vec<A>, Vec<B>>(why);
    differ::<[A; 3], [B; 3]>(why);
    differ::<(u8, A), (u8, B)>(why);
    differ::<(A, Week), (B, Week)>(why);
    differ::<HashMap<u8, A>, HashMap<u8, B>>(why);
    differ::<BTreeMap<String, (A,)>, BTreeMap<String, (B,)>>(why);
    differ::<Result<A, u8>, Result<B, u8>>(why);
    differ::<Result<Uuid, A>, Result<Uuid, B>>(why);
    differ::<Newtype<A>, Newtype<B>>(why);
    differ::<Generic<A>, Generic<B>>(why);
    differ::<Generic<Generic<A>>, Generic<Generic<B>>>(why);
    differ::<Generic<Generic<Generic<A>>>, Generic<Generic<Generic<B>>>>(why);
    differ::<Enum<A>, Enum<B>>(why);
    differ::<Enum<Enum<A>>, Enum<Enum<B>>>(why);
    differ::<Enum<Generic<Vec<A>>>, Enum<Generic<Vec<B>>>>(why);
}

#[test]
fn a_nested_type_or_generic_argument() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Small {
        A,
        B,
    }
    differ_everywhere::<u8, u16>("wider");
    differ_everywhere::<i128, u128>("unsigned");
    differ_everywhere::<f32, f64>("a longer float");
    differ_everywhere::<char, String>("a text");
    differ_everywhere::<bool, Option<bool>>("optional");
    differ_everywhere::<Option<u8>, Option<Option<u8>>>("twice optional");
    differ_everywhere::<u8, NonZeroU8>("not zero");
    differ_everywhere::<i8, NonZeroI8>("not zero");
    differ_everywhere::<Uuid, Date>("text of another form");
    differ_everywhere::<Small, bool>("an enum");
    differ_everywhere::<(u8, u16), (u16, u8)>("swapped");
    differ_everywhere::<(u8, u16), [u8; 2]>("an array");
    differ_everywhere::<[u8; 2], [u8; 3]>("longer");
    differ_everywhere::<(Uuid, u32), (Uuid, u64)>("after what rejects");
    differ_everywhere::<HashMap<Uuid, u32>, HashMap<Uuid, u64>>("below a key that rejects");
    differ_everywhere::<std::time::Duration, std::time::SystemTime>("a moment");
    differ_everywhere::<std::net::IpAddr, std::net::Ipv4Addr>("an address");
}

#[test]
fn what_rejects_every_probe_is_told_apart_by_what_it_says() {
    assert_ne!(Shape::of::<Week>(), Shape::of::<Date>());
    assert_ne!(Shape::of::<Vec<Option<Week>>>(), Shape::of::<Vec<Option<String>>>());
}

#[test]
fn the_same_shape_under_other_names_of_the_language() {
    mod a {
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        pub(super) struct User {
            id: u64,
            name: String,
        }
    }
    mod b {
        pub(super) type Id = u64;
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        pub(super) struct User<T> {
            id: Id,
            name: Box<T>,
        }
    }
    assert_eq!(Shape::of::<a::User>(), Shape::of::<b::User<std::sync::Arc<str>>>(), "modules, aliases and pointers");
    assert_eq!(Shape::of::<String>(), Shape::of::<Arc<str>>());
    assert_eq!(Shape::of::<String>(), Shape::of::<Cow<'static, str>>());
    assert_eq!(Shape::of::<Vec<u8>>(), Shape::of::<Box<[u8]>>());
    assert_eq!(Shape::of::<HashMap<u8, u8>>(), Shape::of::<BTreeMap<u8, u8>>());
    assert_eq!(Shape::of::<Vec<u8>>(), Shape::of::<BTreeSet<u8>>());
    assert_eq!(Shape::of::<usize>(), Shape::of::<u64>(), "the size of a word is no part");
}

#[test]
fn the_name_that_serde_sees_is_part_of_the_shape() {
    #[derive(Deserialize)]
    struct Metres(#[allow(dead_code)] f64);
    #[derive(Deserialize)]
    struct Feet(#[allow(dead_code)] f64);
    assert_ne!(Shape::of::<Metres>(), Shape::of::<Feet>());
}
