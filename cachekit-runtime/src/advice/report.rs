//! What an estimate means for a cache: where it wastes, where it lacks, and what that is worth.

use super::{Curve, Point};
use std::fmt;

/// Within this much of a hit ratio nothing is gained.
const SAME: f64 = 0.005;

/// An error up to here is one that a decision can be made with: 2 points.
const TOLERABLE: f64 = 0.02;

/// The cache that is advised on, as it is.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Present {
    /// Its name.
    pub cache: String,
    /// Its strategy; for `"adaptive"` the one in place.
    pub strategy: String,
    /// Its capacity in entries; for a bound in bytes, the entries that fit.
    pub capacity: u64,
    /// Looks while the sample was taken; `None`: those that the estimator was offered.
    pub accesses: Option<u64>,
    /// Hits among them, stale ones included.
    pub hits: Option<u64>,
    /// Sampled accesses that were lost.
    pub dropped: u64,
    /// The mean weight of an entry in bytes, where that is known.
    pub entry_bytes: Option<f64>,
    /// The mean time of a load in nanoseconds; 0 if there was none.
    pub load_nanos: u64,
}

impl Present {
    /// A cache of so many entries, of which no more is known.
    #[must_use]
    pub fn of_capacity(entries: u64, strategy: &str) -> Self {
        Present { capacity: entries, strategy: strategy.to_owned(), ..Present::default() }
    }
}

/// What one strategy would give at one capacity, from a scaled-down simulation.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Outlook {
    /// The strategy's name.
    pub strategy: String,
    /// In entries.
    pub capacity: u64,
    /// About what the entries would weigh, in bytes, where the weight of one is known.
    pub bytes: Option<u64>,
    /// The part of the accesses that would hit, from 0 to 1.
    pub hit_ratio: f64,
    /// Two standard deviations of it, by the keys that chance has put into the sample.
    pub error: f64,
    /// Between this capacity and one of those next to it the hit ratio jumps: where exactly it does is not known.
    pub cliff: bool,
    /// The error is at most 2 points, there is no cliff, and it is not LFU scaled down, which holds new entries for longer than LFU does.
    pub predictable: bool,
    /// Entries of the simulation.
    pub simulated_entries: u64,
    /// The simulation has been full. If not, nothing was evicted, and a larger capacity would not have given more.
    pub full: bool,
    /// What would have been saved in load time over all accesses against the present capacity and strategy, as they are simulated; negative if it would have cost more.
    pub saved_load_nanos: i64,
}

impl Outlook {
    pub(super) fn new(strategy: &str, point: Point, simulated_entries: u64, full: bool) -> Self {
        Outlook {
            strategy: strategy.to_owned(),
            capacity: point.capacity,
            hit_ratio: point.hit_ratio,
            error: point.error,
            cliff: point.cliff,
            predictable: !point.cliff && point.error <= TOLERABLE,
            simulated_entries,
            full,
            ..Outlook::default()
        }
    }
}

/// What is known of a cache's capacity and strategy, from the accesses of some time.
///
/// Simulations start empty and are to be compared with each other, not with the [`measured`](Self::measured) ratio, to which entries from before, ttls and invalidations
/// contribute.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "backend", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Advice {
    /// The cache's name.
    pub cache: String,
    /// Its strategy.
    pub strategy: String,
    /// Its capacity in entries.
    pub capacity: u64,
    /// The accesses that the ratios are parts of.
    pub accesses: u64,
    /// Those of them that some part of the estimate has looked at.
    pub sampled: u64,
    /// Sampled ones that were lost because they came faster than they were looked at. Then the curves are those of the times in between.
    pub dropped: u64,
    /// The LRU curve is that of one key in this many.
    pub one_in: f64,
    /// Different keys, about.
    pub keys: u64,
    /// The hit ratio of the cache itself in that time, where it is known.
    pub measured: Option<f64>,
    /// The mean weight of an entry in bytes, where it is known.
    pub entry_bytes: Option<f64>,
    /// The mean time of a load, in nanoseconds; 0 if there was none.
    pub load_nanos: u64,
    /// The memory of the estimate, in bytes.
    pub memory: u64,
    /// What LRU would hit by capacity, in fine steps.
    pub lru: Curve,
    /// Each strategy at each capacity that was simulated: by strategy, and then by capacity.
    pub outlooks: Vec<Outlook>,
    /// The capacity, of those that were simulated, from which more gives least in return under the present strategy (see [`Curve::knee`]).
    pub knee: Option<Outlook>,
    /// The strategy that hits most at the present capacity.
    pub best: Option<Outlook>,
    /// Entries that could go without losing half a point of hit ratio under the present strategy.
    pub wasted_entries: u64,
    /// The same in bytes.
    pub wasted_bytes: Option<u64>,
    /// Entries from the present capacity to the knee, if it lies beyond.
    pub lacking_entries: u64,
    /// The same in bytes.
    pub lacking_bytes: Option<u64>,
}

