//! What happened, as the processes report it: a line each.

use super::{KEYS, KINDS, Place};
use std::fmt;

/// How far an invalidation has reached when it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Shared,
    Queued,
    Local,
}

/// What was invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    Key(Place),
    Group(usize),
    Kind(usize),
}

impl What {
    /// Whose versions were raised.
    pub(crate) fn places(self) -> Vec<Place> {
        match self {
            What::Key(place) => vec![place],
            What::Group(group) => Place::of_group(group).collect(),
            What::Kind(kind) => Place::of_kind(kind).collect(),
        }
    }
}

/// A call, from when to when, and the version that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) node: usize,
    pub(crate) place: Place,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) version: u64,
    /// It was given what another call of its process had begun to load.
    pub(crate) is_joined: bool,
}

/// An invalidation, from when to when, and the versions that its keys have had since before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) node: usize,
    pub(crate) what: What,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) outcome: Outcome,
    /// In the order of [`What::places`].
    pub(crate) versions: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Call(Call),
    Change(Change),
    /// A `sync()` of a node, from when to when, which said that all is known.
    Synced(usize, u64, u64),
    /// All of a node that ended before then has been reported.
    Until(usize, u64),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Call(Call { node, place, start, end, version, is_joined }) => {
                write!(f, "call {node} {} {start} {end} {version} {}", place.index(), u8::from(*is_joined))
            }
            Event::Change(Change { node, what, start, end, outcome, versions }) => {
                let (kind, number) = match what {
                    What::Key(place) => ("key", place.index()),
                    What::Group(group) => ("group", *group),
                    What::Kind(kind) => ("kind", *kind),
                };
                write!(f, "change {node} {kind} {number} {start} {end} {outcome:?}")?;
                versions.iter().try_for_each(|version| write!(f, " {version}"))
            }
            Event::Synced(node, start, end) => write!(f, "synced {node} {start} {end}"),
            Event::Until(node, time) => write!(f, "until {node} {time}"),
        }
    }
}

impl Event {
    /// `None`: it is no such line.
    pub(crate) fn read(line: &str) -> Option<Event> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let node = words.next()?.parse().ok()?;
        if kind == "change" {
            let (what, number) = (words.next()?, words.next()?.parse().ok()?);
            let what = match what {
                "key" => What::Key(place(number)?),
                "group" => What::Group(number),
                "kind" => What::Kind(number),
                _ => return None,
            };
            let (start, end) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let outcome = match words.next()? {
                "Shared" => Outcome::Shared,
                "Queued" => Outcome::Queued,
                "Local" => Outcome::Local,
                _ => return None,
            };
            let versions: Vec<u64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
            let is_whole = versions.len() == what.places().len();
            return is_whole.then_some(Event::Change(Change { node, what, start, end, outcome, versions }));
        }
        let numbers: Vec<u64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(match (kind, &*numbers) {
            ("call", [index, start, end, version, joined @ (0 | 1)]) => {
                let place = place(usize::try_from(*index).ok()?)?;
                Event::Call(Call { node, place, start: *start, end: *end, version: *version, is_joined: *joined == 1 })
            }
            ("synced", [start, end]) => Event::Synced(node, *start, *end),
            ("until", [time]) => Event::Until(node, *time),
            _ => return None,
        })
    }
}

/// From its index.
pub(crate) fn place(index: usize) -> Option<Place> {
    (index < KINDS.len() * KEYS).then_some(Place { kind: index / KEYS, key: index % KEYS })
}
