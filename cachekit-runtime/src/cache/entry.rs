//! What time and tags say of an entry.
//!
//! Most entries have nothing but a ttl: three ticks that the table keeps, in milliseconds. What needs more (tags, idle time, a refresh point, a
//! ttl below a second or beyond three weeks) has it in [`More`], exactly.

use super::{
    allowed::{Allowances, Allowed},
    bond::Bond,
};
use crate::{
    changes::{CHANGES, Compared},
    memory::{Freshness, Gone, Marks, Seen},
    tags::{TagSet, Tags},
    time::{Clock, NEVER, NEVER_TICK, PAST_TICK, REACH, Tick, is_after, is_whole, nanos, tick_of, time_of},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Below this a millisecond more or less is more than one percent of a ttl.
const SHORT: u64 = nanos(Duration::from_millis(100));

pub(crate) struct More {
    refresh: AtomicU64,
    /// End of freshness.
    expires: u64,
    born: u64,
    /// Last use, for `idle`.
    used: AtomicU64,
    tags: Option<TagSet>,
    bond: Option<Bond>,
}

/// The times of an entry, in clock nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) now: u64,
    pub(crate) born: u64,
    pub(crate) refresh: u64,
    pub(crate) expires: u64,
}

/// What an entry is worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    Fresh,
    /// Fresh, and past its refresh point.
    Ahead,
    /// Past its ttl, or made stale by a tag, within the stale allowance of a refresh.
    Stale,
    /// Past its ttl or its idle time.
    Expired,
    /// A tag of it was invalidated.
    Invalidated,
    /// It is a copy of what other processes may have changed meanwhile.
    Unsure,
}

/// The fast question of a hit, about the mark of an entry. Asks for the horizon only where that can matter.
#[inline(always)]
pub(crate) fn is_surely_fresh(think: Tick, horizon: impl FnOnce() -> Tick) -> bool {
    match think {
        NEVER_TICK => true,
        PAST_TICK => false,
        think => is_after(think, horizon()),
    }
}

/// What the path of a hit asks.
pub(crate) struct Judge<'c> {
    pub(crate) clock: &'c Clock,
    pub(crate) allowed: &'c Allowed,
}

impl Freshness<More> for Judge<'_> {
    #[inline(always)]
    fn by_mark(&self, think: Tick) -> bool {
        is_surely_fresh(think, || self.clock.horizon())
    }

    #[inline(always)]
    fn as_compared(&self, compared: &Compared) -> bool {
        CHANGES.are_those_of(compared) && is_surely_fresh(compared.until(), || self.clock.horizon())
    }

    /// Compares, and notes what it finds.
    #[cold]
    #[inline(never)]
    fn closely(&self, compared: &Compared, more: &More) -> bool {
        let end = more.end_of_freshness(self.clock.latest());
        if end == PAST_TICK {
            return false;
        }
        let compare = || {
            let is_unchanged = self.allowed.idle() == NEVER
                && more.tags.as_ref().is_none_or(TagSet::is_current)
                && more.bond.as_ref().is_none_or(Bond::is_tight);
            is_unchanged.then_some(end)
        };
        CHANGES.hold(compared, compare) && is_surely_fresh(compared.until(), || self.clock.horizon())
    }
}

