//! Milliseconds in 32 bits, as entries of a table carry them: half of what a clock needs, and of what a comparison on a hit costs.
//!
//! Ticks wrap around after 49 days, so they are compared by their distance, and none that is compared may be further away than [`REACH`]. Who
//! means a later time names the end of the reach and asks again then.

use std::time::Duration;

use super::{NEVER, nanos};

/// A time in milliseconds, modulo 2^32.
pub(crate) type Tick = u32;

/// A tick that never comes.
pub(crate) const NEVER_TICK: Tick = u32::MAX;

/// A tick that has always passed.
pub(crate) const PAST_TICK: Tick = 0;

/// How far from now a tick may be, in nanoseconds.
pub(crate) const REACH: u64 = nanos(Duration::from_secs(20 * 24 * 3600));

const MILLISECOND: u64 = 1_000_000;

/// The tick in which a time lies; never one of the two special ones, at the price of being up to two milliseconds early.
#[inline]
pub(crate) fn tick_of(time: u64) -> Tick {
    match (time / MILLISECOND) as u32 {
        NEVER_TICK | PAST_TICK => NEVER_TICK - 1,
        tick => tick,
    }
}

/// Does a tick say this time exactly?
pub(crate) fn is_whole(time: u64) -> bool {
    time.is_multiple_of(MILLISECOND)
}

/// Does `tick` come after `other`? Neither is special.
#[inline(always)]
pub(crate) fn is_after(tick: Tick, other: Tick) -> bool {
    tick.wrapping_sub(other).cast_signed() > 0
}

/// The time at which the tick begins, seen from now.
pub(crate) fn time_of(tick: Tick, now: u64) -> u64 {
    match tick {
        NEVER_TICK => NEVER,
        PAST_TICK => 0,
        _ => {
            let away = i64::from(tick.wrapping_sub((now / MILLISECOND) as u32).cast_signed());
            (now / MILLISECOND).saturating_add_signed(away).saturating_mul(MILLISECOND)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3_600_000 * MILLISECOND;

    #[test]
    fn a_tick_leads_back_to_its_millisecond_from_anywhere_within_reach() {
        for time in [0, 5, 1_500_000, 49 * DAY, 50 * DAY + 123_456_789, 400 * DAY] {
            let tick = tick_of(time);
            for now in [time.saturating_sub(REACH), time, time + REACH] {
                let back = time_of(tick, now);
                assert!(back <= time || time < 3 * MILLISECOND, "{time} became {back}");
                assert!(time.abs_diff(back) < 3 * MILLISECOND, "{time} became {back}");
            }
        }
    }

    #[test]
    fn order_holds_across_the_wrap() {
        let before = tick_of(((1 << 32) - 1_000) * MILLISECOND);
        let after = tick_of(((1 << 32) + 1_000) * MILLISECOND);
        assert!(is_after(after, before) && !is_after(before, after) && !is_after(after, after));
    }

    #[test]
    fn no_time_has_a_special_tick() {
        for time in [0, u64::from(u32::MAX) * MILLISECOND, (1 << 32) * MILLISECOND] {
            assert!(![NEVER_TICK, PAST_TICK].contains(&tick_of(time)), "{time}");
        }
        assert_eq!((time_of(NEVER_TICK, 7), time_of(PAST_TICK, 7)), (NEVER, 0));
    }
}
