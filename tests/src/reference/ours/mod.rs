//! Plain forms of the algorithms of cachekit that are not those of a paper, written from their documentation: hits are counted
//! exactly as far as an entry's word counts, and are seen when an entry is looked at.

mod ghost;
mod s3_fifo;
mod s3_tinylfu;
mod sketch;
mod w_tinylfu;

pub use self::{s3_fifo::S3Fifo, s3_tinylfu::S3TinyLfu, w_tinylfu::WTinyLfu};

/// The hash under which a policy is told of the key, in the tests: 32 bits.
pub fn hash(key: u64) -> u64 {
    // MurmurHash3's finalizer.
    let mut mixed = key + 1;
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (mixed ^ (mixed >> 33)) & 0xffff_ffff
}