/// The marks of a fresh entry, and what they cannot say.
pub(crate) fn begin(
    times: Option<Times>,
    tags: Option<TagSet>,
    bond: Option<Bond>,
    allowed: Allowances,
) -> (Marks, Option<Box<More>>) {
    let Some(times) = times else {
        let has_more = tags.is_some() || bond.is_some();
        let more = has_more.then(|| {
            let (refresh, used) = (AtomicU64::new(NEVER), AtomicU64::new(NEVER));
            Box::new(More { born: NEVER, refresh, expires: NEVER, used, tags, bond })
        });
        let think = if more.as_deref().is_some_and(More::is_doubtful) { PAST_TICK } else { NEVER_TICK };
        return (Marks { think, ..Marks::NONE }, more);
    };
    let span = times.expires - times.born;
    let in_ticks = !allowed.exact || [times.born, times.expires].iter().all(|time| *time == NEVER || is_whole(*time));
    let is_plain = tags.is_none() && bond.is_none() && allowed.idle == NEVER && times.refresh == NEVER && in_ticks;
    if is_plain && (times.expires == NEVER || (SHORT..=REACH.saturating_sub(allowed.window)).contains(&span)) {
        let (think, sweep) = match times.expires {
            NEVER => (NEVER_TICK, NEVER_TICK),
            expires => (tick_of(expires), tick_of(expires + allowed.window)),
        };
        return (Marks { think, born: tick_of(times.born), sweep }, None);
    }
    let (refresh, used) = (AtomicU64::new(times.refresh), AtomicU64::new(times.born));
    let more = Box::new(More { born: times.born, refresh, expires: times.expires, used, tags, bond });
    let think = if allowed.idle != NEVER { PAST_TICK } else { more.think(times.now) };
    let marks = Marks { think, born: tick_of(times.born), sweep: more.sweep(times.now, allowed) };
    (marks, Some(more))
}

/// What [`begin`] makes of a ttl and nothing else, where that is marks alone and no test clock asks for more.
#[inline]
pub(crate) fn begin_plain(born: u64, ttl: u64, allowed: Allowances) -> Option<Marks> {
    let is_plain =
        !allowed.exact && allowed.idle == NEVER && ttl >= SHORT && ttl <= REACH.saturating_sub(allowed.window);
    is_plain.then(|| {
        let expires = born.saturating_add(ttl);
        Marks { think: tick_of(expires), born: tick_of(born), sweep: tick_of(expires.saturating_add(allowed.window)) }
    })
}

/// The marks of an entry that comes from a snapshot, last used at a time before now.
#[cfg(feature = "backend")]
pub(crate) fn begin_again(
    times: Option<Times>,
    tags: Option<TagSet>,
    used: u64,
    allowed: Allowances,
) -> (Marks, Option<Box<More>>) {
    let (mut marks, more) = begin(times, tags, None, allowed);
    if let (Some(times), Some(more)) = (times, &more)
        && allowed.idle != NEVER
    {
        more.used.store(used, Ordering::Relaxed);
        marks.sweep = more.sweep(times.now, allowed);
    }
    (marks, more)
}

impl More {
    /// Is its time not all that counts?
    fn is_doubtful(&self) -> bool {
        self.tags.is_some() || self.bond.as_ref().is_some_and(|bond| !bond.is_tight())
    }

    #[cfg(feature = "backend")]
    pub(crate) fn bond(&self) -> Option<&Bond> {
        self.bond.as_ref()
    }

    /// When a look has to think next.
    fn think(&self, now: u64) -> Tick {
        if self.is_doubtful() {
            return PAST_TICK;
        }
        self.end_of_freshness(now)
    }

    /// What is past is said as such: ticks further back than their reach would seem to be in the future.
    fn end_of_freshness(&self, now: u64) -> Tick {
        let end = self.refresh.load(Ordering::Relaxed).min(self.expires);
        if end <= now { PAST_TICK } else { within_reach(end, now) }
    }

    /// When a sweep should ask next.
    fn sweep(&self, now: u64, allowed: Allowances) -> Tick {
        let unused = self.used.load(Ordering::Relaxed).saturating_add(allowed.idle);
        let kept_until = self.expires.saturating_add(allowed.window);
        // What ends is met now and then however long it is kept: its ticks are to be renewed.
        let meets = if self.expires == NEVER { kept_until } else { kept_until.min(NEVER - 1) };
        within_reach(meets.min(unused), now)
    }
}

fn within_reach(time: u64, now: u64) -> Tick {
    if time == NEVER { NEVER_TICK } else { tick_of(time.min(now.saturating_add(REACH))) }
}

/// An entry, as time and tags judge it.
#[derive(Clone, Copy)]
pub(crate) struct Life<'a> {
    think: Tick,
    born: Tick,
    more: Option<&'a More>,
}

impl<'a> Life<'a> {
    pub(crate) fn of<V>(seen: &Seen<'a, V, More>) -> Self {
        Life { think: seen.think.load(Ordering::Relaxed), born: seen.born, more: seen.more }
    }

