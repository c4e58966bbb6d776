//! How many bytes a value takes, for caches that are bounded by bytes.

use crate::key::Key;
use std::{
    hash::Hasher,
    mem::{needs_drop, size_of, size_of_val},
};

mod impls;

/// A value that knows how many bytes it takes.
///
/// [`weight`](Self::weight) is the size of the value itself and of the heap that it owns. A cache with
/// [`max_bytes`](crate::Builder::max_bytes) asks once, when the entry is stored; a value that grows afterwards, behind a lock, is not weighed again.
///
/// | type | weight in bytes |
/// |---|---|
/// | numbers, `bool`, `char`, times, addresses, atomics, `()` | their size |
/// | `String`, `Vec<T>`, `VecDeque<T>`, `PathBuf` | their size, their capacity, and what the elements own |
/// | `Box<T>` | the pointer and what it points to |
/// | `Arc<T>`, `Rc<T>` | the same and the two counters: **counted whole**, however many share it |
/// | `&T`, `Weak<T>` | the pointer: the cache does not own what it points to |
/// | maps and sets | their size, their room as far as it can be asked for, and what keys and values own |
/// | `Option`, `Result`, tuples, arrays, `Cow` | their size and what is owned inside |
///
/// Bookkeeping of the allocator and spare room in the nodes of trees are not counted.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::Weigh;
///
/// struct Page {
///     title: String,
///     body: Vec<u8>,
/// }
///
/// impl Weigh for Page {
///     fn weight(&self) -> u64 {
///         self.title.weight() + self.body.weight()
///     }
/// }
///
/// let page = Page { title: "Ada".into(), body: vec![0; 1_000] };
/// assert_eq!(page.weight(), 24 + 3 + 24 + 1_000);
/// ```
///
/// The trait can be made into an object, so that `Arc<dyn Shape>` has a weight if `Shape: Weigh`.
#[diagnostic::on_unimplemented(
    message = "`max_bytes` does not know how many bytes a `{Self}` takes",
    label = "`{Self}` is not `Weigh`",
    note = "implement `cachekit::Weigh` for `{Self}` (for a type parameter write `T: cachekit::Weigh`), or say it beside `max_bytes`: `weigher = path`, a function `fn(&Key, &Value) -> u64`; in a builder, `max_bytes_with`"
)]
pub trait Weigh {
    /// Bytes: of the value itself, and of the heap that it owns.
    fn weight(&self) -> u64;

    /// Of several; a shortcut for types that own no heap.
    #[doc(hidden)]
    fn weight_of_all(all: &[Self]) -> u64
    where
        Self: Sized,
    {
        all.iter().fold(0, |sum, one| sum.saturating_add(one.weight()))
    }
}

/// Reports a value without a weight in a function with `max_bytes`.
#[doc(hidden)]
#[inline]
pub const fn needs_weight<V: Weigh>() {}

/// What a value owns beside its own size.
fn owned<T: Weigh>(value: &T) -> u64 {
    value.weight().saturating_sub(size::<T>())
}

fn size<T>() -> u64 {
    size_of::<T>() as u64
}

/// An estimate of the bytes of a key, which need not be [`Weigh`]: its size and, if it owns anything, as many bytes as it feeds to a hasher. For
/// strings and vectors of numbers these are their contents; a key whose `Hash` leaves something out is taken for lighter than it is.
pub(crate) fn weight_of_key<K: Key>(key: &K) -> u64 {
    let inline = size_of_val(key) as u64;
    if !needs_drop::<K>() {
        return inline;
    }
    let mut fed = Fed(0);
    key.hash(&mut fed);
    inline.saturating_add(fed.0)
}

/// Counts what it is fed.
struct Fed(u64);

impl Hasher for Fed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len() as u64);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::weight_of_key;

    #[test]
    fn keys_without_heap_weigh_their_size() {
        assert_eq!(weight_of_key(&7_u64), 8);
        assert_eq!(weight_of_key(&[1_u8; 32]), 32);
        assert_eq!(weight_of_key(&("static", 1_u32)), 24);
        assert_eq!(weight_of_key(&()), 0);
    }

    #[test]
    fn the_contents_of_keys_are_counted() {
        let long = "x".repeat(1_000);
        assert!((24 + 1_000..24 + 1_010).contains(&weight_of_key(&long)));
        assert!((40 + 1_000..40 + 1_030).contains(&weight_of_key(&(1_u64, 2_u64, long))));
        assert!((24 + 8_000..24 + 8_010).contains(&weight_of_key(&vec![1_u64; 1_000])));
    }
}
