//! The shape of a value: all that its `Deserialize` asks for, and where.
//!
//! The type's `Deserialize` is run against a deserializer that answers every question with a probe and writes down the question, again and again,
//! until each variant of each enum was tried and each field was reached. What is written down are facts such as "at `.id`: a u64". Their set is
//! the shape: the names of structs, fields and variants, the order of fields, the types, what may be missing, and what is said against the probes.
//! Another name of the type, of a struct in a module or of a type parameter changes nothing by itself; the name of a struct as serde sees it does.
//!
//! A text that a type rejects (an id, a date) hides only what lies inside of it, which nothing ever asks for: the field is fed last then, the
//! sequence left empty, the option `None`, and other probes are tried. Where that does not help, and where a type leaves it to the data what
//! comes, the shape is [`Opaque`].

mod access;
mod path;
mod plan;
mod probe;
mod rejection;
mod run;
#[cfg(test)]
mod tests;

use probe::Probe;
use run::Exploration;
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

/// Why a shape is not fully known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opaque {
    /// It leaves it to the data what comes: `untagged`, `flatten`, `tag = …`, `serde_json::Value`.
    AsksForAny,
    /// Something in it rejects every probe, and hides what comes after it.
    Hidden,
    /// It is too large or too deep to be traced, or does not come to an end.
    TooLarge,
    /// It panicked.
    Panicked,
    /// It asks for something else each time.
    Varies,
    /// There is nothing to trace: values of another kind than `Deserialize`.
    Untraced,
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Opaque::AsksForAny => {
                "leaves it to the data what it contains (untagged, flatten, an internal tag, or any value)"
            }
            Opaque::Hidden => "has a part that accepts no probe and hides what comes after it",
            Opaque::TooLarge => "is too large or too deep to be traced",
            Opaque::Panicked => "panicked when it was traced",
            Opaque::Varies => "asks for something else each time it is traced",
            Opaque::Untraced => "is written by a codec that says nothing of its shape",
        })
    }
}

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    digest: [u8; 32],
    opaque: Option<Opaque>,
}

impl Shape {
    /// Traces the shape of `V`. Takes microseconds to milliseconds, and gives the same on every machine and in every process.
    ///
    /// Runs `V`'s `Deserialize` many times. A panic in it is caught (the panic hook runs) and makes the shape opaque.
    #[must_use]
    pub fn of<V: DeserializeOwned>() -> Self {
        let (facts, opaque) = trace::<V>();
        Shape { digest: digest(&facts), opaque }
    }

    /// A hash of all that was found out.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Why that is not everything, if it is not.
    #[must_use]
    pub fn opaque(&self) -> Option<Opaque> {
        self.opaque
    }
}

/// A path and what is asked for there.
type Facts = BTreeSet<(String, String)>;

/// For text formats and for binary ones, which types may take apart; both twice, because what varies identifies nothing.
fn trace<V: DeserializeOwned>() -> (Facts, Option<Opaque>) {
    let mut facts = Facts::new();
    let mut opaque = None;
    for (root, is_human_readable) in [("text ", true), ("binary ", false)] {
        let (found, reason) = explore::<V>(is_human_readable);
        let reason = match reason {
            None | Some(Opaque::AsksForAny | Opaque::Hidden) if explore::<V>(is_human_readable).0 != found => {
                Some(Opaque::Varies)
            }
            reason => reason,
        };
        opaque = opaque.or(reason);
        facts.extend(found.into_iter().map(|(path, fact)| (format!("{root}{path}"), fact)));
    }
    (facts, opaque)
}

fn explore<V: DeserializeOwned>(is_human_readable: bool) -> (Facts, Option<Opaque>) {
    let exploration = Rc::new(Exploration::new(is_human_readable));
    while exploration.begin_run() {
        let root = Probe { exploration: Rc::clone(&exploration), path: String::new(), depth: 0, tag: None };
        match catch_unwind(AssertUnwindSafe(|| V::deserialize(root).err())) {
            Ok(rejection) => exploration.end_run(rejection),
            Err(payload) => {
                let is_endless = payload.is::<run::Endless>();
                exploration.set_opaque(if is_endless { Opaque::TooLarge } else { Opaque::Panicked });
                break;
            }
        }
    }
    exploration.finish()
}

/// Every part with its length before it, so that no two sets are written alike.
fn digest(facts: &Facts) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for text in facts.iter().flat_map(|(path, fact)| [path, fact]) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}