    pub(crate) fn of_gone<K, V>(gone: &'a Gone<K, V, More>) -> Self {
        Life { think: gone.think, born: gone.born, more: gone.more.as_deref() }
    }

    pub(crate) fn worth(self, now: u64, allowed: Allowances) -> Worth {
        let Some(more) = self.more else {
            return match self.expires(now) {
                expires if now < expires => Worth::Fresh,
                _ if now < self.kept_until(now, allowed.revalidate) => Worth::Stale,
                _ => Worth::Expired,
            };
        };
        let tags = more.tags.as_ref().map_or(Tags::Current, TagSet::state);
        if tags == Tags::Outdated {
            return Worth::Invalidated;
        }
        if now.saturating_sub(more.used.load(Ordering::Relaxed)) >= allowed.idle {
            return Worth::Expired;
        }
        if (tags == Tags::Unsure || more.bond.as_ref().is_some_and(|bond| !bond.holds()))
            && now < more.expires.saturating_add(allowed.revalidate)
        {
            return Worth::Unsure;
        }
        if let Tags::Soft(_) = tags
            && allowed.softened
            && now < more.expires
        {
            return Worth::Stale;
        }
        if let Tags::Soft(since) = tags {
            // Without an allowance, and so perhaps without times, it is nothing.
            let is_allowed = allowed.revalidate > 0;
            return match is_allowed && now < since.min(more.expires).saturating_add(allowed.revalidate) {
                true => Worth::Stale,
                false => Worth::Expired,
            };
        }
        if now < more.refresh.load(Ordering::Relaxed).min(more.expires) {
            Worth::Fresh
        } else if now < more.expires {
            Worth::Ahead
        } else if now < more.expires.saturating_add(allowed.revalidate) {
            Worth::Stale
        } else {
            Worth::Expired
        }
    }

    pub(crate) fn expires(self, now: u64) -> u64 {
        self.more.map_or_else(|| time_of(self.think, now), |more| more.expires)
    }

    /// The end of an allowance past its ttl. Ticks reach no further, where an allowance has become longer since it was stored.
    fn kept_until(self, now: u64, window: u64) -> u64 {
        let end = self.expires(now).saturating_add(window);
        match (self.more, self.born(now)) {
            (None, Some(born)) if end != NEVER => end.min(born.saturating_add(REACH)),
            _ => end,
        }
    }

    /// When it was stored; unknown for entries without times.
    pub(crate) fn born(self, now: u64) -> Option<u64> {
        match self.more {
            Some(more) => (more.born != NEVER).then_some(more.born),
            None => (self.born != Marks::NONE.born).then(|| time_of(self.born, now)),
        }
    }

    /// When it was used last, where that matters.
    #[cfg(feature = "backend")]
    pub(crate) fn used(self, allowed: Allowances) -> Option<u64> {
        self.more.filter(|_| allowed.idle != NEVER).map(|more| more.used.load(Ordering::Relaxed))
    }

