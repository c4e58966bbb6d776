//! Texts that must not change: invalidations by programs of another version would miss their entries.

use super::*;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

#[derive(Serialize)]
struct UserId(u64);
#[derive(Serialize)]
struct Point {
    x: i32,
    y: i32,
}
#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct NoFields {}
#[derive(Serialize)]
struct Pair(u8, u8);
#[derive(Serialize)]
enum Role {
    Admin,
    Member(u32),
    Range(u32, u32),
    Single(#[serde(serialize_with = "alone")] ()),
    At {
        x: f64,
        label: Option<&'static str>,
    },
    #[serde(rename = "none")]
    Nobody,
    #[serde(rename = "två ord")]
    Odd,
}

fn alone<S: serde::Serializer>(_: &(), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

#[test]
fn texts() {
    let texts = [
        text(()),
        text(42_u8),
        text(42_usize),
        text(-7_isize),
        text(u128::MAX),
        text(i128::MIN),
        text(true),
        text('a'),
        text('\''),
        text("Ann"),
        text(""),
        text("a\"b{c}%\n\u{7f}\u{202e}"),
        text("naïve 日本"),
        text((1, "a", 'b')),
        text((1,)),
        text(("a,b", "c")),
        text(("a", "b,c")),
        text(((1, 2), 3)),
        text((1, (2, 3))),
        text(((),)),
        text(((), ())),
        text([0_u8; 0]),
        text([1, 2, 3]),
        text(vec!["a", ""]),
        text(vec![vec![1], vec![]]),
        text(None::<u8>),
        text(Some(1)),
        text(Some(None::<u8>)),
        text(Some(Some(()))),
        text(0.0),
        text(-0.0),
        text(0.1_f32),
        text(0.1_f64),
        text(1.5e-7),
        text(123_456_789.0),
        text(1e16),
        text(f64::MAX),
        text(f64::MIN_POSITIVE),
        text(f32::MAX),
        text(f64::NAN),
        text(-f64::NAN),
        text(f64::INFINITY),
        text(f64::NEG_INFINITY),
        text(UserId(7)),
        text((UserId(7), Point { x: 1, y: -2 })),
        text(Unit),
        text(NoFields {}),
        text(Pair(1, 2)),
        text((Pair(1, 2), 3)),
        text(Role::Admin),
        text(Role::Member(3)),
        text(Role::Range(3, 4)),
        text(Role::Single(())),
        text(Role::At { x: 1.0, label: Some("a") }),
        text(Role::Nobody),
        text(Role::Odd),
        text(BTreeMap::from([("b", 1), ("a", 2)])),
        text(BTreeMap::<u8, u8>::new()),
        text(BTreeMap::from([((1, 2), [3])])),
        text(IpAddr::from(Ipv4Addr::LOCALHOST)),
        text(Duration::from_millis(1_500)),
        text(Arc::<str>::from("shared")),
        text(Cow::Borrowed("borrowed")),
        text(std::path::Path::new("a/b")),
        text(Ok::<u8, ()>(1)),
    ];
    let shown = texts.map(|text| format!("<{text}>"));
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(shown.iter().collect::<Vec<_>>(), golden, "\n{}\n", shown.join("\n"));
}

#[test]
fn the_long_one() {
    let long = KeyText::of(&(1, "a".repeat(300))).unwrap();
    assert_eq!(
        long.in_address(),
        "1,\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~8f9685e1a8e6c79c361aeae9948a7434"
    );
}
