//! The statistics of a cache as its users see them.

use std::fmt;

use super::{FarStats, LoadTimes};

/// What a cache has counted since it was made. All counts only grow, except `entries`, `weight` and `capacity`, which are of the moment.
///
/// Every call is counted exactly once when it looks: as a hit, a stale hit, a miss, or a bypass that did not look at all. So
/// `hits + stale_hits + misses.total() + bypasses.before_look()` is [`calls`](Self::calls). What happens to a miss afterwards is counted beside that:
/// [`joins`](Self::joins) and [`Bypasses::after_miss`] are parts of the misses; [`loads`](Self::loads) are those of leaders, bypasses and refreshes.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that got a fresh value, at once.
    pub hits: u64,
    /// Calls that got a value past its ttl, within what `stale_while_revalidate` and the like allow.
    pub stale_hits: u64,
    /// Calls that found no usable value.
    pub misses: Misses,
    /// Misses that waited for the load of another call.
    pub joins: u64,
    /// Misses that a stale value answered, because the load failed (`stale_if_error`) or took too long (`load_timeout`). Those who waited for that load
    /// count as [`joins`](Self::joins).
    pub stale_instead: u64,
    /// How often a follower replaced its leader.
    pub takeovers: Takeovers,
    /// Calls that ran beside the cache.
    pub bypasses: Bypasses,
    /// Loads that were started.
    pub loads: u64,
    /// How often a batch function was run, also past the cache. Each element that it was run for in the cache is one of the `loads`.
    pub batches: u64,
    /// Loads that returned an error.
    pub load_errors: u64,
    /// Loads that panicked.
    pub load_panics: u64,
    /// Loads that were given up at the hard `load_timeout`.
    pub load_timeouts: u64,
    /// Loads whose caller was dropped.
    pub load_cancels: u64,
    /// How long loads took that were not cancelled.
    pub load_time: LoadTimes,
    /// Nested loads that ran over `max_loads`, because their turn could have been waited for without end.
    pub over_limit: u64,
    /// Refreshes that were started.
    pub refreshes: u64,
    /// Loaded values that were not stored.
    pub refusals: Refusals,
    /// Entries that went away.
    pub removals: Removals,
    /// Entries now, including expired ones that are not freed yet.
    pub entries: u64,
    /// What the entries weigh together, in the unit of `capacity`: each entry weighs 1.
    pub weight: u64,
    /// The most weight it holds; `None` if unbounded.
    pub capacity: Option<u64>,
    /// What it has counted of the backends of bytes behind its memory.
    pub far: FarStats,
}

/// Misses by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misses {
    /// There was no entry.
    pub absent: u64,
    /// The entry was past its ttl or idle time.
    pub expired: u64,
    /// The entry had been invalidated, by a tag or a clear, and not freed yet.
    pub invalidated: u64,
    /// The copy of a backend's entry had to be compared with that first: other processes may have changed it.
    pub unsure: u64,
}

/// Takeovers by what had happened to the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Takeovers {
    /// Its future was dropped.
    pub after_drop: u64,
    /// Its loader panicked.
    pub after_panic: u64,
    /// It was woken and not polled for too long.
    pub after_stall: u64,
}

/// Calls that ran their loader beside the cache, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bypasses {
    /// `bypass_if` asked for it.
    pub asked: u64,
    /// The cache is switched off.
    pub disabled: u64,
    /// The call would have waited for itself. Also a miss.
    pub cycle: u64,
    /// A sync call on a thread of a runtime met an async leader. Also a miss.
    pub sync_beside_async: u64,
    /// The leader got an error that cannot be shared. Also a miss, and a join.
    pub released: u64,
}

/// Loaded values that were not stored, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// An error, or a value that `cache_if`, `none` or a ttl of zero excludes.
    pub not_cacheable: u64,
    /// Its key, a tag or the cache was invalidated during the load.
    pub invalidated: u64,
    /// It weighs more than the whole cache may.
    pub too_heavy: u64,
}

/// Removed entries by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removals {
    /// By the policy, to make room.
    pub evicted: u64,
    /// By time.
    pub expired: u64,
    /// By a caller.
    pub invalidated: u64,
    /// By a new value for the same key.
    pub replaced: u64,
}

impl Misses {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.absent + self.expired + self.invalidated + self.unsure
    }
}

impl Takeovers {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.after_drop + self.after_panic + self.after_stall
    }
}

impl Bypasses {
    /// Those that did not look into the cache, and so are no misses.
    #[must_use]
    pub fn before_look(&self) -> u64 {
        self.asked + self.disabled
    }

    /// Those that looked and found nothing, and so are misses as well.
    #[must_use]
    pub fn after_miss(&self) -> u64 {
        self.cycle + self.sync_beside_async + self.released
    }
}

impl Refusals {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.not_cacheable + self.invalidated + self.too_heavy
    }
}

impl Removals {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.evicted + self.expired + self.invalidated + self.replaced
    }
}

impl Stats {
    /// All calls, each counted once.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.hits + self.stale_hits + self.misses.total() + self.bypasses.before_look()
    }

    /// The share of calls that got a value from memory or from a backend, fresh or stale, from 0 to 1; `None` before the first call.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let calls = self.calls();
        (calls > 0).then(|| (self.hits + self.stale_hits + self.far.hits) as f64 / calls as f64)
    }
}