    pub(crate) fn tags(self) -> Option<&'a TagSet> {
        self.more.and_then(|more| more.tags.as_ref())
    }

    /// For how long it has been stale because of a tag, and one nanosecond; 0: it is not.
    #[cfg(feature = "backend")]
    pub(crate) fn softened_for(self, now: u64) -> u64 {
        match self.more.and_then(|more| more.tags.as_ref()).map(TagSet::state) {
            Some(Tags::Soft(since)) => now.saturating_sub(since).saturating_add(1),
            _ => 0,
        }
    }

    /// Is it a copy of what others may have changed?
    pub(crate) fn is_unsure(self) -> bool {
        self.more.is_some_and(|more| {
            more.tags.as_ref().is_some_and(|tags| tags.state() == Tags::Unsure)
                || more.bond.as_ref().is_some_and(|bond| !bond.holds())
        })
    }

    #[cfg(feature = "backend")]
    pub(crate) fn bond(self) -> Option<&'a Bond> {
        self.more.and_then(More::bond)
    }

    /// Neither invalidated, nor further past its end than `window`.
    pub(crate) fn is_usable_until(self, now: u64, window: u64, allowed: Allowances) -> bool {
        now < self.kept_until(now, window)
            && self.more.is_none_or(|more| {
                let tags = more.tags.as_ref().map_or(Tags::Current, TagSet::state);
                let is_within = match tags {
                    Tags::Outdated => false,
                    Tags::Soft(_) if allowed.softened && now < more.expires => true,
                    Tags::Soft(since) => window > 0 && now < since.saturating_add(window),
                    Tags::Current | Tags::Unsure => true,
                };
                is_within && now.saturating_sub(more.used.load(Ordering::Relaxed)) < allowed.idle
            })
    }

    /// What a sweep does with it: `None`, it goes; otherwise, when to ask again.
    pub(crate) fn sweep(self, now: u64, allowed: Allowances) -> Option<Tick> {
        if !self.is_usable_until(now, allowed.window, allowed) {
            return None;
        }
        Some(match self.more {
            Some(more) => more.sweep(now, allowed),
            None => within_reach(self.kept_until(now, allowed.window), now),
        })
    }
}

/// Notes a use, for `idle`, and puts the mark right where it stands for a time that was out of its reach.
pub(crate) fn touch<V>(seen: &Seen<'_, V, More>, now: u64) {
    let Some(more) = seen.more else { return };
    if more.used.load(Ordering::Relaxed) < now {
        more.used.store(now, Ordering::Relaxed);
    }
    let think = seen.think.load(Ordering::Relaxed);
    if think != PAST_TICK && now < more.refresh.load(Ordering::Relaxed).min(more.expires) {
        let due = more.think(now);
        if due != think {
            move_mark(seen, think, due);
        }
    }
}

/// Unless somebody else has moved it: who distrusts a copy says so by its mark.
fn move_mark<V>(seen: &Seen<'_, V, More>, from: Tick, to: Tick) {
    let _ = seen.think.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
}

/// The copy is to be compared with its tier before it is used.
#[cfg(feature = "backend")]
pub(crate) fn distrust<V>(seen: &Seen<'_, V, More>) {
    seen.think.store(PAST_TICK, Ordering::SeqCst);
}

/// The copy has been compared, and is true: hits need not think any more.
#[cfg(feature = "backend")]
pub(crate) fn trust<V>(seen: &Seen<'_, V, More>, now: u64, allowed: Allowances) {
    let Some(more) = seen.more else { return };
    if allowed.idle != NEVER || more.is_doubtful() {
        return;
    }
    let think = if more.expires == NEVER && more.born == NEVER { NEVER_TICK } else { more.think(now) };
    seen.think.store(think, Ordering::SeqCst);
    // Distrusted meanwhile: its end was written before that mark, and is seen here, or the mark comes after this one.
    if more.is_doubtful() {
        distrust(seen);
    }
}

/// A sweep has met an entry that stays. Its mark may be days old, and one further away than the reach of ticks would seem to be in the future.
pub(crate) fn renew_mark<V>(seen: &Seen<'_, V, More>, now: u64) {
    let Some(more) = seen.more else { return };
    let is_fresh = now < more.refresh.load(Ordering::Relaxed).min(more.expires);
    let think = seen.think.load(Ordering::Relaxed);
    if think != PAST_TICK {
        move_mark(seen, think, if is_fresh { more.think(now) } else { PAST_TICK });
    }
    if let Some(compared) = seen.compared {
        compared.forget();
    }
}

