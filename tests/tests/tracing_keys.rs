//! `configure().trace_keys(true)`: for the whole process, so that it is a test of its own.

use cachekit::{cache, configure};
use cachekit_tests::heard;

#[cache(name = "k::known")]
fn known(name: &str, age: u8) -> usize {
    name.len() + usize::from(age)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Unwritten(u8);

#[cache(name = "k::unwritten")]
fn unwritten(key: Unwritten) -> u8 {
    key.0
}

#[test]
fn keys_are_in_spans_once_the_program_has_said_so() {
    heard::listen();
    known("Ann", 7);
    configure().trace_keys(true).apply().expect("the first use");
    known("Eve", 8);
    unwritten(Unwritten(1));
    let spans = heard::spans("k::known", "load");
    let keys: Vec<&str> = spans.iter().map(|span| span.field("key")).collect();
    assert_eq!(keys, ["", "\"Eve\",8"]);
    let other = &heard::spans("k::unwritten", "load")[0];
    assert_eq!((other.field("key"), other.field("key_hash").len()), ("", 16), "serde does not know it");
}
