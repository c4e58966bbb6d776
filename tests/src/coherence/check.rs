//! The guarantee table, and whether a history keeps to it.
//!
//! A call that began after an invalidation had returned, and was given a version from before it, is stale by the time in between. How much of that is
//! allowed depends on who invalidated, on what that returned, on the tiers, and on what had befallen the servers since: that is the row. Where several rows
//! hold, the weakest one counts.

use super::{
    KINDS, Place,
    history::{Call, Change, Outcome},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

/// The coherence lease.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// What a slot that moves adds to it.
pub(crate) const MOVING: Duration = Duration::from_secs(1);

/// How long after the servers are well again what was invalidated may take until it is replayed: the heartbeat that sees the new master, a breaker that is
/// open for some more seconds, and the replay.
pub(crate) const REPLAY: Duration = Duration::from_secs(10);

/// How far a replica may be behind its master when that is gone.
const LAG: Duration = Duration::from_secs(1);

/// By what the clocks of the servers and of the nodes differ.
pub(crate) const CLOCKS: Duration = Duration::from_millis(500);

/// How long an entry of which nobody is told lives at most.
fn life(place: Place) -> Duration {
    place.ttl() + CLOCKS
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Row {
    /// On the node that invalidated.
    Own,
    /// On other nodes, without memory in front and without tags.
    Far,
    /// On a node that has called `sync()` since.
    Synced,
    /// On other nodes, where a call joins a load that had begun before: new ones begin once the push has arrived.
    Joined,
    /// On other nodes, with memory in front or tags.
    Connected,
    /// The same, when connections were lost or silent.
    Lost,
    /// The same, when slots moved.
    Moved,
    /// When a replica has taken over that may not have heard of it.
    Failover,
    /// On other nodes, when the invalidation returned `Queued`.
    Queued,
    /// Whatever became of invalidations.
    Ttl,
}

impl Row {
    pub(crate) const ALL: [Row; 10] = [
        Row::Own,
        Row::Far,
        Row::Synced,
        Row::Joined,
        Row::Connected,
        Row::Lost,
        Row::Moved,
        Row::Failover,
        Row::Queued,
        Row::Ttl,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Row::Own => "the node that invalidated",
            Row::Far => "others, redis alone, no tags",
            Row::Synced => "others, after sync()",
            Row::Joined => "others, joined a load from before",
            Row::Connected => "others, memory or tags",
            Row::Lost => "the same, connections lost or silent",
            Row::Moved => "the same, slots moved",
            Row::Failover => "failover",
            Row::Queued => "Queued",
            Row::Ttl => "any",
        }
    }

    pub(crate) fn bound(self) -> String {
        match self {
            Row::Own | Row::Far | Row::Synced => "0".to_owned(),
            Row::Joined | Row::Connected | Row::Lost => format!("{LEASE:?}"),
            Row::Moved => format!("{:?}", LEASE + MOVING),
            Row::Failover => "until it is replayed".to_owned(),
            Row::Queued | Row::Ttl => "the ttl, since the change".to_owned(),
        }
    }
}

/// What befell the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Connections were cut, or silent.
    Lost,
    /// A slot moved.
    Moved,
    /// A replica took over, or a master lost what it knew.
    Failover,
}

/// From when until all was well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) trouble: Trouble,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What is known of one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Calls that were given something from before an invalidation.
    pub(crate) stale: u64,
    /// The most, in nanoseconds.
    pub(crate) largest: u64,
}

/// A call that was given something too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) call: Call,
    pub(crate) row: Row,
    /// When the call began, after the invalidation had returned, or the version was no more the last one.
    pub(crate) stale: u64,
    /// By whom, where it was one.
    pub(crate) change: Option<Change>,
}

/// An invalidation, as one key sees it.
#[derive(Debug, Clone)]
struct Told {
    version: u64,
    change: std::sync::Arc<Change>,
}

#[derive(Debug, Default)]
struct Known {
    /// In the order of their versions.
    told: Vec<Told>,
    /// When each version was no more the last one: `(the next version, when)`.
    raised: VecDeque<(u64, u64)>,
}

/// All that is known so far.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    known: HashMap<Place, Known>,
    synced: HashMap<usize, VecDeque<(u64, u64)>>,
    windows: Vec<Window>,
    pub(crate) rows: BTreeMap<Row, Seen>,
}

impl Checker {
    /// A key has had this version since then.
    pub(crate) fn raised(&mut self, place: Place, version: u64, at: u64) {
        self.known.entry(place).or_default().raised.push_back((version, at));
    }

    pub(crate) fn changed(&mut self, change: Change) {
        let change = std::sync::Arc::new(change);
        for (place, version) in change.what.places().into_iter().zip(&change.versions) {
            let told = &mut self.known.entry(place).or_default().told;
            let at = told.partition_point(|other| other.version <= *version);
            told.insert(at, Told { version: *version, change: change.clone() });
        }
    }

