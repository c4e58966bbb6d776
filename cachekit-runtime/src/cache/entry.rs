//! One entry of a cache, and what time says of it.

use crate::tags::TagSet;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Entry<V> {
    pub(crate) value: V,
    /// The first moment at which a hit has to think: shortly before the refresh or the end of freshness; 0 where every hit has to, for its
    /// tags or for `idle`; `u64::MAX`: never.
    think: AtomicU64,
    /// Only for entries that have times or tags.
    more: Option<Box<More>>,
}

struct More {
    born: u64,
    refresh: AtomicU64,
    /// End of freshness.
    expires: u64,
    /// Last use, for `idle`.
    used: AtomicU64,
    tags: Option<TagSet>,
}

/// The times of an entry, in clock nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) born: u64,
    pub(crate) refresh: u64,
    pub(crate) expires: u64,
}

impl Times {
    fn think(&self, lag: u64) -> u64 {
        // Not 0, which would mean "always".
        self.refresh.min(self.expires).saturating_sub(lag).max(1)
    }
}

/// What an entry is worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    Fresh,
    /// Fresh, and past its refresh point.
    Ahead,
    /// Past its ttl, within the stale allowance of a refresh.
    Stale,
    /// Past its ttl or its idle time.
    Expired,
    /// A tag of it was invalidated.
    Invalidated,
}

impl<V> Entry<V> {
    /// `lag`: how far the coarse clock may be behind, so that a hit thinks, with the precise one, so much earlier. `always`: every hit thinks.
    pub(crate) fn new(value: V, times: Option<Times>, tags: Option<TagSet>, lag: u64, always: bool) -> Self {
        let think = if always || tags.is_some() { 0 } else { times.map_or(u64::MAX, |times| times.think(lag)) };
        let more = (times.is_some() || tags.is_some()).then(|| {
            let times = times.unwrap_or(Times { born: u64::MAX, refresh: u64::MAX, expires: u64::MAX });
            let (refresh, used) = (AtomicU64::new(times.refresh), AtomicU64::new(times.born));
            Box::new(More { born: times.born, refresh, expires: times.expires, used, tags })
        });
        Entry { value, think: AtomicU64::new(think), more }
    }

    /// The fast question of a hit. Asks for the time only where that can matter.
    #[inline(always)]
    pub(crate) fn is_surely_fresh(&self, coarse_now: impl FnOnce() -> u64) -> bool {
        match self.think.load(Ordering::Relaxed) {
            u64::MAX => true,
            0 => false,
            think => coarse_now() < think,
        }
    }

    pub(crate) fn worth(&self, now: u64, idle: u64, revalidate: u64) -> Worth {
        let Some(more) = &self.more else { return Worth::Fresh };
        if more.tags.as_ref().is_some_and(|tags| !tags.is_current()) {
            return Worth::Invalidated;
        }
        if now.saturating_sub(more.used.load(Ordering::Relaxed)) >= idle {
            return Worth::Expired;
        }
        if now < more.refresh.load(Ordering::Relaxed).min(more.expires) {
            Worth::Fresh
        } else if now < more.expires {
            Worth::Ahead
        } else if now < more.expires.saturating_add(revalidate) {
            Worth::Stale
        } else {
            Worth::Expired
        }
    }

    /// Notes a use, for `idle`.
    pub(crate) fn touch(&self, now: u64) {
        if let Some(more) = &self.more
            && more.used.load(Ordering::Relaxed) < now
        {
            more.used.store(now, Ordering::Relaxed);
        }
    }

    /// A refresh has begun: hits need not think again before half of the remaining time has passed.
    pub(crate) fn postpone_refresh(&self, now: u64, lag: u64) {
        let Some(more) = &self.more else { return };
        let refresh = now.saturating_add(more.expires.saturating_sub(now) / 2);
        more.refresh.store(refresh, Ordering::Relaxed);
        if self.think.load(Ordering::Relaxed) != 0 {
            self.think.store(Times { born: more.born, refresh, expires: more.expires }.think(lag), Ordering::Relaxed);
        }
    }

    pub(crate) fn expires(&self) -> u64 {
        self.more.as_ref().map_or(u64::MAX, |more| more.expires)
    }

    /// When it was stored; unknown for entries without times.
    pub(crate) fn born(&self) -> Option<u64> {
        self.more.as_ref().map(|more| more.born).filter(|born| *born != u64::MAX)
    }

    pub(crate) fn tags(&self) -> Option<&TagSet> {
        self.more.as_ref().and_then(|more| more.tags.as_ref())
    }

    /// Neither expired nor invalidated, whatever its stale allowances.
    pub(crate) fn is_usable_until(&self, now: u64, window: u64, idle: u64) -> bool {
        let Some(more) = &self.more else { return true };
        more.tags.as_ref().is_none_or(TagSet::is_current)
            && now < more.expires.saturating_add(window)
            && now.saturating_sub(more.used.load(Ordering::Relaxed)) < idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(refresh: u64, expires: u64) -> Entry<u8> {
        Entry::new(1, Some(Times { born: 10, refresh, expires }), None, 5, false)
    }

    #[test]
    fn worth_follows_the_times() {
        let entry = entry(80, 100);
        let worth = |now| entry.worth(now, u64::MAX, 50);
        assert_eq!(worth(79), Worth::Fresh);
        assert_eq!(worth(80), Worth::Ahead);
        assert_eq!(worth(99), Worth::Ahead);
        assert_eq!(worth(100), Worth::Stale);
        assert_eq!(worth(149), Worth::Stale);
        assert_eq!(worth(150), Worth::Expired);
    }

    #[test]
    fn a_postponed_refresh_thinks_later_but_not_past_the_end() {
        let entry = entry(80, 100);
        entry.postpone_refresh(80, 5);
        assert_eq!(entry.worth(89, u64::MAX, 0), Worth::Fresh);
        assert_eq!(entry.worth(90, u64::MAX, 0), Worth::Ahead);
        assert_eq!(entry.worth(100, u64::MAX, 0), Worth::Expired);
    }

    #[test]
    fn a_hit_thinks_before_the_coarse_clock_could_be_wrong() {
        let entry = entry(80, 100);
        assert!(entry.is_surely_fresh(|| 74));
        assert!(!entry.is_surely_fresh(|| 75));
        assert_eq!(entry.worth(75, u64::MAX, 0), Worth::Fresh);
    }

    #[test]
    fn idle_counts_from_the_last_use() {
        let entry = Entry::new(1, Some(Times { born: 10, refresh: u64::MAX, expires: u64::MAX }), None, 5, true);
        assert_eq!(entry.worth(19, 10, 0), Worth::Fresh);
        entry.touch(19);
        assert_eq!(entry.worth(28, 10, 0), Worth::Fresh);
        assert_eq!(entry.worth(29, 10, 0), Worth::Expired);
    }

    #[test]
    fn an_entry_without_times_never_ends() {
        assert_eq!(Entry::new(1, None, None, 5, false).worth(u64::MAX, u64::MAX, 0), Worth::Fresh);
    }
}
