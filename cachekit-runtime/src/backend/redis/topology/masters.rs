//! Who takes writes, and for which slots.

use super::slots::SLOTS;
use crate::backend::redis::connections::Connections;
use redis::Client;
use std::{fmt, ops::RangeInclusive, sync::Arc};

/// Of a slot that nobody owns.
const NOBODY: u16 = u16::MAX;

/// A node that takes writes.
pub(in crate::backend::redis) struct Master {
    /// `host:port`, or the path of a socket. No secrets.
    pub(in crate::backend::redis) address: Arc<str>,
    /// Opens further connections to it: RESP3, credentials and TLS as set.
    pub(in crate::backend::redis) client: Client,
    /// The ones that requests share.
    pub(super) connections: Arc<Connections>,
}

/// Without the client, which has the password.
impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Master").field(&self.address).finish()
    }
}

/// The masters as they were last seen. In a cluster ownership moves without a word, so this may always be out of date.
#[derive(Debug, Clone)]
pub(in crate::backend::redis) struct Masters {
    /// Another one whenever the rest is.
    pub(in crate::backend::redis) epoch: u64,
    pub(in crate::backend::redis) nodes: Vec<Arc<Master>>,
    owners: Owners,
}

#[derive(Clone)]
enum Owners {
    /// The only node owns all.
    Only,
    /// By slot, the place among the nodes.
    Each(Box<[u16]>),
}

impl Masters {
    /// Not known yet.
    pub(super) fn unknown() -> Self {
        Masters { epoch: 0, nodes: Vec::new(), owners: Owners::Only }
    }

    /// One for all slots.
    pub(super) fn only(master: Arc<Master>, epoch: u64) -> Self {
        Masters { epoch, nodes: vec![master], owners: Owners::Only }
    }

    /// The place of the slot's owner among the nodes; `None`: it is not known to have one.
    pub(in crate::backend::redis) fn owner(&self, slot: u16) -> Option<usize> {
        let at = match &self.owners {
            Owners::Only => 0,
            Owners::Each(owners) => owners.get(usize::from(slot)).copied().filter(|at| *at != NOBODY)?,
        };
        Some(usize::from(at)).filter(|at| *at < self.nodes.len())
    }

    /// The slots of the node of that address.
    pub(in crate::backend::redis) fn ranges_of(&self, address: &str) -> Vec<RangeInclusive<u16>> {
        let Some(at) = self.nodes.iter().position(|node| *node.address == *address) else { return Vec::new() };
        match &self.owners {
            Owners::Only => vec![0..=SLOTS - 1],
            Owners::Each(owners) => {
                let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
                for (slot, _) in (0..SLOTS).zip(owners.iter()).filter(|(_, owner)| usize::from(**owner) == at) {
                    match ranges.last_mut() {
                        Some(last) if *last.end() + 1 == slot => *last = *last.start()..=slot,
                        _ => ranges.push(slot..=slot),
                    }
                }
                ranges
            }
        }
    }
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owners::Only => f.write_str("Only"),
            Owners::Each(owners) => {
                write!(f, "Each({} of {SLOTS})", owners.iter().filter(|at| **at != NOBODY).count())
            }
        }
    }
}
