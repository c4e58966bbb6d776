//! Outputs: which part of what a function returns is stored, found by type and not by name, so that aliases of `Result` are seen.

mod batch;
mod keep;
mod kind;
mod probe;
mod share;

pub use batch::{
    Again, BatchFallback, BatchOr, BatchOutput, BatchProbe, BatchReturn, CopyProbe, Element, ElementKind, ElementProbe,
    Ids, Split, ViaCopied, ViaElement, ViaElementAll, ViaElementClone, ViaUncopied, again, assert_batch,
    assert_batch_of,
};
pub use keep::{Keep, Own, give, keep, lend, own};
pub use kind::{
    Bad, Cacheable, KindId, KindOf, OptionLike, Output, OutputKind, Plain, ResultLike, ResultOk, Value, Whole,
};
pub use kind::{assert_output, needs_option, needs_result, pick};
pub use probe::{OutputFallback, OutputProbe, ViaPlain, ViaResult};
pub(crate) use share::Comparison;
pub use share::{Share, ShareProbe, ViaAll, ViaClone, ViaNothing, ViaShown};

#[cfg(test)]
mod tests;
