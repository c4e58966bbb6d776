//! How much memory a value may take.

use std::cell::Cell;

/// A collection that grows as it is filled holds, while it moves, its old and its new memory: a `Vec` up to three times what its elements need, a
/// `HashSet<u32>`, with its byte of control for each of them, up to 4.3 times. So a fifth of what may be allocated is what may be used.
const GROWTH: usize = 5;

/// An element of no size costs nothing to keep, but time to read, and no input stands behind it.
const SIZELESS: usize = 64;

/// Collections ask how many elements are to come before the guard knows how large those are. For elements up to 256 bytes what they set aside on the
/// word of such numbers, all together, is at most a tenth of the limit; serde itself sets aside at most 1 MiB for a collection.
const PER_HINT: usize = 512;

/// How much memory the decoding of one value may take, in bytes: strings, bytes, the elements of collections, and what is behind a `Box`.
///
/// Collections take more than their elements need while they grow. So the budget covers a fifth of the limit, and then the strings, vectors,
/// maps, sets and boxes of `std` never take more than the limit. A collection that allocates each element by itself, a `LinkedList`, takes more
/// than is counted.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    left: Cell<usize>,
    /// How many elements may still be believed in.
    hints: Cell<usize>,
}

impl Budget {
    /// At most `limit` bytes may be allocated at once.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Budget { limit, left: Cell::new(limit / GROWTH), hints: Cell::new(0) }
    }

    /// Every element takes some input, but for those of no size.
    pub(crate) fn expect(&self, input: usize) {
        self.hints.set(input.min(self.left.get() / PER_HINT));
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
        let believed = hint.min(self.hints.get());
        self.hints.set(self.hints.get() - believed);
        believed
    }

    /// One of those that were believed in is there, and has been charged.
    pub(crate) fn fulfil(&self) {
        self.hints.set(self.hints.get().saturating_add(1));
    }

    pub(crate) fn exceeded(&self) -> String {
        format!("would take more than {} bytes, a fifth of what may be allocated for it", self.limit / GROWTH)
    }
}