/// A refresh has begun: hits need not think again before half of the remaining time has passed.
pub(crate) fn postpone_refresh<V>(seen: &Seen<'_, V, More>, now: u64) {
    let Some(more) = seen.more else { return };
    more.refresh.store(now.saturating_add(more.expires.saturating_sub(now) / 2), Ordering::Relaxed);
    let think = seen.think.load(Ordering::Relaxed);
    if think != PAST_TICK {
        move_mark(seen, think, more.think(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    const MS: u64 = 1_000_000;
    const ALLOWED: Allowances =
        Allowances { idle: NEVER, revalidate: 50 * MS, window: 70 * MS, softened: false, exact: true };

    struct Entry {
        think: AtomicU32,
        born: Tick,
        more: Option<Box<More>>,
        marks: Marks,
        compared: Compared,
    }

    impl Entry {
        fn new(refresh: u64, expires: u64, allowed: Allowances) -> Self {
            let times = Times { now: 10 * MS, born: 10 * MS, refresh, expires };
            let (marks, more) = begin(Some(times), None, None, allowed);
            Entry { think: AtomicU32::new(marks.think), born: marks.born, more, marks, compared: Compared::default() }
        }

        fn seen(&self) -> Seen<'_, (), More> {
            let compared = self.more.as_ref().map(|_| &self.compared);
            Seen { value: &(), think: &self.think, born: self.born, more: self.more.as_deref(), compared }
        }

        fn life(&self) -> Life<'_> {
            Life::of(&self.seen())
        }
    }

    /// One with its times in ticks, and one with them in full, because it has an idle time that never matters.
    fn both(expires: u64) -> [(Entry, Allowances); 2] {
        let long = Allowances { idle: NEVER - 1, ..ALLOWED };
        [(Entry::new(NEVER, expires, ALLOWED), ALLOWED), (Entry::new(NEVER, expires, long), long)]
    }

    #[test]
    fn a_plain_ttl_needs_nothing_but_ticks() {
        let [(plain, _), (full, _)] = both(1_000 * MS);
        assert!(plain.more.is_none() && full.more.is_some());
        for span in [MS, 50 * MS, 21 * 24 * 3_600_000 * MS, 1_000 * MS + 1] {
            assert!(Entry::new(NEVER, 10 * MS + span, ALLOWED).more.is_some(), "{span}");
        }
    }

    #[test]
    fn worth_follows_the_times() {
        for (entry, allowed) in both(1_000 * MS) {
            let worth = |now| entry.life().worth(now, allowed);
            assert_eq!(worth(1_000 * MS - 1), Worth::Fresh);
            assert_eq!(worth(1_000 * MS), Worth::Stale);
            assert_eq!(worth(1_050 * MS - 1), Worth::Stale);
            assert_eq!(worth(1_050 * MS), Worth::Expired);
            assert_eq!(entry.life().expires(20 * MS), 1_000 * MS);
            assert_eq!(entry.life().born(20 * MS), Some(10 * MS));
            assert!(entry.life().is_usable_until(1_070 * MS - 1, 70 * MS, allowed));
            assert!(!entry.life().is_usable_until(1_070 * MS, 70 * MS, allowed));
        }
    }

    #[test]
    fn a_refresh_point_comes_before_the_end() {
        let entry = Entry::new(800 * MS, 1_000 * MS, ALLOWED);
        let worth = |now| entry.life().worth(now, ALLOWED);
        assert_eq!(
            (worth(800 * MS - 1), worth(800 * MS), worth(1_000 * MS)),
            (Worth::Fresh, Worth::Ahead, Worth::Stale)
        );
        postpone_refresh(&entry.seen(), 800 * MS);
        assert_eq!((worth(900 * MS - 1), worth(900 * MS)), (Worth::Fresh, Worth::Ahead));
        assert_eq!(worth(1_000 * MS), Worth::Stale);
        assert_eq!(time_of(entry.think.load(Ordering::Relaxed), 800 * MS), 900 * MS);
    }

    #[test]
    fn a_hit_thinks_before_the_clock_could_be_wrong() {
        let [(entry, _), _] = both(1_000 * MS);
        assert!(is_surely_fresh(entry.marks.think, || tick_of(999 * MS)));
        assert!(!is_surely_fresh(entry.marks.think, || tick_of(1_000 * MS)));
        assert!(is_surely_fresh(NEVER_TICK, || panic!("nobody needs to know")));
        assert!(!is_surely_fresh(PAST_TICK, || panic!("nobody needs to know")));
    }

    #[test]
    fn idle_counts_from_the_last_use() {
        let allowed = Allowances { idle: 100 * MS, ..ALLOWED };
        let entry = Entry::new(NEVER, NEVER, allowed);
        assert_eq!(entry.marks.think, PAST_TICK);
        assert_eq!(entry.life().worth(109 * MS, allowed), Worth::Fresh);
        touch(&entry.seen(), 109 * MS);
        assert_eq!(entry.life().worth(208 * MS, allowed), Worth::Fresh);
        assert_eq!(entry.life().sweep(208 * MS, allowed), Some(tick_of(209 * MS)));
        assert_eq!(entry.life().worth(209 * MS, allowed), Worth::Expired);
        assert_eq!(entry.life().sweep(209 * MS, allowed), None);
    }

    #[test]
    fn a_far_end_is_approached_in_steps() {
        let far = 10 * MS + 3 * REACH;
        let entry = Entry::new(NEVER, far, ALLOWED);
        assert_eq!(time_of(entry.marks.think, 10 * MS), 10 * MS + REACH);
        let now = 10 * MS + REACH;
        assert_eq!(entry.life().worth(now, ALLOWED), Worth::Fresh);
        touch(&entry.seen(), now);
        assert_eq!(time_of(entry.think.load(Ordering::Relaxed), now), now + REACH);
        assert_eq!(entry.life().sweep(now, ALLOWED), Some(tick_of(now + REACH)));
        assert_eq!(entry.life().worth(far, ALLOWED), Worth::Stale);
    }

    #[test]
    fn what_sweeps_meet_never_seems_fresher_than_it_is() {
        const DAY: u64 = 24 * 3_600_000 * MS;
        let allowed = Allowances { window: 200 * DAY, ..ALLOWED };
        // Its end, or its refresh point, and when it is not fresh beyond doubt any more.
        for (refresh, expires) in [(NEVER, DAY), (NEVER, 90 * DAY), (DAY, 150 * DAY), (50 * DAY, 60 * DAY)] {
            let entry = Entry::new(refresh, expires, allowed);
            let mut sweep = entry.marks.sweep;
            for now in (0..200).map(|day| 10 * MS + day * DAY) {
                if !is_after(sweep, tick_of(now)) {
                    sweep = entry.life().sweep(now, allowed).unwrap();
                    renew_mark(&entry.seen(), now);
                }
                let seems_fresh = is_surely_fresh(entry.think.load(Ordering::Relaxed), || tick_of(now));
                assert!(!seems_fresh || now < refresh.min(expires), "{refresh} {expires} at {now}");
            }
        }
    }

    #[test]
    fn an_entry_without_times_never_ends() {
        let (marks, more) = begin(None, None, None, ALLOWED);
        assert!(more.is_none() && marks == Marks::NONE);
        let life = Life { think: marks.think, born: marks.born, more: None };
        assert_eq!((life.worth(NEVER - 1, ALLOWED), life.born(5)), (Worth::Fresh, None));
    }

    #[test]
    fn a_plain_entry_begins_as_any_other() {
        for window in [0, 70 * MS, REACH] {
            let allowed = Allowances { window, exact: false, ..ALLOWED };
            for (born, ttl) in [(0, SHORT), (7 * MS + 5, 3_000 * MS), (REACH, REACH), (REACH + 3, 90 * MS)] {
                let times = Times { now: born, born, refresh: NEVER, expires: born + ttl };
                let (marks, more) = begin(Some(times), None, None, allowed);
                assert_eq!(begin_plain(born, ttl, allowed), more.is_none().then_some(marks), "{born} {ttl} {window}");
            }
        }
        for other in [Allowances { idle: 5, exact: false, ..ALLOWED }, ALLOWED] {
            assert_eq!(begin_plain(0, 3_000 * MS, other), None);
        }
    }

    #[test]
    fn an_entry_of_long_ago_has_marks_of_now() {
        let day = 24 * 3_600_000 * MS;
        let allowed = Allowances { exact: false, window: 0, ..ALLOWED };
        let times = Times { now: 50 * day, born: 0, refresh: NEVER, expires: 60 * day };
        let (marks, _) = begin(Some(times), None, None, allowed);
        assert_eq!((marks.think, marks.sweep), (tick_of(60 * day), tick_of(60 * day)));
    }
}
