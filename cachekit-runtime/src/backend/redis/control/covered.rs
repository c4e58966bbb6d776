//! From which masters everything is heard, about which slots, and until when.

use std::{ops::RangeInclusive, sync::Arc};

#[derive(Debug, Default)]
pub(super) struct Covered(Vec<Master>);

#[derive(Debug)]
struct Master {
    address: Arc<str>,
    ranges: Vec<RangeInclusive<u16>>,
    since: u64,
}

impl Covered {
    pub(super) fn put(&mut self, address: &Arc<str>, ranges: Vec<RangeInclusive<u16>>, since: u64) {
        self.0.retain(|master| master.address != *address);
        self.0.push(Master { address: address.clone(), ranges, since });
    }

    /// Its slots, if it was there, but for those that another one tells about by now.
    pub(super) fn remove(&mut self, address: &str) -> Option<Vec<RangeInclusive<u16>>> {
        let at = self.0.iter().position(|master| *master.address == *address)?;
        let ranges = self.0.swap_remove(at).ranges;
        let others = self.ranges();
        let is_others = |slot: u16| others.iter().any(|range| range.contains(&slot));
        let mut left: Vec<RangeInclusive<u16>> = Vec::new();
        for slot in ranges.into_iter().flatten().filter(|slot| !is_others(*slot)) {
            match left.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(slot) => *last = *last.start()..=slot,
                _ => left.push(slot..=slot),
            }
        }
        Some(left)
    }

    pub(super) fn confirm(&mut self, address: &str, since: u64) {
        if let Some(master) = self.0.iter_mut().find(|master| *master.address == *address) {
            master.since = master.since.max(since);
        }
    }

    /// The time by which everything has been heard from all of them.
    pub(super) fn since(&self) -> Option<u64> {
        self.0.iter().map(|master| master.since).min()
    }

    /// All slots about which everything is heard.
    pub(super) fn ranges(&self) -> Vec<RangeInclusive<u16>> {
        self.0.iter().flat_map(|master| master.ranges.iter().cloned()).collect()
    }

    /// The slots of a master, if it is there.
    pub(super) fn ranges_of(&self, address: &str) -> Option<Vec<RangeInclusive<u16>>> {
        self.0.iter().find(|master| *master.address == *address).map(|master| master.ranges.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_those_that_are_heard_counts() {
        let mut covered = Covered::default();
        assert_eq!(covered.since(), None);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        covered.put(&a, vec![0..=9], 5);
        covered.put(&b, vec![10..=19], 7);
        covered.confirm("b", 20);
        assert_eq!(covered.since(), Some(5));
        covered.confirm("a", 12);
        covered.confirm("a", 11);
        assert_eq!((covered.since(), covered.ranges().len()), (Some(12), 2));
        assert_eq!(covered.remove("a"), Some(vec![0..=9]));
        assert_eq!((covered.since(), covered.remove("a")), (Some(20), None));
        assert_eq!(covered.ranges_of("b"), Some(vec![10..=19]));
        // A slot that has moved, and whose new master was heard first.
        covered.put(&a, vec![0..=12], 30);
        assert_eq!(covered.remove("b"), Some(vec![13..=19]));
    }
}