impl Advice {
    pub(super) fn new(present: &Present, accesses: u64, sampled: u64, memory: u64) -> Self {
        Advice {
            cache: present.cache.clone(),
            strategy: present.strategy.clone(),
            capacity: present.capacity,
            accesses,
            sampled,
            dropped: present.dropped,
            measured: present.hits.filter(|_| accesses > 0).map(|hits| hits as f64 / accesses as f64),
            entry_bytes: present.entry_bytes,
            load_nanos: present.load_nanos,
            memory,
            ..Advice::default()
        }
    }

    /// That of a strategy at a capacity that was simulated.
    #[must_use]
    pub fn outlook(&self, strategy: &str, capacity: u64) -> Option<&Outlook> {
        self.outlooks.iter().find(|outlook| outlook.strategy == strategy && outlook.capacity == capacity)
    }

    /// The curve of a strategy through the capacities that were simulated. For `"lru"`, [`lru`](Self::lru) has finer steps.
    #[must_use]
    pub fn curve(&self, strategy: &str) -> Curve {
        let of_it = self.outlooks.iter().filter(|outlook| outlook.strategy == strategy);
        let point = |outlook: &Outlook| Point {
            capacity: outlook.capacity,
            hit_ratio: outlook.hit_ratio,
            error: outlook.error,
            cliff: outlook.cliff,
        };
        Curve { points: of_it.map(point).collect() }
    }

    /// What follows from the curves.
    pub(super) fn conclude(&mut self) {
        let bytes = |entries: u64, each: Option<f64>| each.map(|each| (entries as f64 * each) as u64);
        let mine = self.curve(&self.strategy);
        let now = mine.at(self.capacity).map(|point| point.hit_ratio);
        let all_loads = self.accesses as f64 * self.load_nanos as f64;
        for outlook in &mut self.outlooks {
            outlook.bytes = bytes(outlook.capacity, self.entry_bytes);
            // The cast saturates.
            outlook.saved_load_nanos = now.map_or(0, |now| ((outlook.hit_ratio - now) * all_loads) as i64);
        }
        let here = self.outlooks.iter().filter(|outlook| outlook.capacity == self.capacity);
        self.best = here.max_by(|a, b| a.hit_ratio.total_cmp(&b.hit_ratio)).cloned();
        self.knee = mine.knee().and_then(|knee| self.outlook(&self.strategy, knee.capacity)).cloned();
        if let Some(now) = now {
            let enough = if now <= SAME { Some(0) } else { mine.capacity_for(now - SAME) };
            self.wasted_entries = enough.map_or(0, |enough| self.capacity.saturating_sub(enough.max(1)));
        }
        self.lacking_entries = self.knee.as_ref().map_or(0, |knee| knee.capacity.saturating_sub(self.capacity));
        self.wasted_bytes = bytes(self.wasted_entries, self.entry_bytes);
        self.lacking_bytes = bytes(self.lacking_entries, self.entry_bytes);
    }
}

