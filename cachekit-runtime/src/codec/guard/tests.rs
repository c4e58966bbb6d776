use super::{Budget, MAX_DEPTH, Rules, deserialize, serialize};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Deserializer, Serializer};

fn write<T: Serialize>(value: &T, rules: Rules) -> Result<String, String> {
    let mut out = Vec::new();
    serialize(value, &mut Serializer::new(&mut out), rules).map_err(|error| error.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(text: &str, limit: usize) -> Result<T, String> {
    let mut input = Deserializer::from_str(text);
    // serde_json's own limit would hide ours.
    deserialize(&mut input, &Budget::new(limit), text.len(), Rules::default()).map_err(|error| error.to_string())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Nest {
    Leaf,
    Newtype(Box<Nest>),
    Tuple(u8, Box<Nest>),
    Struct { inner: Box<Nest> },
    Some(Option<Box<Nest>>),
    Seq(Vec<Nest>),
}

fn nested(shells: usize, shell: impl Fn(Box<Nest>) -> Nest) -> Nest {
    (0..shells).fold(Nest::Leaf, |inner, _| shell(Box::new(inner)))
}

type Shell = fn(Box<Nest>) -> Nest;

/// Each shell with how many levels it is.
fn shells() -> [(usize, Shell); 5] {
    [
        (1, Nest::Newtype),
        (2, |inner| Nest::Tuple(1, inner)),
        (2, |inner| Nest::Struct { inner }),
        (2, |inner| Nest::Some(Some(inner))),
        (2, |inner| Nest::Seq(vec![*inner])),
    ]
}

#[test]
fn what_may_be_written_may_be_read_to_the_last_level() {
    for (levels, shell) in shells() {
        // The leaf is one.
        let most = (MAX_DEPTH - 1) / levels;
        let value = nested(most, shell);
        let text = write(&value, Rules::default()).unwrap();
        assert_eq!(read::<Nest>(&text, 1 << 20).unwrap(), value);

        let error = write(&nested(most + 1, shell), Rules::default()).unwrap_err();
        assert!(error.starts_with("nested deeper than 127 levels"), "{error}");
    }
}

#[test]
fn what_may_not_be_written_may_not_be_read() {
    // By hand, and as newtypes, which serde_json counts too, so only one more than allowed.
    let text = "{\"Newtype\":".repeat(MAX_DEPTH) + "\"Leaf\"" + &"}".repeat(MAX_DEPTH);
    let error = read::<Nest>(&text, 1 << 20).unwrap_err();
    assert!(error.contains("nested deeper than 127 levels"), "{error}");
}

#[test]
fn strings_and_elements_are_charged() {
    // A fifth of 500 bytes: a string of 76 in a `Vec` takes 24 more.
    let read = |length: usize| read::<Vec<String>>(&format!("[\"{}\"]", "x".repeat(length)), 500);
    assert_eq!(read(76).unwrap()[0].len(), 76);
    assert!(read(77).unwrap_err().contains("more than 100 bytes"));
}

#[test]
fn elements_of_no_size_are_not_free() {
    assert!(read::<Vec<()>>("[null,null]", 5 * 64 * 2).is_ok());
    assert!(read::<Vec<()>>("[null,null,null]", 5 * 64 * 2).is_err());
}

#[test]
fn what_is_behind_a_box_is_charged_and_fields_are_not_charged_twice() {
    #[derive(Serialize, Deserialize)]
    struct Wide([u64; 8]);
    #[derive(Serialize, Deserialize)]
    struct Inline {
        a: Wide,
        b: Wide,
    }
    let one = "[1,1,1,1,1,1,1,1]";
    let text = format!("{{\"a\":{one},\"b\":{one}}}");
    assert!(read::<Inline>(&text, 0).is_ok(), "the value itself is on the caller's stack");
    assert!(read::<Box<Inline>>(&text, 5 * 128).is_ok());
    assert!(read::<Box<Inline>>(&text, 5 * 127).is_err());
    assert!(read::<Vec<Inline>>(&format!("[{text}]"), 5 * 128).is_ok());
    assert!(read::<Vec<Inline>>(&format!("[{text}]"), 5 * 127).is_err());
}

#[test]
fn lengths_are_believed_as_far_as_there_is_input() {
    let budget = Budget::new(5 * 512 * 1_000);
    budget.expect(100);
    assert_eq!(budget.believe(usize::MAX), 100);
    assert_eq!(budget.believe(1), 0, "all that there is has been given out");
    budget.fulfil();
    assert_eq!(budget.believe(2), 1, "and comes back when the element does");
    let budget = Budget::new(5 * 512 * 10);
    budget.expect(100);
    assert_eq!(budget.believe(usize::MAX), 10, "nor more than there is memory");
}

#[test]
fn rules_refuse_what_would_come_back_as_something_else() {
    #[derive(Serialize)]
    struct Newtype<T>(T);
    let rules = Rules::new(true, true, false);
    assert!(write(&f64::NAN, rules).is_err());
    assert!(write(&f32::INFINITY, rules).is_err());
    assert!(write(&Some(()), rules).is_err());
    assert!(write(&Some(Option::<u8>::None), rules).is_err());
    assert!(write(&Some(Newtype(Newtype(()))), rules).is_err());
    assert!(write(&(1.5, Some(Some(1)), Some([()]), Newtype(())), rules).is_ok());
    assert!(write(&Some(()), Rules::default()).is_ok());
    assert!(write(&f64::NAN, Rules::default()).is_ok());
}

#[test]
fn what_the_format_says_of_itself_is_passed_on() {
    struct Asks;
    impl Serialize for Asks {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let readable = serializer.is_human_readable();
            serializer.serialize_bool(readable)
        }
    }
    impl<'de> Deserialize<'de> for Asks {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            assert!(deserializer.is_human_readable());
            bool::deserialize(deserializer).map(|_| Asks)
        }
    }
    assert_eq!(write(&vec![Asks], Rules::default()).unwrap(), "[true]");
    assert!(read::<Vec<Asks>>("[true]", 400).is_ok());
    let wide = (i128::MIN, u128::MAX);
    let text = write(&wide, Rules::default()).unwrap();
    assert_eq!(read::<(i128, u128)>(&text, 400).unwrap(), wide);
    let any: serde_json::Value = read(r#"{"a":[1,"x",null,{"b":2.5}]}"#, 100_000).unwrap();
    assert_eq!(any["a"][3]["b"], 2.5);
}
