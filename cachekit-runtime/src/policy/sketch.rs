//! How often keys were used lately, at a byte for each of a few counters.

/// Each key has a counter in each of them.
const ROWS: usize = 4;
/// Counters of one row in one block.
const IN_ROW: usize = 16;
const IN_BLOCK: usize = ROWS * IN_ROW;
const MAX: u8 = 15;

/// One cache line.
#[repr(align(64))]
#[derive(Clone)]
struct Block([[u8; IN_ROW]; ROWS]);

/// A count-min sketch (Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications", Journal
/// of Algorithms 55, 2005, section 3) of counters up to 15 with conservative update (Estan and Varghese, "New directions in traffic
/// measurement and accounting", SIGCOMM 2002, section 4.2.3), which ages by halving all counters, as in Einziger, Friedman and Manes, "TinyLFU: a
/// highly efficient cache admission policy", ACM Transactions on Storage 13, 2017, section 3.3. All counters of a key are in one
/// cache line, and each is a byte: to pick half bytes out of words takes three times as many instructions.
///
/// It never says less than what was added since the last halving and too much for the keys that share all counters with others.
pub(super) struct Sketch {
    blocks: Vec<Block>,
    additions: u64,
    /// So many additions halve all.
    sample: u64,
}

impl Sketch {
    /// With about that many counters, 64 at least, halved whenever `sample` was added since the last time, or half of it after the first.
    pub(super) fn new(counters: usize, sample: u64) -> Self {
        let blocks = counters.div_ceil(IN_BLOCK).max(1);
        Sketch { blocks: vec![Block([[0; IN_ROW]; ROWS]); blocks], additions: 0, sample: sample.max(1) }
    }

    /// Counts `times` uses of the key.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, times: u64) {
        if times == 0 {
            return;
        }
        let (block, places) = self.address(hash);
        let [a, b, c, d] = &mut self.blocks[block].0;
        let all =
            [&mut a[place(places, 0)], &mut b[place(places, 1)], &mut c[place(places, 2)], &mut d[place(places, 3)]];
        let known = least(all.each_ref().map(|counter| **counter));
        let now = (known + times.min(MAX.into()) as u8).min(MAX);
        // Conservative: counters that are higher owe it to other keys.
        for counter in all {
            *counter = now.max(*counter);
        }
        self.age_by(u64::from(now - known));
    }

    /// Ages as by one use, of a key that is not counted.
    #[inline]
    pub(super) fn age(&mut self) {
        self.age_by(1);
    }

    #[inline]
    fn age_by(&mut self, uses: u64) {
        self.additions += uses;
        if self.additions >= self.sample {
            self.halve();
        }
    }

    /// How often the key was used, at most 15.
    pub(super) fn get(&self, hash: u64) -> u64 {
        let (block, places) = self.address(hash);
        let [a, b, c, d] = &self.blocks[block].0;
        least([a[place(places, 0)], b[place(places, 1)], c[place(places, 2)], d[place(places, 3)]]).into()
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    #[cold]
    #[inline(never)]
    fn halve(&mut self) {
        for counter in self.blocks.iter_mut().flat_map(|block| &mut block.0).flatten() {
            *counter >>= 1;
        }
        self.additions /= 2;
    }

    /// The block, and 16 bits of which each row takes four. 32 bits of the hash may be all that differ between keys.
    #[inline(always)]
    fn address(&self, hash: u64) -> (usize, usize) {
        let mixed = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let block = ((mixed >> 32) * self.blocks.len() as u64) >> 32;
        // Not of the bits that chose the block alone.
        let places = (mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb) >> 48;
        (block as usize, places as usize)
    }
}

/// The counter within a row.
#[inline(always)]
fn place(places: usize, row: usize) -> usize {
    places >> (4 * row) & (IN_ROW - 1)
}

#[inline(always)]
fn least([a, b, c, d]: [u8; ROWS]) -> u8 {
    a.min(b).min(c.min(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_one_key_exactly_up_to_the_most() {
        let mut sketch = Sketch::new(1, 1_000);
        assert_eq!(sketch.get(7), 0);
        for expected in 1..=20 {
            sketch.add(7, 1);
            assert_eq!(sketch.get(7), expected.min(MAX.into()));
        }
        sketch.add(8, 0);
        assert_eq!(sketch.get(8), 0);
        sketch.add(9, 3);
        assert_eq!(sketch.get(9), 3);
    }

    #[test]
    fn never_says_less_than_what_was_added() {
        let mut sketch = Sketch::new(256, u64::MAX);
        for key in 0..1_000u64 {
            sketch.add(key << 32, key % 5);
        }
        assert!((0..1_000u64).all(|key| sketch.get(key << 32) >= key % 5));
    }

    #[test]
    fn says_too_much_of_few_keys() {
        let mut sketch = Sketch::new(4_000, u64::MAX);
        let hash = |key: u64| key.wrapping_mul(0x9e37_79b9) << 32;
        (0..1_000).for_each(|key| sketch.add(hash(key), 1));
        let (right, unseen) = ((0..1_000).filter(|key| sketch.get(hash(*key)) == 1).count(), 1_000..11_000);
        assert!(right > 900, "{right}");
        let wrong = unseen.filter(|key| sketch.get(hash(*key)) > 0).count();
        assert!(wrong < 3_500, "{wrong}: a share of (1 - 1/e)^4, and more in blocks that are fuller than the mean");
    }

    #[test]
    fn halving_keeps_the_order_and_halves_what_counts_towards_the_next() {
        let mut sketch = Sketch::new(4_096, 16);
        sketch.add(1, 9);
        sketch.add(2, 6);
        sketch.add(3, 1);
        assert_eq!(([1, 2, 3].map(|key| sketch.get(key)), sketch.additions), ([4, 3, 0], 8));
    }

    #[test]
    fn it_ages_by_uses_that_are_not_counted() {
        let mut sketch = Sketch::new(64, 10);
        sketch.add(7, 4);
        (0..5).for_each(|_| sketch.age());
        assert_eq!(sketch.get(7), 4);
        sketch.age();
        assert_eq!(sketch.get(7), 2, "ten uses");
    }

    #[test]
    fn a_byte_for_each_counter() {
        assert_eq!(size_of::<Block>(), IN_BLOCK);
        assert_eq!(Sketch::new(1_280, 1).bytes(), 1_280);
    }
}
