//! Two keys have one text only if they are the same, which the parser proves by reading the key back.

use super::*;
use proptest::{prelude::*, string::string_regex};
use serde::{
    Serializer,
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleVariant},
};

/// Any value of serde's data model, which writes itself as what it says.
#[derive(Debug, Clone)]
struct Any(Tree);

/// Names are static in serde: these have all that makes names hard.
const NAMES: [&str; 14] = ["a", "x", "Id", "", "none", "some", "nan", "1", "-1", "a b", "a=1", "é(", "%", "{~}"];

fn leaked(name: &str) -> &'static str {
    NAMES.iter().find(|known| **known == name).copied().unwrap()
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let any = |tree: &Tree| Any(tree.clone());
        match &self.0 {
            Tree::Bool(value) => serializer.serialize_bool(*value),
            Tree::Number(digits) => match digits.parse::<i128>() {
                Ok(value) => serializer.serialize_i128(value),
                Err(_) => serializer.serialize_f64(digits.parse().unwrap()),
            },
            Tree::Char(c) => serializer.serialize_char(*c),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Tree::None => serializer.serialize_none(),
            Tree::Some(value) => serializer.serialize_some(&any(value)),
            Tree::Tuple(values) if values.is_empty() => serializer.serialize_unit(),
            Tree::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_element(&any(value)))?;
                tuple.end()
            }
            Tree::Sequence(values) => {
                let mut sequence = serializer.serialize_seq(None)?;
                values.iter().try_for_each(|value| sequence.serialize_element(&any(value)))?;
                sequence.end()
            }
            Tree::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(&any(key), &any(value)))?;
                map.end()
            }
            Tree::Fields(fields) => {
                let mut value = serializer.serialize_struct("S", fields.len())?;
                fields.iter().try_for_each(|(name, field)| value.serialize_field(leaked(name), &any(field)))?;
                value.end()
            }
            Tree::Variant(name, Content::Unit) => serializer.serialize_unit_variant("E", 0, leaked(name)),
            Tree::Variant(name, Content::Newtype(value)) => {
                serializer.serialize_newtype_variant("E", 0, leaked(name), &any(value))
            }
            Tree::Variant(name, Content::Tuple(values)) => {
                let mut tuple = serializer.serialize_tuple_variant("E", 0, leaked(name), values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(&any(value)))?;
                tuple.end()
            }
            Tree::Variant(name, Content::Fields(fields)) => {
                let mut value = serializer.serialize_struct_variant("E", 0, leaked(name), fields.len())?;
                fields.iter().try_for_each(|(name, field)| value.serialize_field(leaked(name), &any(field)))?;
                value.end()
            }
        }
    }
}

fn floats() -> impl Strategy<Value = Tree> {
    any::<f64>().prop_map(|value| match text(value) {
        digits if digits.parse::<i128>().is_ok() => panic!("{value} is written like an integer"),
        digits => Tree::Number(digits),
    })
}

/// Texts of few letters, so that pairs are often equal or nearly so.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        string_regex(r#"[a,"'()\[\]:=%{}~ 0\x00é]{0,3}"#).unwrap(),
        prop::sample::select(vec!["none", "some(1)", "1", "", "\"", "\",\"", "%22", "x\"\"", "a\u{202e}", "~0123"])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    let name = || prop::sample::select(&NAMES[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Tree::Bool),
        (-2_i128..3).prop_map(|value| Tree::Number(value.to_string())),
        any::<i128>().prop_map(|value| Tree::Number(value.to_string())),
        floats(),
        prop_oneof![prop::char::any(), prop::sample::select(vec!['\'', '"', 'a', '%', '{'])].prop_map(Tree::Char),
        texts().prop_map(Tree::Text),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Tree::Bytes),
        Just(Tree::None),
        name().prop_map(|name| Tree::Variant(name, Content::Unit)),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let values = || prop::collection::vec(inner.clone(), 0..3);
        let fields = || prop::collection::vec((name(), inner.clone()), 0..3);
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed().prop_map(Tree::Some),
            values().prop_map(Tree::Tuple),
            values().prop_map(Tree::Sequence),
            prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Tree::Map),
            fields().prop_map(Tree::Fields),
            (name(), boxed()).prop_map(|(name, value)| Tree::Variant(name, Content::Newtype(value))),
            (name(), values()).prop_map(|(name, values)| Tree::Variant(name, Content::Tuple(values))),
            (name(), fields()).prop_map(|(name, fields)| Tree::Variant(name, Content::Fields(fields))),
        ]
    })
}

fn is_fit(text: &str) -> bool {
    !text.chars().any(|c| c != '%' && escape::is_unfit(c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_text_leads_back_to_its_key(tree in trees()) {
        let key = KeyText::of(&Any(tree.clone())).unwrap();
        prop_assert!(is_fit(key.whole()) && is_fit(key.in_address()), "{}", key.whole());
        prop_assert!(key.in_address().len() <= LONGEST);
        prop_assert_eq!(is_hashed(key.in_address()), key.whole().len() > LONGEST);
        prop_assert_eq!(parse(key.whole()), Some(tree));
    }

    #[test]
    fn two_keys_are_equal_exactly_if_their_texts_are(one in trees(), other in trees()) {
        let texts = [&one, &other].map(|tree| KeyText::of(&Any(tree.clone())).unwrap());
        prop_assert_eq!(one == other, texts[0] == texts[1]);
        prop_assert_eq!(one == other, texts[0].in_address() == texts[1].in_address());
    }

    #[test]
    fn strings_side_by_side_do_not_run_into_each_other(one in (texts(), texts()), other in (texts(), texts())) {
        prop_assert_eq!(one == other, text(&one) == text(&other));
    }

    #[test]
    fn names_do_not_meet(one in "[a:/%~{é]{0,4}", other in "[a:/%~{é]{0,4}") {
        prop_assert_eq!(one == other, cache_name(&one) == cache_name(&other));
        prop_assert_eq!(one == other, tag_name(&one) == tag_name(&other));
        prop_assert!(is_fit(&cache_name(&one)) && !cache_name(&one).contains(':') && is_fit(&tag_name(&one)));
        prop_assert_eq!(original_name(&cache_name(&one)), Some(one));
    }

    #[test]
    fn the_parser_takes_everything(input in any::<String>(), near in "[a0\"'(),=:x%~\\[\\]-]{0,24}") {
        for text in [input, near] {
            if let Some(tree) = parse(&text) {
                prop_assert!(!is_hashed(&text), "{text} is only the hash of {tree:?}");
            }
        }
    }

    #[test]
    fn a_damaged_text_is_not_taken_for_the_whole(tree in trees(), at in any::<prop::sample::Index>()) {
        let whole = text(Any(tree.clone()));
        let cuts: Vec<usize> = (0..whole.len()).filter(|end| whole.is_char_boundary(*end)).collect();
        if !cuts.is_empty() {
            prop_assert_ne!(parse(&whole[..*at.get(&cuts)]), Some(tree));
        }
    }
}
