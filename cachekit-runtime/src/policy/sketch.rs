//! How often keys were used lately, at half a byte for each of a few counters.

const WORDS: usize = 8;
const MAX: u64 = 15;
/// 4-bit counters in one block.
const IN_BLOCK: usize = WORDS * 16;

/// One cache line. Each of the four rows has two of the words.
#[repr(align(64))]
#[derive(Clone)]
struct Block([u64; WORDS]);

/// A count-min sketch (Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications", Journal
/// of Algorithms 55, 2005, section 3) of 4-bit counters with conservative update (Estan and Varghese, "New directions in traffic
/// measurement and accounting", SIGCOMM 2002, section 4.2.3), which ages by halving all counters, as in Einziger, Friedman and Manes, "TinyLFU: a
/// highly efficient cache admission policy", ACM Transactions on Storage 13, 2017, section 3.3. All counters of a key are in one
/// cache line.
///
/// It never says less than what was added since the last halving and too much for the keys that share all counters with others.
pub(super) struct Sketch {
    blocks: Vec<Block>,
    additions: u64,
    /// So many additions halve all.
    sample: u64,
}

impl Sketch {
    /// With about that many counters, 128 at least, halved whenever `sample` was added since the last time, or half of it after the first.
    pub(super) fn new(counters: usize, sample: u64) -> Self {
        let blocks = counters.div_ceil(IN_BLOCK).max(1);
        Sketch { blocks: vec![Block([0; WORDS]); blocks], additions: 0, sample: sample.max(1) }
    }

    /// Counts `times` uses of the key.
    pub(super) fn add(&mut self, hash: u64, times: u64) {
        if times == 0 {
            return;
        }
        let (block, places) = self.address(hash);
        let block = &mut self.blocks[block].0;
        let at = [place(places, 0), place(places, 1), place(places, 2), place(places, 3)];
        let counters = at.map(|(word, shift)| block[word] >> shift & MAX);
        let known = counters[0].min(counters[1]).min(counters[2].min(counters[3]));
        let now = (known + times).min(MAX);
        for ((word, shift), counter) in at.into_iter().zip(counters) {
            // Conservative: counters that are higher owe it to other keys.
            block[word] += now.saturating_sub(counter) << shift;
        }
        self.additions += now - known;
        if self.additions >= self.sample {
            self.halve();
        }
    }

    /// How often the key was used, at most 15.
    pub(super) fn get(&self, hash: u64) -> u64 {
        let (block, places) = self.address(hash);
        least(&self.blocks[block].0, places)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    fn halve(&mut self) {
        for word in self.blocks.iter_mut().flat_map(|block| &mut block.0) {
            *word = *word >> 1 & 0x7777_7777_7777_7777;
        }
        self.additions /= 2;
    }

    /// The block, and 32 bits of which each row takes five. 32 bits of the hash may be all that differ between keys.
    #[inline]
    fn address(&self, hash: u64) -> (usize, u32) {
        let mixed = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let block = ((mixed >> 32) * self.blocks.len() as u64) >> 32;
        // Not of the bits that chose the block alone.
        let places = ((mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) as u32;
        (block as usize, places)
    }
}

/// The word within a block, and the shift within the word, of a row's counter.
#[inline(always)]
fn place(places: u32, row: u32) -> (usize, u32) {
    let five = places >> (5 * row);
    ((2 * row + (five & 1)) as usize, (five >> 1 & 15) * 4)
}

fn least(block: &[u64; WORDS], places: u32) -> u64 {
    let counter = |row| {
        let (word, shift) = place(places, row);
        block[word] >> shift & MAX
    };
    counter(0).min(counter(1)).min(counter(2)).min(counter(3))
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
            assert_eq!(sketch.get(7), expected.min(MAX));
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
    fn half_a_byte_for_each_counter() {
        assert_eq!(size_of::<Block>(), IN_BLOCK / 2);
        assert_eq!(Sketch::new(1_280, 1).bytes(), 640);
    }
}
