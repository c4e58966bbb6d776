//! Hit ratios over capacities.

/// What one capacity would give.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Point {
    /// In entries.
    pub capacity: u64,
    /// The part of the accesses that would hit, from 0 to 1, first accesses of a key included.
    pub hit_ratio: f64,
    /// Two standard deviations of it, by the keys that chance has put into the sample. 0 if all keys are in it.
    pub error: f64,
    /// Near here the hit ratio changes so fast that a few entries more or less decide: not to be relied on, whatever the error.
    pub cliff: bool,
}

/// The hit ratio by capacity, ascending. One minus it is the miss ratio.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Curve {
    /// Its points, by capacity; a line leads from each to the next.
    pub points: Vec<Point>,
}

impl Curve {
    /// What it says of this capacity: between two points their mean by distance, before the first down to nothing, beyond the last as there. `None` without
    /// points.
    #[must_use]
    pub fn at(&self, capacity: u64) -> Option<Point> {
        let after = self.points.partition_point(|point| point.capacity < capacity);
        let before = after.checked_sub(1).map_or(Point::default(), |at| self.points[at]);
        let Some(after) = self.points.get(after) else {
            return self.points.last().map(|last| Point { capacity, ..*last });
        };
        let width = (after.capacity - before.capacity).max(1) as f64;
        let share = (capacity - before.capacity) as f64 / width;
        let between = |from: f64, to: f64| from + share * (to - from);
        Some(Point {
            capacity,
            hit_ratio: between(before.hit_ratio, after.hit_ratio),
            error: if share < 1.0 { before.error.max(after.error) } else { after.error },
            cliff: after.cliff || (share < 1.0 && before.cliff),
        })
    }

    /// The capacity from which more gives least in return: the point farthest above the straight line from nothing to the largest capacity (Satopää, Albrecht, Irwin,
    /// Raghavan, "Finding a Kneedle in a Haystack", 2011, section 3). `None` if nothing hits.
    #[must_use]
    pub fn knee(&self) -> Option<Point> {
        let last = self.points.last().filter(|last| last.hit_ratio > 0.0)?;
        let above = |point: &Point| {
            let line = point.capacity as f64 / last.capacity as f64;
            point.hit_ratio / last.hit_ratio - line
        };
        self.points.iter().copied().max_by(|a, b| above(a).total_cmp(&above(b)))
    }

    /// The least capacity of which the curve says at least this hit ratio.
    #[must_use]
    pub fn capacity_for(&self, hit_ratio: f64) -> Option<u64> {
        let reaching = self.points.iter().position(|point| point.hit_ratio >= hit_ratio)?;
        let after = self.points[reaching];
        let before = reaching.checked_sub(1).map_or(Point::default(), |at| self.points[at]);
        let rise = after.hit_ratio - before.hit_ratio;
        if rise <= 0.0 {
            return Some(after.capacity);
        }
        let share = ((hit_ratio - before.hit_ratio) / rise).clamp(0.0, 1.0);
        Some((before.capacity as f64 + share * (after.capacity - before.capacity) as f64).ceil() as u64)
    }

    /// Marks where the hit ratio grows by `jump` more than in proportion to the capacity from one point to the next. A strategy that keeps what it can of a loop
    /// grows in proportion; one that loses all of it until it fits has a cliff.
    pub(super) fn mark_cliffs(&mut self, jump: f64) {
        for index in 1..self.points.len() {
            let (before, after) = (self.points[index - 1], self.points[index]);
            let in_proportion = before.hit_ratio * after.capacity as f64 / before.capacity.max(1) as f64;
            if after.hit_ratio > in_proportion.max(before.hit_ratio) + jump {
                self.points[index - 1].cliff = true;
                self.points[index].cliff = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(u64, f64)]) -> Curve {
        let point = |(capacity, hit_ratio): &(u64, f64)| Point {
            capacity: *capacity,
            hit_ratio: *hit_ratio,
            ..Point::default()
        };
        Curve { points: points.iter().map(point).collect() }
    }

    #[test]
    fn between_points_it_is_a_line() {
        let curve = curve(&[(10, 0.2), (20, 0.6)]);
        let at = |capacity| curve.at(capacity).map(|point| (point.hit_ratio * 100.0).round());
        assert_eq!([0, 5, 10, 15, 20, 500].map(at), [0.0, 10.0, 20.0, 40.0, 60.0, 60.0].map(Some));
        assert_eq!(Curve::default().at(5), None);
    }

    #[test]
    fn the_capacity_for_a_ratio_is_the_way_back() {
        let curve = curve(&[(10, 0.2), (20, 0.6), (40, 0.6)]);
        assert_eq!(
            [0.1, 0.2, 0.4, 0.6, 0.7].map(|ratio| curve.capacity_for(ratio)),
            [Some(5), Some(10), Some(15), Some(20), None]
        );
    }

    #[test]
    fn the_knee_is_where_it_bends() {
        let bent = curve(&[(10, 0.3), (20, 0.6), (40, 0.65), (80, 0.7)]);
        assert_eq!(bent.knee().map(|point| point.capacity), Some(20));
        assert_eq!(curve(&[(10, 0.0)]).knee(), None);
    }

    #[test]
    fn a_loop_has_a_cliff_under_lru_and_none_in_proportion() {
        let mut lru = curve(&[(250, 0.0), (500, 0.0), (1_000, 0.99), (2_000, 0.99)]);
        lru.mark_cliffs(0.05);
        assert_eq!(lru.points.iter().map(|point| point.cliff).collect::<Vec<_>>(), [false, true, true, false]);
        let mut keeping = curve(&[(250, 0.25), (500, 0.5), (1_000, 0.99), (2_000, 0.99)]);
        keeping.mark_cliffs(0.05);
        assert!(keeping.points.iter().all(|point| !point.cliff));
    }
}
