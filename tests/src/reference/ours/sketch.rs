use super::hash;

/// A count-min sketch with conservative update, in blocks of 64 counters. Each of four rows has 16 counters of a block.
pub(super) struct Sketch {
    blocks: Vec<[[u64; 16]; 4]>,
    additions: u64,
    sample: u64,
}

impl Sketch {
    pub(super) fn new(counters: usize, sample: usize) -> Self {
        let blocks = vec![[[0; 16]; 4]; counters.div_ceil(64).max(1)];
        Sketch { blocks, additions: 0, sample: sample as u64 }
    }

    /// The block, and the counter within each row.
    fn address(&self, key: u64) -> (usize, [usize; 4]) {
        let mixed = hash(key).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let block = (u128::from(mixed) * self.blocks.len() as u128) >> 64;
        let more = (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 48;
        (block as usize, [0, 1, 2, 3].map(|row| (more >> (4 * row)) as usize % 16))
    }

    pub(super) fn add(&mut self, key: u64, times: u64) {
        let (block, places) = self.address(key);
        for _ in 0..times {
            let known = self.get(key);
            if known == 15 {
                break;
            }
            for (row, place) in self.blocks[block].iter_mut().zip(places) {
                row[place] = row[place].max(known + 1);
            }
            self.additions += 1;
        }
        self.halve_in_time();
    }

    /// As by a use of a key that is not counted.
    pub(super) fn age(&mut self) {
        self.additions += 1;
        self.halve_in_time();
    }

    fn halve_in_time(&mut self) {
        if self.additions >= self.sample {
            self.blocks.iter_mut().flatten().flatten().for_each(|counter| *counter /= 2);
            self.additions /= 2;
        }
    }

    pub(super) fn get(&self, key: u64) -> u64 {
        let (block, places) = self.address(key);
        self.blocks[block].iter().zip(places).map(|(row, place)| row[place]).min().unwrap_or(0)
    }
}