/// A short table; rows and parts that are zero are left out, but for the first row.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "calls     {}", self.calls())?;
        if let Some(ratio) = self.hit_ratio() {
            write!(f, ", {:.1} % hits", ratio * 100.0)?;
        }
        row(f, "hits", &[("fresh", self.hits), ("stale", self.stale_hits)])?;
        let Misses { absent, expired, invalidated, unsure } = self.misses;
        row(
            f,
            "misses",
            &[
                ("absent", absent),
                ("expired", expired),
                ("invalidated", invalidated),
                ("unsure", unsure),
                ("joined", self.joins),
                ("stale instead", self.stale_instead),
            ],
        )?;
        let Bypasses { asked, disabled, cycle, sync_beside_async, released } = self.bypasses;
        let alone = [
            ("asked", asked),
            ("disabled", disabled),
            ("cycle", cycle),
            ("sync beside async", sync_beside_async),
            ("released", released),
        ];
        row(f, "bypasses", &alone)?;
        let Takeovers { after_drop, after_panic, after_stall } = self.takeovers;
        row(f, "takeovers", &[("dropped", after_drop), ("panicked", after_panic), ("stalled", after_stall)])?;
        let loads = [
            ("started", self.loads),
            ("errors", self.load_errors),
            ("panics", self.load_panics),
            ("timeouts", self.load_timeouts),
            ("cancelled", self.load_cancels),
            ("over the limit", self.over_limit),
            ("refreshes", self.refreshes),
        ];
        row(f, "loads", &loads)?;
        let times = &self.load_time;
        if times.count() > 0 {
            let [mean, half, most] = [times.mean(), times.quantile(0.5), times.quantile(0.99)];
            write!(f, "\nload time mean {mean:.1?}, p50 {half:.1?}, p99 {most:.1?}")?;
        }
        row(
            f,
            "refused",
            &[
                ("not cacheable", self.refusals.not_cacheable),
                ("invalidated", self.refusals.invalidated),
                ("too heavy", self.refusals.too_heavy),
            ],
        )?;
        let far = &self.far;
        let backends = [
            ("hits", far.hits),
            ("of them stale", far.stale_hits),
            ("misses", far.misses),
            ("errors", far.errors),
            ("skipped", far.skipped),
            ("rejected", far.rejected),
            ("stores", far.stores),
            ("outdated", far.outdated),
            ("failed stores", far.store_errors),
            ("lock waits", far.lock_waits),
        ];
        row(f, "backends", &backends)?;
        let Removals { evicted, expired, invalidated, replaced } = self.removals;
        let removals =
            [("evicted", evicted), ("expired", expired), ("invalidated", invalidated), ("replaced", replaced)];
        row(f, "removals", &removals)?;
        write!(f, "\nentries   {}", self.entries)?;
        match self.capacity {
            Some(capacity) => write!(f, " of {capacity}"),
            None => Ok(()),
        }
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, parts: &[(&str, u64)]) -> fmt::Result {
    let mut separator = "";
    for (part, count) in parts.iter().filter(|(_, count)| *count > 0) {
        if separator.is_empty() {
            write!(f, "\n{name:<10}")?;
        }
        write!(f, "{separator}{count} {part}")?;
        separator = ", ";
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_once() {
        let mut stats = Stats::default();
        assert_eq!((stats.calls(), stats.hit_ratio()), (0, None));
        stats.hits = 5;
        stats.stale_hits = 1;
        stats.misses = Misses { absent: 2, expired: 1, invalidated: 1, unsure: 0 };
        stats.joins = 2;
        stats.bypasses = Bypasses { asked: 1, disabled: 1, cycle: 1, sync_beside_async: 0, released: 1 };
        stats.loads = 9;
        assert_eq!((stats.calls(), stats.hit_ratio()), (12, Some(0.5)));
        assert_eq!((stats.bypasses.before_look(), stats.bypasses.after_miss()), (2, 2));
    }

    #[test]
    fn the_table_is_short() {
        let mut stats = Stats { hits: 3, entries: 1, capacity: Some(10), ..Stats::default() };
        assert_eq!(stats.to_string(), "calls     3, 100.0 % hits\nhits      3 fresh\nentries   1 of 10");
        stats.misses.expired = 1;
        stats.joins = 1;
        stats.capacity = None;
        let table = "calls     4, 75.0 % hits\nhits      3 fresh\nmisses    1 expired, 1 joined\nentries   1";
        assert_eq!(stats.to_string(), table);
        assert_eq!(Stats::default().to_string(), "calls     0\nentries   0");
        let mut stats = Stats { misses: Misses { absent: 2, ..Misses::default() }, ..Stats::default() };
        (stats.far.hits, stats.far.stores) = (1, 1);
        let table = "calls     2, 50.0 % hits\nmisses    2 absent\nbackends  1 hits, 1 stores\nentries   0";
        assert_eq!(stats.to_string(), table);
        stats.far.stale_hits = 1;
        assert!(stats.to_string().contains("backends  1 hits, 1 of them stale, 1 stores"), "{stats}");
    }
}
