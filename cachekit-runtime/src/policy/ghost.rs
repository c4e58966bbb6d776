//! Keys that were evicted lately, at two bytes each.

/// Fingerprints in one group, beside the number of the place that is written next: 32 bytes.
const GROUP: usize = 15;
/// No fingerprint.
const EMPTY: u16 = 0;
/// The least fingerprint: none is taken for the number of a place.
const LEAST: u16 = GROUP as u16;

/// Sixteen lanes of 16 bits: the place that is written next, then the fingerprints.
#[derive(Clone)]
#[repr(align(32))]
struct Group([u16; 1 + GROUP]);

/// What stands for a ghost queue (Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement algorithm",
/// VLDB 1994, section 2, there `A1out`): the keys that were evicted last, as fingerprints of 16 bits in groups of at most 15. A key's
/// hash names its group, and each group is a queue.
///
/// Two errors, both small: a key is remembered until its group has seen as many others as it has places, which is after `capacity`
/// of all on the average and within a quarter of that mostly; up to 15 keys stand in one group and in exact order. And a key is taken for
/// another with probability 15 / 65 520 or so at most.
pub(super) struct Ghost {
    /// Empty until the first key is remembered.
    groups: Vec<Group>,
    /// Places in use of each group.
    places: usize,
    count: usize,
}

impl Group {
    const NEW: Group = Group([0; 1 + GROUP]);

    /// Writes the next place.
    #[inline(always)]
    fn put(&mut self, fingerprint: u16, places: usize) {
        // It is less; with this the compiler knows.
        let next = usize::from(self.0[0]).min(GROUP - 1);
        self.0[1 + next] = fingerprint;
        self.0[0] = if next + 1 < places { next as u16 + 1 } else { 0 };
    }

    /// Empties the places of that fingerprint. Whether it had one.
    #[inline(always)]
    fn take(&mut self, fingerprint: u16) -> bool {
        // All lanes at once, without a branch. The first is no fingerprint, and less than any.
        let found = self.0.iter().fold(false, |found, lane| found | (*lane == fingerprint));
        if found {
            self.empty(fingerprint);
        }
        found
    }

    #[inline(never)]
    fn empty(&mut self, fingerprint: u16) {
        for lane in &mut self.0 {
            *lane = if *lane == fingerprint { EMPTY } else { *lane };
        }
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
        if self.groups.is_empty() && !self.begin() {
            return;
        }
        let (group, fingerprint) = self.address(hash);
        // What is there already becomes the newest.
        self.groups[group].take(fingerprint);
        self.remember_new(hash);
    }

    /// Makes room. Is there any?
    #[cold]
    fn begin(&mut self) -> bool {
        self.groups = vec![Group::NEW; self.count];
        self.count > 0
    }

    /// As [`remember`](Self::remember), for a key that is not remembered.
    #[inline(always)]
    pub(super) fn remember_new(&mut self, hash: u64) {
        let (group, fingerprint) = self.address(hash);
        if self.groups.is_empty() && !self.begin() {
            return;
        }
        self.groups[group].put(fingerprint, self.places);
    }

    /// Whether the key was remembered; it no longer is.
    #[inline(always)]
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
    #[inline(always)]
    fn address(&self, hash: u64) -> (usize, u16) {
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let group = (((mixed >> 32) * self.count as u64) >> 32) as usize;
        (group, ((mixed >> 16) as u16).max(LEAST))
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
    fn no_fingerprint_is_taken_for_the_number_of_a_place() {
        let mut ghost = Ghost::new(15);
        for hash in 0..300_000_u64 {
            assert!(!ghost.forget(hash));
            if hash < 14 {
                ghost.remember(hash);
                assert_eq!((ghost.groups[0].0[0], ghost.forget(hash)), (hash as u16 + 1, true));
            }
        }
        assert_eq!(ghost.groups[0].0[0], 14, "the number of the place stays");
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
