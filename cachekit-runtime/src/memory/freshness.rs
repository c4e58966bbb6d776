//! Who decides on the path of a hit whether what is there is fresh.

use crate::{changes::Compared, time::Tick};

/// What the owner of a table says of an entry that somebody looks for, asked in this order until one says that it is fresh beyond doubt.
pub(crate) trait Freshness<M> {
    /// By its mark, which most entries need alone.
    fn by_mark(&self, think: Tick) -> bool;

    /// By when the more that there is of it was compared.
    fn as_compared(&self, compared: &Compared) -> bool;

    /// By what more there is of it.
    fn closely(&self, compared: &Compared, more: &M) -> bool;
}

/// The same of all entries.
impl<M> Freshness<M> for bool {
    #[inline(always)]
    fn by_mark(&self, _: Tick) -> bool {
        *self
    }

    #[inline(always)]
    fn as_compared(&self, _: &Compared) -> bool {
        *self
    }

    #[inline(always)]
    fn closely(&self, _: &Compared, _: &M) -> bool {
        *self
    }
}
