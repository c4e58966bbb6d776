/// A count-min sketch of 4-bit counters in four rows, as in the TinyLFU paper (Einziger, Friedman, Manes 2017, section 3): eight counters
/// for each key of the cache, halved after ten times as many additions as keys.
pub(super) struct Sketch {
    rows: [Vec<u8>; 4],
    additions: usize,
    sample: usize,
}

impl Sketch {
    pub(super) fn new(capacity: usize) -> Self {
        let row = vec![0; (2 * capacity).max(16)];
        Sketch { rows: [row.clone(), row.clone(), row.clone(), row], additions: 0, sample: 10 * capacity }
    }

    fn place(&self, key: u64, row: usize) -> usize {
        // FNV-1a over the bytes of the key, with the row as the first byte.
        let bytes = key.to_le_bytes();
        let hash = std::iter::once(row as u8)
            .chain(bytes)
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        ((hash ^ hash >> 32) % self.rows[row].len() as u64) as usize
    }

    pub(super) fn add(&mut self, key: u64) {
        let mut added = false;
        for row in 0..4 {
            let place = self.place(key, row);
            let counter = &mut self.rows[row][place];
            if *counter < 15 {
                *counter += 1;
                added = true;
            }
        }
        self.additions += usize::from(added);
        if self.additions >= self.sample.max(10) {
            self.rows.iter_mut().flatten().for_each(|counter| *counter /= 2);
            self.additions /= 2;
        }
    }

    pub(super) fn get(&self, key: u64) -> u8 {
        (0..4).map(|row| self.rows[row][self.place(key, row)]).min().unwrap_or(0)
    }
}
