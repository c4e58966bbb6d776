//! Types of other crates that reject what a tracer feeds them, in small.

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use std::fmt;

/// As a UUID: hyphenated text of that very length, or 16 bytes.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Uuid;

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Uuid;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a UUID")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Uuid, E> {
                let groups: Vec<_> = text.split('-').map(str::len).collect();
                if groups == [8, 4, 4, 4, 12] { Ok(Uuid) } else { Err(E::custom("UUID parsing failed")) }
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Uuid, E> {
                if bytes.len() == 16 { Ok(Uuid) } else { Err(E::custom("UUID parsing failed")) }
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Seen)
        } else {
            deserializer.deserialize_bytes(Seen)
        }
    }
}

/// As a date: a text that no probe of ours is.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Week;

impl<'de> Deserialize<'de> for Week {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "1970-W01" { Ok(Week) } else { Err(D::Error::custom("premature end of input")) }
    }
}

/// As a date that a probe of ours is.
pub(super) struct Date;

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        if parts.len() == 3 { Ok(Date) } else { Err(D::Error::custom("input contains invalid characters")) }
    }
}

/// As a complex number that asks a sequence for two different things.
pub(super) struct Pair;

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both;
        impl<'de> Visitor<'de> for Both {
            type Value = Pair;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pair")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pair, A::Error> {
                items.next_element::<u8>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                items.next_element::<String>()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                Ok(Pair)
            }
        }
        deserializer.deserialize_seq(Both)
    }
}
