//! What the settings that were simulated say of the one of now.

use crate::output;
use serde::Serialize;

/// A setting, and what it hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Setting {
    pub(super) strategy: String,
    /// In entries.
    pub(super) capacity: u64,
    pub(super) hit_ratio: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Verdict {
    pub(super) now: Setting,
    /// Where more room begins to gain little, and the best strategy there.
    pub(super) knee: Setting,
    /// The best strategy at the capacity of now.
    pub(super) same_room: Setting,
    /// The least room in which some strategy hits as much as now.
    pub(super) same_hits: Setting,
    /// Loads that the knee saves, of all calls; negative if it costs some.
    pub(super) saved_loads: i64,
    pub(super) saved_ms: Option<i64>,
}

impl Verdict {
    /// The four settings, and what each of them is.
    pub(super) fn settings(&self) -> [(&'static str, &Setting); 4] {
        [
            ("now", &self.now),
            ("the knee", &self.knee),
            ("best in the room of now", &self.same_room),
            ("least room for the hits of now", &self.same_hits),
        ]
    }

    /// What a plot marks.
    pub(super) fn marks(&self) -> Vec<(u64, String)> {
        let mark = |what: &str, at: &Setting| {
            let text = format!("{what}: {} entries, {}", output::count(at.capacity), output::percent(at.hit_ratio));
            (at.capacity, text)
        };
        vec![mark("knee", &self.knee), mark("now", &self.now)]
    }
}

/// Compares now with those that were simulated, over so many calls, whose loads take so many milliseconds each. `None`: there is nothing to compare it with.
///
/// Of equals the first is taken, in the order in which they come. Settings with more room than `upto` are for now alone.
pub(super) fn judge(
    simulated: &[Setting],
    upto: u64,
    now: Setting,
    calls: u64,
    load_ms: Option<f64>,
) -> Option<Verdict> {
    let best_at = |capacity: u64| {
        let at = simulated.iter().filter(|setting| setting.capacity == capacity);
        at.fold(None, |best: Option<&Setting>, next| match best {
            Some(best) if best.hit_ratio >= next.hit_ratio => Some(best),
            _ => Some(next),
        })
    };
    let mut capacities: Vec<u64> =
        simulated.iter().map(|setting| setting.capacity).filter(|size| *size <= upto).collect();
    capacities.sort_unstable();
    capacities.dedup();
    let envelope: Vec<(u64, f64)> =
        capacities.iter().filter_map(|size| Some((*size, best_at(*size)?.hit_ratio))).collect();
    let knee = knee(&envelope).and_then(best_at)?.clone();
    let same_room = best_at(now.capacity).unwrap_or(&now).clone();
    let enough = envelope.iter().find(|(_, ratio)| *ratio >= now.hit_ratio);
    let same_hits = enough.and_then(|(size, _)| best_at(*size)).unwrap_or(&now).clone();
    let saved_loads = ((knee.hit_ratio - now.hit_ratio) * calls as f64).round() as i64;
    let saved_ms = load_ms.map(|each| (saved_loads as f64 * each).round() as i64);
    Some(Verdict { now, knee, same_room, same_hits, saved_loads, saved_ms })
}

/// Where a curve that rises ever less is farthest above the straight line between its ends (Satopää, Albrecht, Irwin, Raghavan, "Finding a Kneedle in a
/// Haystack", 2011). `None`: it has no two points.
fn knee(curve: &[(u64, f64)]) -> Option<u64> {
    let ((first, low), (last, high)) = (curve.first().copied()?, curve.last().copied()?);
    if last <= first || high <= low {
        return Some(first);
    }
    let above =
        |(size, ratio): &(u64, f64)| (ratio - low) / (high - low) - (size - first) as f64 / (last - first) as f64;
    curve.iter().max_by(|one, other| above(one).total_cmp(&above(other))).map(|(size, _)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(strategy: &str, capacity: u64, hit_ratio: f64) -> Setting {
        Setting { strategy: strategy.to_owned(), capacity, hit_ratio }
    }

    #[test]
    fn the_knee_is_where_the_curve_bends() {
        assert_eq!(knee(&[(1, 0.1), (10, 0.5), (20, 0.8), (50, 0.85), (100, 0.9)]), Some(20));
        assert_eq!(knee(&[(1, 0.5), (10, 0.5)]), Some(1));
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn now_is_compared_with_the_best_of_each_size() {
        let mut simulated = vec![of("lru", 10, 0.2), of("lru", 50, 0.6), of("lru", 100, 0.7), of("lru", 400, 0.7)];
        simulated.extend([of("s3", 10, 0.3), of("s3", 50, 0.6), of("s3", 100, 0.75)]);
        let judged = judge(&simulated, 100, of("lru", 400, 0.7), 1_000, Some(2.0)).expect("a verdict");
        let Verdict { now, knee, same_room, same_hits, saved_loads, saved_ms } = judged;
        assert_eq!((now.capacity, knee), (400, of("lru", 50, 0.6)), "of equals the first");
        assert_eq!((same_room, same_hits), (of("lru", 400, 0.7), of("s3", 100, 0.75)));
        assert_eq!((saved_loads, saved_ms), (-100, Some(-200)));
        assert_eq!(judge(&[], 100, of("lru", 10, 0.1), 1, None), None);
    }
}
