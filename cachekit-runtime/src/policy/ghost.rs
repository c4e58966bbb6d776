//! Keys that were evicted lately, at two bytes each.

/// Fingerprints in one group, beside the number of the place that is written next: 32 bytes.
const GROUP: usize = 15;
/// No fingerprint.
const EMPTY: u16 = 0;
/// The lowest and the highest bit of each of the four lanes of a word.
const LOW: u64 = 0x0001_0001_0001_0001;
const HIGH: u64 = 0x8000_8000_8000_8000;

/// Sixteen lanes of 16 bits: the place that is written next, then the fingerprints.
#[derive(Clone)]
struct Group([u64; 4]);

/// What stands for a ghost queue (Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement algorithm",
/// VLDB 1994, section 2, there `A1out`): the keys that were evicted last, as fingerprints of 16 bits in groups of at most 15. A key's
/// hash names its group, and each group is a queue.
///
/// Two errors, both small: a key is remembered until its group has seen as many others as it has places, which is after `capacity`
/// of all on the average and within a quarter of that mostly; up to 15 keys stand in one group and in exact order. And a key is taken for
/// another with probability 15 / 65 535 at most.
pub(super) struct Ghost {
    /// Empty until the first key is remembered.
    groups: Vec<Group>,
    /// Places in use of each group.
    places: usize,
    count: usize,
}

impl Group {
    const NEW: Group = Group([0; 4]);

    fn next(&self) -> usize {
        (self.0[0] & 0xffff) as usize
    }

    fn set_next(&mut self, next: usize) {
        self.set_lane(0, next as u16);
    }

    fn set_lane(&mut self, lane: usize, value: u16) {
        let shift = lane % 4 * 16;
        let word = &mut self.0[lane / 4 % 4];
        *word = *word & !(0xffff << shift) | u64::from(value) << shift;
    }

    /// Empties the place of that fingerprint, which is not `EMPTY`. Whether it had one.
    fn take(&mut self, fingerprint: u16) -> bool {
        let wanted = u64::from(fingerprint) * LOW;
        // All lanes at once, without a branch for each. The lowest bit that is set in a word is that of a lane that is equal (Warren, "Hacker's Delight",
        // second edition, section 6-1).
        let equal = |word: u64, but: u64| {
            let differs = word ^ wanted | but;
            differs.wrapping_sub(LOW) & !differs & HIGH
        };
        let [a, b, c, d] = self.0;
        // The first lane is no fingerprint.
        let equals = [equal(a, 0xffff), equal(b, 0), equal(c, 0), equal(d, 0)];
        if (equals[0] | equals[1]) | (equals[2] | equals[3]) == 0 {
            return false;
        }
        for (word, equal) in self.0.iter_mut().zip(equals) {
            if equal != 0 {
                *word &= !(0xffff << (equal.trailing_zeros() - 15));
                return true;
            }
        }
        false
    }
}

impl Ghost {
    /// Remembers about that many keys, exactly that many up to 15.
    pub(super) fn new(capacity: usize) -> Self {
        let count = capacity.div_ceil(GROUP);
        let places = (capacity + count / 2).checked_div(count).unwrap_or(0);
        Ghost { groups: Vec::new(), places, count }
    }

    /// Forgets all where the new capacity needs another number of groups.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        let next = Ghost::new(capacity);
        if (next.count, next.places) != (self.count, self.places) {
            *self = next;
        }
    }

    pub(super) fn remember(&mut self, hash: u64) {
        if self.count == 0 {
            return;
        }
        if self.groups.is_empty() {
            self.groups = vec![Group::NEW; self.count];
        }
        let (group, fingerprint) = self.address(hash);
        let group = &mut self.groups[group];
        // What is there already becomes the newest.
        group.take(fingerprint);
        let next = group.next();
        group.set_lane(1 + next, fingerprint);
        group.set_next(if next + 1 < self.places { next + 1 } else { 0 });
    }

    /// Whether the key was remembered; it no longer is.
    pub(super) fn forget(&mut self, hash: u64) -> bool {
        if self.groups.is_empty() {
            return false;
        }
        let (group, fingerprint) = self.address(hash);
        self.groups[group].take(fingerprint)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>()
    }

    /// The group and the fingerprint. Of the bits of a hash 32 may be all that differ between keys, the upper or the lower ones.
    fn address(&self, hash: u64) -> (usize, u16) {
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let group = (((mixed >> 32) * self.count as u64) >> 32) as usize;
        (group, ((mixed >> 16) as u16).max(EMPTY + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_one_is_exact_and_forgets_the_oldest() {
        for capacity in 1..=15 {
            let mut ghost = Ghost::new(capacity as usize);
            (0..20).for_each(|hash| ghost.remember(hash));
            for hash in 0..20 {
                assert_eq!(ghost.forget(hash), hash >= 20 - capacity, "{hash} of {capacity}");
                assert!(!ghost.forget(hash));
            }
        }
    }

    #[test]
    fn remembering_again_makes_a_key_the_newest() {
        let mut ghost = Ghost::new(3);
        for hash in [1, 2, 3, 1, 4] {
            ghost.remember(hash);
        }
        assert_eq!([1, 2, 3, 4].map(|hash| ghost.forget(hash)), [true, false, true, true]);
    }

    #[test]
    fn a_capacity_of_nothing_remembers_nothing() {
        let mut ghost = Ghost::new(0);
        ghost.remember(1);
        assert!(!ghost.forget(1));
    }

    #[test]
    fn a_large_one_remembers_about_its_capacity() {
        let mut ghost = Ghost::new(30_000);
        // Only 32 bits differ between hashes.
        let hash = |key: u64| key.wrapping_mul(0x9e37_79b9) << 32;
        (0..100_000).for_each(|key| ghost.remember(hash(key)));
        let found = |ghost: &mut Ghost, keys: std::ops::Range<u64>| keys.filter(|key| ghost.forget(hash(*key))).count();
        assert!(found(&mut ghost, 200_000..300_000) < 60, "taken for others");
        assert!(found(&mut ghost, 85_000..100_000) > 14_000, "the newest half is there");
        assert!(found(&mut ghost, 0..45_000) < 1_500, "the oldest are gone");
    }

    #[test]
    fn two_bytes_and_a_little_for_each() {
        let mut ghost = Ghost::new(15_000);
        ghost.remember(1);
        assert_eq!(ghost.bytes(), 32_000);
        ghost.set_capacity(15_000);
        assert!(ghost.forget(1), "the same capacity keeps what there is");
        ghost.remember(1);
        ghost.set_capacity(1_000);
        assert!(!ghost.forget(1));
    }
}
