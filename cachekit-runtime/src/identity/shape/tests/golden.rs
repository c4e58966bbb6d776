//! Shapes that must not change: another digest makes the entries of all programs out there unseen. Who has to change one changes `FORMAT`.

use super::look_alikes::{Date, Uuid, Week};
use super::*;
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    ops::{Bound, Range},
    path::PathBuf,
    time::{Duration, SystemTime},
};

#[derive(Deserialize)]
#[allow(dead_code)]
struct User {
    id: u64,
    key: Uuid,
    born: Date,
    week: Week,
    name: Option<String>,
    roles: Vec<Role>,
    by_role: HashMap<String, Role>,
    #[serde(default)]
    note: Box<str>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Role {
    Admin,
    Member { since: u32, by: String },
    Other(u8, i64),
}

/// The first eight bytes.
fn short<V: DeserializeOwned>() -> String {
    let shape = Shape::of::<V>();
    assert_eq!(shape.opaque(), None, "{}: {:#?}", std::any::type_name::<V>(), facts::<V>());
    shape.digest()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn digests() {
    let all = [
        ("User", short::<User>()),
        ("Role", short::<Role>()),
        ("u64", short::<u64>()),
        ("i128", short::<i128>()),
        ("f64", short::<f64>()),
        ("char", short::<char>()),
        ("()", short::<()>()),
        ("String", short::<String>()),
        ("(u8, String)", short::<(u8, String)>()),
        ("[u16; 4]", short::<[u16; 4]>()),
        ("Option<Vec<u8>>", short::<Option<Vec<u8>>>()),
        ("HashMap<String, u8>", short::<HashMap<String, u8>>()),
        ("Result<u8, String>", short::<Result<u8, String>>()),
        ("NonZeroU32", short::<NonZeroU32>()),
        ("Duration", short::<Duration>()),
        ("SystemTime", short::<SystemTime>()),
        ("IpAddr", short::<IpAddr>()),
        ("Ipv6Addr", short::<Ipv6Addr>()),
        ("SocketAddr", short::<SocketAddr>()),
        ("PathBuf", short::<PathBuf>()),
        ("Range<u8>", short::<Range<u8>>()),
        ("Bound<u8>", short::<Bound<u8>>()),
    ];
    let shown: Vec<String> = all.iter().map(|(name, digest)| format!("{digest}  {name}")).collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(shown, golden, "\n{}\n", shown.join("\n"));
}
