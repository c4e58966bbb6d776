//! Keys as numbers, in the order of their first use.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
};

/// Keys by what stands for them: a short number itself, of a text 127 bits of its hash, which no two texts share.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<u128, u32, BuildHasherDefault<Folded>>,
}

impl Numbers {
    pub(super) fn number(&mut self, key: &[u8]) -> io::Result<u32> {
        let next = u32::try_from(self.known.len());
        let next = next.map_err(|_| {
            io::Error::other("more than 4294967295 distinct keys: simulate a part of the trace, with `--limit`")
        })?;
        Ok(*self.known.entry(stands_for(key)).or_insert(next))
    }

    pub(super) fn count(&self) -> u32 {
        // Not more were given out.
        u32::try_from(self.known.len()).unwrap_or(u32::MAX)
    }
}

/// Marks what is a hash.
const HASHED: u128 = 1 << 127;

fn stands_for(key: &[u8]) -> u128 {
    if let Some(number) = number(key) {
        return u128::from(number);
    }
    let hash = blake3::hash(key);
    hash.as_bytes().first_chunk().map_or(HASHED, |bytes| u128::from_le_bytes(*bytes) | HASHED)
}

/// Written in the one way without zeros before it: `7` and `07` are two keys.
fn number(key: &[u8]) -> Option<u64> {
    let is_plain =
        (1..=19).contains(&key.len()) && key.iter().all(u8::is_ascii_digit) && (key[0] != b'0' || key.len() == 1);
    is_plain.then(|| key.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// What is hashed is a hash or a number already.
#[derive(Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u128(u128::from(*byte)));
    }

    fn write_u128(&mut self, number: u128) {
        let folded = self.0 ^ number as u64 ^ (number >> 64) as u64;
        let product = u128::from(folded) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_numbers_a_key_and_alike_ones_are_two() {
        let mut numbers = Numbers::default();
        let keys: [&[u8]; 8] =
            [b"7", b"07", b"7", b"seven", b"9999999999999999999", b"99999999999999999999", b"0", b"seven"];
        let given: Vec<u32> = keys.iter().map(|key| numbers.number(key).unwrap()).collect();
        assert_eq!((given, numbers.count()), (vec![0, 1, 0, 2, 3, 4, 5, 2], 6));
    }
}
