use std::collections::VecDeque;

use super::hash;

/// A ghost queue in groups: each group remembers that many places, the oldest of which is written over. A key that came back leaves its
/// place empty.
pub(super) struct Ghost {
    groups: Vec<VecDeque<Option<u64>>>,
}

impl Ghost {
    pub(super) fn new(capacity: usize) -> Self {
        let count = capacity.div_ceil(15);
        let places = (0..count).map(|_| (capacity as f64 / count as f64).round() as usize);
        Ghost { groups: places.map(|places| VecDeque::from(vec![None; places])).collect() }
    }

    /// The group and a fingerprint of 16 bits that is no number of a place, as they count to 14.
    fn group(&mut self, key: u64) -> Option<(&mut VecDeque<Option<u64>>, u64)> {
        let product = u128::from(hash(key)) * 0x9e37_79b9_7f4a_7c15 % (1 << 64);
        let (upper, fingerprint) = (product >> 32, (product >> 16) % (1 << 16));
        let index = upper * self.groups.len() as u128 / (1 << 32);
        let group = self.groups.get_mut(index as usize)?;
        Some((group, (fingerprint as u64).max(15)))
    }

    pub(super) fn remember(&mut self, key: u64) {
        self.forget(key);
        if let Some((group, fingerprint)) = self.group(key) {
            group.pop_front();
            group.push_back(Some(fingerprint));
        }
    }

    pub(super) fn forget(&mut self, key: u64) -> bool {
        let Some((group, fingerprint)) = self.group(key) else { return false };
        match group.iter().position(|place| *place == Some(fingerprint)) {
            Some(place) => {
                group[place] = None;
                true
            }
            None => false,
        }
    }
}
