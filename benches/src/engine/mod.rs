//! The contestants of the benchmark of the engine: caches as maps, under loads that a benchmark of hits does not have.

mod list;
mod load;
mod sizes;

pub use list::{Part, parts};

/// The calls of the mix: by call, the index of its key, below 100 000.
pub(crate) fn mix_order() -> &'static [u32] {
    &load::MIX_ORDER
}
