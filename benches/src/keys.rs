//! The keys of the calls, and the order in which they come.

/// Calls before the order repeats; small enough to stay in the nearest caches of the processor.
const ORDER: usize = 4096;

/// What the calls are given.
#[derive(Debug)]
pub struct Keys {
    /// By index: numbers that share no pattern.
    pub ids: Vec<u64>,
    /// By index: texts of 24 bytes.
    pub names: Vec<String>,
    /// Indices in random order, uniformly chosen.
    order: Vec<u32>,
}

/// Walks through the order; each thread begins elsewhere.
#[derive(Debug, Clone)]
pub struct Walk {
    order: &'static [u32],
    at: usize,
}

impl Keys {
    /// So many distinct keys. Leaked, so that calls can borrow from it without an owner to check.
    #[must_use]
    pub fn leak(count: usize) -> &'static Keys {
        Self::leak_from(0, count)
    }

    /// As [`leak`](Self::leak), but others for each `first` that is at least `count` away.
    #[must_use]
    pub fn leak_from(first: u64, count: usize) -> &'static Keys {
        let indices = first..first + count as u64;
        let ids = indices.clone().map(scatter).collect();
        let names = indices.map(|index| format!("user/{:019}", scatter(index ^ 0xabcd) >> 1)).collect();
        let order = (0..ORDER as u64).map(|step| (scatter(step ^ 0x5eed_0000) % count as u64) as u32).collect();
        Box::leak(Box::new(Keys { ids, names, order }))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// The walk of a thread.
    #[must_use]
    pub fn walk(&'static self, thread: usize) -> Walk {
        Walk { order: &self.order, at: thread * ORDER / 2 }
    }
}

impl Walk {
    /// The index of the next call's key.
    #[inline]
    pub fn step(&mut self) -> usize {
        self.at = (self.at + 1) % ORDER;
        self.order[self.at] as usize
    }
}

/// A bijection without visible pattern (the finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014, figure 16).
#[must_use]
pub fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_distinct_and_walks_stay_inside() {
        let keys = Keys::leak(1_000);
        assert!(Keys::leak_from(1_000, 1_000).names.iter().all(|name| !keys.names.contains(name)));
        assert_eq!(keys.ids.iter().collect::<HashSet<_>>().len(), 1_000);
        assert_eq!(keys.names.iter().collect::<HashSet<_>>().len(), 1_000);
        assert!(keys.names.iter().all(|name| name.len() == 24));
        let mut walk = keys.walk(1);
        let seen: HashSet<usize> = (0..2 * ORDER).map(|_| walk.step()).collect();
        assert!(seen.len() > 900 && seen.iter().all(|index| *index < 1_000));
    }
}