    pub(crate) fn synced(&mut self, node: usize, start: u64, end: u64) {
        self.synced.entry(node).or_default().push_back((start, end));
    }

    pub(crate) fn befell(&mut self, window: Window) {
        self.windows.push(window);
    }

    /// Nothing that ended before then matters any more.
    pub(crate) fn forget(&mut self, before: u64) {
        for known in self.known.values_mut() {
            // The last one stays: what is older than it is too old for ever.
            let ended = |told: &Told| told.change.end < before;
            while known.told.len() > 1 && known.told.first().is_some_and(ended) {
                known.told.remove(0);
            }
            while known.raised.len() > 1 && known.raised.get(1).is_some_and(|(_, at)| *at < before) {
                known.raised.pop_front();
            }
        }
        for synced in self.synced.values_mut() {
            while synced.front().is_some_and(|(_, end)| *end < before) {
                synced.pop_front();
            }
        }
        self.windows.retain(|window| window.end.saturating_add(nanos(REPLAY)) >= before);
    }

    /// Judges a call. All that ended before it began has to be known.
    pub(crate) fn call(&mut self, call: Call) -> Option<Violation> {
        let mut worst: Option<Violation> = None;
        let mut seen: Vec<(Row, u64)> = Vec::new();
        if let Some(known) = self.known.get(&call.place) {
            let newer = known.told.partition_point(|told| told.version <= call.version);
            for told in &known.told[newer..] {
                let change = &*told.change;
                if change.end >= call.start {
                    continue;
                }
                let stale = call.start - change.end;
                let (row, until) = self.judge(&call, change);
                seen.push((row, stale));
                if call.start > until && worst.as_ref().is_none_or(|worst| worst.stale < stale) {
                    worst = Some(Violation { call, row, stale, change: Some(change.clone()) });
                }
            }
            let next = known.raised.iter().find(|(version, _)| *version > call.version);
            if let Some((_, at)) = next.filter(|(_, at)| *at < call.start) {
                let stale = call.start - at;
                seen.push((Row::Ttl, stale));
                if stale > nanos(life(call.place)) && worst.is_none() {
                    worst = Some(Violation { call, row: Row::Ttl, stale, change: None });
                }
            }
        }
        // Of several missed invalidations of one row, the oldest.
        for row in Row::ALL {
            if let Some(largest) = seen.iter().filter(|(of, _)| *of == row).map(|(_, stale)| *stale).max() {
                let all = self.rows.entry(row).or_default();
                all.stale += 1;
                all.largest = all.largest.max(largest);
            }
        }
        worst
    }

    /// The row of the table, and until when a call may be given what was before the change.
    fn judge(&self, call: &Call, change: &Change) -> (Row, u64) {
        let (row, bound) = self.in_good_times(call, change);
        let until = change.end.saturating_add(nanos(bound));
        // What was acknowledged by a master that fell soon after, or by one that had fallen without knowing.
        let failed = self.windows.iter().filter(|window| {
            let (end, lost) = (change.end.saturating_add(nanos(LAG)), window.end.saturating_add(nanos(LAG)));
            window.trouble == Trouble::Failover && window.start <= end && lost >= change.start
        });
        match failed.map(|window| window.end.saturating_add(nanos(REPLAY))).max() {
            Some(replayed) if call.start > until && replayed > until => (Row::Failover, replayed),
            _ => (row, until),
        }
    }

    /// As long as no master falls: the row, and how long a call may be given what was before the change.
    fn in_good_times(&self, call: &Call, change: &Change) -> (Row, Duration) {
        if call.node == change.node {
            return (Row::Own, Duration::ZERO);
        }
        if change.outcome != Outcome::Shared {
            return (Row::Queued, life(call.place));
        }
        let met = |trouble: Trouble, after: Duration| {
            let met =
                |window: &Window| window.start <= call.start && window.end.saturating_add(nanos(after)) >= change.start;
            self.windows.iter().any(|window| window.trouble == trouble && met(window))
        };
        if met(Trouble::Moved, LEASE + MOVING) {
            return (Row::Moved, LEASE + MOVING);
        }
        if call.is_joined {
            return (Row::Joined, LEASE);
        }
        let has_synced = |(start, end): &(u64, u64)| *start > change.end && *end < call.start;
        if self.synced.get(&call.node).is_some_and(|all| all.iter().any(has_synced)) {
            return (Row::Synced, Duration::ZERO);
        }
        if !KINDS[call.place.kind].is_bounded {
            return (Row::Far, Duration::ZERO);
        }
        (if met(Trouble::Lost, LEASE) { Row::Lost } else { Row::Connected }, LEASE)
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
