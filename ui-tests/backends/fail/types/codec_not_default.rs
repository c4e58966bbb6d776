use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

use cachekit::{Error, codec::Codec};

struct Scaled(u64);

impl Codec<u64> for Scaled {
    const NAME: &'static str = "scaled";
    fn encode(&self, value: &u64, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(&(value * self.0).to_le_bytes());
        Ok(())
    }
    fn decode(&self, _: &[u8]) -> Result<u64, Error> {
        Ok(0)
    }
}

#[cache(backend = BYTES, codec = Scaled)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
