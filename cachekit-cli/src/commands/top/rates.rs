//! What happened between two looks.

use crate::{args::Sort, service::Row};
use serde::Serialize;
use std::{
    cmp::Ordering,
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// So many looks are remembered.
const REMEMBERED: usize = 20;

/// A cache, and how often what happened in a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) cache: String,
    pub(super) enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backend_down: Option<String>,
    /// Of the calls since the look before; `None`: there was none.
    pub(super) hit_ratio: Option<f64>,
    pub(super) hits: f64,
    pub(super) misses: f64,
    pub(super) loads: f64,
    /// The mean, in seconds; `None`: there was no load.
    pub(super) load_seconds: Option<f64>,
    pub(super) entries: u64,
    /// In bytes, of a cache whose bound is.
    pub(super) weight: Option<u64>,
    pub(super) evictions: f64,
    pub(super) strategy: String,
    /// Hit ratios of the last looks, the latest at the end.
    #[serde(skip)]
    pub(super) lately: Vec<Option<f64>>,
}

/// The looks so far.
#[derive(Default)]
pub(super) struct Looks {
    before: HashMap<String, Row>,
    lately: HashMap<String, VecDeque<Option<f64>>>,
}

impl Looks {
    /// What happened since the look before, which was so long ago.
    pub(super) fn next(&mut self, rows: Vec<Row>, since: Duration) -> Vec<Line> {
        let seconds = since.as_secs_f64().max(1e-3);
        let before = std::mem::take(&mut self.before);
        let known = std::mem::take(&mut self.lately);
        let lines = rows.iter().map(|row| {
            // Without a look before, and after a start anew, nothing is known of this time.
            let first = before.get(&row.name).filter(|first| first.calls <= row.calls && first.loads <= row.loads);
            let first = first.unwrap_or(row);
            let more = |now: u64, then: u64| now.saturating_sub(then) as f64;
            let (calls, hits) = (more(row.calls, first.calls), more(row.hits, first.hits));
            let loads = more(row.loads, first.loads);
            // Calls that went around the cache are neither.
            let misses = match (row.misses, first.misses) {
                (Some(now), Some(then)) => more(now, then),
                _ => (calls - hits).max(0.0),
            };
            let hit_ratio = (calls > 0.0).then(|| (hits / calls).min(1.0));
            let mut lately = known.get(&row.name).cloned().unwrap_or_default();
            lately.push_back(hit_ratio);
            if lately.len() > REMEMBERED {
                lately.pop_front();
            }
            self.lately.insert(row.name.clone(), lately.clone());
            Line {
                cache: row.name.clone(),
                enabled: row.enabled,
                backend_down: row.backend_down.clone(),
                hit_ratio,
                hits: hits / seconds,
                misses: misses / seconds,
                loads: loads / seconds,
                load_seconds: (loads > 0.0).then(|| (row.load_seconds - first.load_seconds).max(0.0) / loads),
                entries: row.entries,
                weight: row.bound["weight"].as_u64().map(|_| row.weight),
                evictions: more(row.evicted, first.evicted) / seconds,
                strategy: row.strategy.clone(),
                lately: lately.into(),
            }
        });
        let lines = lines.collect();
        self.before = rows.into_iter().map(|row| (row.name.clone(), row)).collect();
        lines
    }
}

/// The largest first, or names from A on; the other way round if `is_turned`.
pub(super) fn sort(lines: &mut [Line], by: Sort, is_turned: bool) {
    let number = |line: &Line| match by {
        Sort::Cache => 0.0,
        Sort::Ratio => line.hit_ratio.unwrap_or(-1.0),
        Sort::Hits => line.hits,
        Sort::Misses => line.misses,
        Sort::Loads => line.loads,
        Sort::LoadTime => line.load_seconds.unwrap_or(-1.0),
        Sort::Entries => line.entries as f64,
        Sort::Weight => line.weight.map_or(-1.0, |weight| weight as f64),
        Sort::Evictions => line.evictions,
    };
    lines.sort_by(|one, other| {
        let order = number(other).total_cmp(&number(one)).then_with(|| match by {
            Sort::Cache => one.cache.cmp(&other.cache),
            _ => Ordering::Equal,
        });
        let order = if is_turned { order.reverse() } else { order };
        order.then_with(|| one.cache.cmp(&other.cache))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, calls: u64, hits: u64) -> Row {
        Row {
            name: name.to_owned(),
            calls,
            hits,
            loads: calls - hits,
            load_seconds: (calls - hits) as f64 * 0.002,
            ..Row::default()
        }
    }

    #[test]
    fn rates_are_those_between_two_looks() {
        let mut looks = Looks::default();
        let first = looks.next(vec![row("a", 1_000, 900)], Duration::from_secs(1));
        assert_eq!((first[0].hit_ratio, first[0].hits), (None, 0.0), "of the time before nothing is known");
        let second = looks.next(vec![row("a", 1_400, 1_200), row("b", 5, 5)], Duration::from_secs(2));
        let a = &second[0];
        assert_eq!((a.hit_ratio, a.hits, a.misses, a.loads), (Some(0.75), 150.0, 50.0, 50.0));
        assert!(a.load_seconds.is_some_and(|time| (time - 0.002).abs() < 1e-9), "{a:?}");
        assert_eq!(a.lately, [None, Some(0.75)]);
        // Of a hundred calls sixty hit, thirty missed and ten went around the cache.
        let of = |calls, hits, misses| vec![Row { misses: Some(misses), ..row("c", calls, hits) }];
        looks.next(of(0, 0, 0), Duration::from_secs(1));
        let around = looks.next(of(100, 60, 30), Duration::from_secs(1));
        assert_eq!((around[0].hits, around[0].misses), (60.0, 30.0));
        // The service has started anew.
        looks.next(vec![row("a", 1_400, 1_200)], Duration::from_secs(1));
        let third = looks.next(vec![row("a", 10, 5)], Duration::from_secs(1));
        assert_eq!((third[0].hit_ratio, third[0].hits), (None, 0.0));
    }

    #[test]
    fn the_order_is_stable_and_can_be_turned() {
        let line = |cache: &str, hits: f64| Line { cache: cache.to_owned(), hits, ..Line::default() };
        let mut lines = vec![line("b", 1.0), line("c", 5.0), line("a", 1.0)];
        let names = |lines: &[Line]| lines.iter().map(|line| line.cache.clone()).collect::<String>();
        sort(&mut lines, Sort::Hits, false);
        assert_eq!(names(&lines), "cab");
        sort(&mut lines, Sort::Hits, true);
        assert_eq!(names(&lines), "abc");
        sort(&mut lines, Sort::Cache, false);
        assert_eq!(names(&lines), "abc");
        sort(&mut lines, Sort::Cache, true);
        assert_eq!(names(&lines), "cba");
    }
}
