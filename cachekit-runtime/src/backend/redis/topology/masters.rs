//! Who takes writes, and for which slots.

use super::{judge::Judge, slots::SLOTS};
use crate::backend::redis::{connections::Connections, server_clock::Estimate};
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
    /// Whether it is to be asked; of the one master that there is, whoever has the backend judges.
    pub(super) judge: Arc<Judge>,
}

impl Master {
    /// Have requests seen data of another lineage than this?
    pub(in crate::backend::redis) fn is_of_another_lineage(&self, lineage: u64) -> bool {
        let seen = self.connections.lineage();
        seen != 0 && seen != lineage
    }

    /// It has said its time.
    pub(in crate::backend::redis) fn learn_clock(&self, ahead: Estimate) {
        self.connections.clock().learn(ahead);
    }

    /// Requests go by new connections.
    pub(in crate::backend::redis) fn give_up(&self) {
        self.connections.give_up();
    }
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

    /// As these, but the slot belongs to that node. `None`: it does already.
    pub(super) fn with_owner(&self, slot: u16, node: &Arc<Master>) -> Option<Self> {
        if self.owner(slot).and_then(|at| self.nodes.get(at)).is_some_and(|owner| owner.address == node.address) {
            return None;
        }
        let (mut nodes, mut owners) = (self.nodes.clone(), self.each());
        let place = place(&mut nodes, node);
        *owners.get_mut(usize::from(slot))? = place;
        Some(Masters { epoch: self.epoch + 1, nodes, owners: Owners::Each(owners) })
    }

    /// The masters of these ranges of slots (both ends included), and no others. `None`: all is as it was.
    pub(super) fn with_owners(&self, ranges: Vec<(u16, u16, Arc<Master>)>) -> Option<Self> {
        let (mut nodes, mut owners) = (Vec::new(), nobody());
        for (first, last, node) in ranges {
            let place = place(&mut nodes, &node);
            if let Some(range) = owners.get_mut(usize::from(first)..=usize::from(last)) {
                range.fill(place);
            }
        }
        let is_same = |slot: u16| {
            let before = self.owner(slot).and_then(|at| self.nodes.get(at)).map(|node| &node.address);
            let now = owners.get(usize::from(slot)).and_then(|at| nodes.get(usize::from(*at)));
            before == now.map(|node: &Arc<Master>| &node.address)
        };
        if nodes.len() == self.nodes.len() && (0..SLOTS).all(is_same) {
            return None;
        }
        Some(Masters { epoch: self.epoch + 1, nodes, owners: Owners::Each(owners) })
    }

    fn each(&self) -> Box<[u16]> {
        match &self.owners {
            Owners::Only => nobody(),
            Owners::Each(owners) => owners.clone(),
        }
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

fn nobody() -> Box<[u16]> {
    vec![NOBODY; usize::from(SLOTS)].into()
}

/// The place of the node among these, to which it is added if it is not there.
fn place(nodes: &mut Vec<Arc<Master>>, node: &Arc<Master>) -> u16 {
    let at = nodes.iter().position(|known| known.address == node.address).unwrap_or_else(|| {
        nodes.push(node.clone());
        nodes.len() - 1
    });
    u16::try_from(at).unwrap_or(NOBODY)
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
