//! The first 24 bytes of everything that a backend holds.

use super::{
    Rejected,
    id::{self, ID},
};
use crate::backend::{HEAD, Witness};

const MAGIC: [u8; 7] = *b"\xC6cachek";

/// What a head stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An entry: an [`Envelope`](super::Envelope) follows.
    Value,
    /// A reader found nothing and is going to fill.
    Marker,
    /// As a marker, and others wait for the fill.
    Lock,
    /// An entry was invalidated.
    Tombstone,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Value, Kind::Marker, Kind::Lock, Kind::Tombstone];

    fn byte(self) -> u8 {
        match self {
            Kind::Value => b'v',
            Kind::Marker => b'm',
            Kind::Lock => b'l',
            Kind::Tombstone => b't',
        }
    }
}

/// Says what is there, and by a random id that it is this very one: the [`Witness`] of a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    kind: Kind,
    id: [u8; ID],
}

impl Head {
    /// Of a new entry.
    #[must_use]
    pub fn value() -> Self {
        Head::new(Kind::Value)
    }

    /// Of a new marker.
    #[must_use]
    pub fn marker() -> Self {
        Head::new(Kind::Marker)
    }

    /// Of a new lock.
    #[must_use]
    pub fn lock() -> Self {
        Head::new(Kind::Lock)
    }

    /// Of a new tombstone.
    #[must_use]
    pub fn tombstone() -> Self {
        Head::new(Kind::Tombstone)
    }

    fn new(kind: Kind) -> Self {
        Head { kind, id: id::random() }
    }

    #[cfg(test)]
    pub(super) fn with_id(kind: Kind, id: [u8; ID]) -> Self {
        Head { kind, id }
    }

    /// What it stands for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its bytes, which a fill has to find still in place.
    #[must_use]
    pub fn witness(&self) -> Witness {
        let bytes = MAGIC.into_iter().chain([self.kind.byte()]).chain(self.id);
        let mut head = [0; HEAD];
        for (to, from) in head.iter_mut().zip(bytes) {
            *to = from;
        }
        Witness(head)
    }

    /// The head of what a backend holds.
    ///
    /// # Errors
    ///
    /// [`Rejected::Truncated`] for less than a head, [`Rejected::Foreign`] for what is not ours, [`Rejected::Future`] for a kind that this program does
    /// not know, [`Rejected::Corrupt`] for a marker, lock or tombstone with something behind it.
    pub fn read(bytes: &[u8]) -> Result<Self, Rejected> {
        if !MAGIC.iter().zip(bytes).all(|(ours, theirs)| ours == theirs) {
            return Err(Rejected::Foreign);
        }
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(Rejected::Truncated)?;
        let [.., kind, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *head;
        let [_, _, _, _, _, _, _, _, id @ ..] = *head;
        let kind = Kind::ALL.into_iter().find(|known| known.byte() == kind).ok_or(Rejected::Future)?;
        if kind != Kind::Value && !rest.is_empty() {
            return Err(Rejected::Corrupt);
        }
        Ok(Head { kind, id })
    }
}
