//! Random numbers from a seed (Marsaglia, "Xorshift RNGs", 2003).

#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// `which`: one of several that draw from one seed.
    pub(crate) fn new(seed: u64, which: u64) -> Self {
        let mut random = Random((seed ^ which << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // Seeds that are close to each other begin alike.
        (0..8).for_each(|_| _ = random.next());
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below the end, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }
}
