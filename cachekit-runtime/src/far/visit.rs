//! One tier that is asked, and for how long at most.

use super::Tier;
use crate::budget::Budget;

#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    /// Counted from the nearest.
    pub(super) index: usize,
    pub(super) tier: &'a Tier,
    pub(super) budget: &'a Budget,
}
