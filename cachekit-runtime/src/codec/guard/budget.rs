//! How much memory a value may take.

use std::cell::Cell;

/// A collection that grows as it is filled holds, while it moves, its old and its new memory: a `Vec` up to three times what its elements need, a
/// `HashMap` up to three and a half. So a quarter of what may be allocated is what may be used.
pub(crate) const GROWTH: usize = 4;

/// An element of no size costs nothing to keep, but time to read, and no input stands behind it.
const SIZELESS: usize = 64;

/// Collections ask how many elements are to come before the guard knows how large those are. For elements up to 256 bytes what they set aside on the
/// word of such numbers, all together, stays within the limit; serde itself sets aside at most 1 MiB for a collection.
const TYPICAL_ELEMENT: usize = 64;

/// How much memory the decoding of one value may take, in bytes: strings, bytes, the elements of collections, and what is behind a `Box`.
///
/// Collections take more than their elements need while they grow. So the budget covers a quarter of the limit, and no more than the limit
/// is ever allocated by the collections of `std`.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    left: Cell<usize>,
    foretold: Cell<usize>,
}

impl Budget {
    /// At most `limit` bytes may be allocated at once.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Budget { limit, left: Cell::new(limit / GROWTH), foretold: Cell::new(0) }
    }

    /// Every element takes some input, but for those of no size.
    pub(crate) fn expect(&self, input: usize) {
        self.foretold.set(input);
    }

    /// Takes `bytes` of it. `false`: it had less.
    pub(crate) fn charge(&self, bytes: usize) -> bool {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                true
            }
            None => false,
        }
    }

    /// As [`charge`](Self::charge) for an element of a collection.
    pub(crate) fn charge_element(&self, size: usize) -> bool {
        self.charge(if size == 0 { SIZELESS } else { size })
    }

    /// How many of `hint` elements may be believed in.
    pub(crate) fn believe(&self, hint: usize) -> usize {
        let believed = hint.min(self.foretold.get()).min(self.left.get() / TYPICAL_ELEMENT);
        self.foretold.set(self.foretold.get() - believed);
        believed
    }

    pub(crate) fn exceeded(&self) -> String {
        format!("takes more than {} bytes of memory, a {GROWTH}th of `max_value_bytes`", self.limit / GROWTH)
    }
}