impl fmt::Display for Advice {
    /// A line for the whole, a table of the strategies by capacity in percent, and what follows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.cache.is_empty() { "the cache" } else { &self.cache };
        write!(
            f,
            "{name}: {}, {} entries; {} accesses of about {} keys",
            self.strategy, self.capacity, self.accesses, self.keys
        )?;
        if self.dropped > 0 {
            write!(f, "; {} of {} samples lost", self.dropped, self.dropped + self.sampled)?;
        }
        let mut capacities: Vec<u64> = self.outlooks.iter().map(|outlook| outlook.capacity).collect();
        capacities.sort_unstable();
        capacities.dedup();
        write!(f, "\n{:<14}", "hits in %")?;
        capacities.iter().try_for_each(|capacity| write!(f, "{capacity:>12}"))?;
        for of_one in self.outlooks.chunk_by(|a, b| a.strategy == b.strategy) {
            write!(f, "\n{:<14}", of_one[0].strategy)?;
            for capacity in &capacities {
                match of_one.iter().find(|outlook| outlook.capacity == *capacity) {
                    Some(outlook) => {
                        let mark = if outlook.predictable { ' ' } else { '?' };
                        write!(f, "{:>6.1} ±{:>3.1}{mark}", 100.0 * outlook.hit_ratio, 100.0 * outlook.error)?;
                    }
                    None => write!(f, "{:>12}", "-")?,
                }
            }
        }
        if let Some(knee) = &self.knee {
            write!(f, "\nknee: {} entries, {:.1} % hits", knee.capacity, 100.0 * knee.hit_ratio)?;
        }
        let saved = |outlook: &Outlook| match self.load_nanos {
            0 => String::new(),
            _ => format!(", {:.1} s of loads saved", outlook.saved_load_nanos as f64 / 1e9),
        };
        if self.wasted_entries > 0 {
            write!(f, "\n{} entries could go for half a point of hits", self.wasted_entries)?;
        }
        if let Some(knee) = self.knee.as_ref().filter(|_| self.lacking_entries > 0) {
            write!(f, "\n{} entries more would have reached the knee{}", self.lacking_entries, saved(knee))?;
        }
        let now = self.outlook(&self.strategy, self.capacity).map_or(0.0, |outlook| outlook.hit_ratio);
        if let Some(best) = self.best.as_ref().filter(|best| best.hit_ratio > now + SAME) {
            let ratio = 100.0 * best.hit_ratio;
            write!(f, "\n{} hits most at this capacity: {ratio:.1} %{}", best.strategy, saved(best))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlook(strategy: &str, capacity: u64, hit_ratio: f64) -> Outlook {
        Outlook::new(strategy, Point { capacity, hit_ratio, ..Point::default() }, capacity, true)
    }

    fn advice(capacity: u64) -> Advice {
        let present = Present {
            capacity,
            strategy: "lru".to_owned(),
            entry_bytes: Some(100.0),
            load_nanos: 1_000_000,
            hits: Some(600),
            ..Present::default()
        };
        let mut advice = Advice::new(&present, 1_000, 1_000, 0);
        let lru = [(100, 0.3), (200, 0.6), (400, 0.602), (800, 0.604)];
        advice.outlooks = lru.into_iter().map(|(capacity, ratio)| outlook("lru", capacity, ratio)).collect();
        advice.outlooks.push(outlook("lirs", 400, 0.7));
        advice.conclude();
        advice
    }

    #[test]
    fn what_is_beyond_the_knee_is_wasted() {
        let advice = advice(400);
        assert_eq!(advice.knee.as_ref().map(|knee| knee.capacity), Some(200));
        assert!((200..=202).contains(&advice.wasted_entries), "{}", advice.wasted_entries);
        assert_eq!(advice.wasted_bytes, Some(advice.wasted_entries * 100));
        assert_eq!((advice.lacking_entries, advice.measured), (0, Some(0.6)));
        let best = advice.best.as_ref().map(|best| (best.strategy.as_str(), best.saved_load_nanos / 1_000));
        assert_eq!(best, Some(("lirs", 97_999)), "a tenth of a thousand accesses, a millisecond each");
    }

    #[test]
    fn what_is_short_of_the_knee_is_lacking() {
        let advice = advice(100);
        assert_eq!((advice.lacking_entries, advice.lacking_bytes), (100, Some(10_000)));
        assert!(advice.wasted_entries <= 2, "{}", advice.wasted_entries);
        let saved = advice.knee.map(|knee| knee.saved_load_nanos / 1_000);
        assert_eq!(saved, Some(300_000));
    }

    #[test]
    fn it_reads_as_text() {
        let text = advice(400).to_string();
        assert!(text.starts_with("the cache: lru, 400 entries; 1000 accesses of about 0 keys\nhits in %"), "{text}");
        assert!(text.ends_with("lirs hits most at this capacity: 70.0 %, 0.1 s of loads saved"), "{text}");
    }
}
