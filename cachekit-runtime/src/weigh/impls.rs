//! The usual types.

use super::{Weigh, owned, size};
use crate::key::Unusable;
use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    ffi::{CStr, CString, OsStr, OsString},
    marker::PhantomData,
    mem::size_of_val,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    num::{NonZero, Wrapping},
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    rc::{self, Rc},
    sync::{Arc, Weak, atomic},
    time::{Duration, Instant, SystemTime},
};

/// Types that own nothing.
macro_rules! plain {
    ($($name:ty $(where $param:ident $(: $bound:ident)?)?),* $(,)?) => {$(
        impl$(<$param $(: $bound)?>)? Weigh for $name {
            #[inline]
            fn weight(&self) -> u64 {
                size::<Self>()
            }
            #[inline]
            fn weight_of_all(all: &[Self]) -> u64 {
                size_of_val(all) as u64
            }
        }
    )*};
}

plain! {
    (), bool, char, f32, f64,
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    atomic::AtomicBool, atomic::AtomicU8, atomic::AtomicU16, atomic::AtomicU32, atomic::AtomicU64, atomic::AtomicUsize,
    atomic::AtomicI8, atomic::AtomicI16, atomic::AtomicI32, atomic::AtomicI64, atomic::AtomicIsize,
    Duration, Instant, SystemTime, std::cmp::Ordering,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
    PhantomData<T> where T, Weak<T> where T, rc::Weak<T> where T,
}

impl<T: ?Sized> Weigh for &T {
    fn weight(&self) -> u64 {
        size::<Self>()
    }
}

impl Weigh for str {
    fn weight(&self) -> u64 {
        self.len() as u64
    }
}

impl Weigh for String {
    fn weight(&self) -> u64 {
        size::<Self>() + self.capacity() as u64
    }
}

impl Weigh for CStr {
    fn weight(&self) -> u64 {
        self.to_bytes_with_nul().len() as u64
    }
}

impl Weigh for CString {
    fn weight(&self) -> u64 {
        size::<Self>() + self.as_c_str().weight()
    }
}

impl Weigh for OsStr {
    fn weight(&self) -> u64 {
        self.len() as u64
    }
}

impl Weigh for OsString {
    fn weight(&self) -> u64 {
        size::<Self>() + self.capacity() as u64
    }
}

impl Weigh for Path {
    fn weight(&self) -> u64 {
        self.as_os_str().weight()
    }
}

impl Weigh for PathBuf {
    fn weight(&self) -> u64 {
        size::<Self>() + self.capacity() as u64
    }
}

impl<T: Weigh> Weigh for [T] {
    fn weight(&self) -> u64 {
        T::weight_of_all(self)
    }
}

impl<T: Weigh, const N: usize> Weigh for [T; N] {
    fn weight(&self) -> u64 {
        T::weight_of_all(self)
    }
    fn weight_of_all(all: &[Self]) -> u64 {
        T::weight_of_all(all.as_flattened())
    }
}

/// Slots without an element.
fn spare<T>(capacity: usize, len: usize) -> u64 {
    size::<T>().saturating_mul(capacity.saturating_sub(len) as u64)
}

/// Of a collection, its elements and the room it has left.
fn contents<'a, T: Weigh + 'a>(elements: impl IntoIterator<Item = &'a T>) -> u64 {
    elements.into_iter().fold(0, |sum, element| sum.saturating_add(element.weight()))
}

/// Keys and values.
fn pairs<'a, K: Weigh + 'a, V: Weigh + 'a>(pairs: impl IntoIterator<Item = (&'a K, &'a V)>) -> u64 {
    let padding = size::<(K, V)>() - size::<K>() - size::<V>();
    let of_pair = |(key, value): (&K, &V)| key.weight().saturating_add(value.weight()).saturating_add(padding);
    pairs.into_iter().fold(0, |sum, pair| sum.saturating_add(of_pair(pair)))
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(spare::<T>(self.capacity(), self.len())).saturating_add(T::weight_of_all(self))
    }
}

impl<T: Weigh> Weigh for VecDeque<T> {
    fn weight(&self) -> u64 {
        let (front, back) = self.as_slices();
        size::<Self>()
            .saturating_add(spare::<T>(self.capacity(), self.len()))
            .saturating_add(T::weight_of_all(front))
            .saturating_add(T::weight_of_all(back))
    }
}

impl<T: Weigh> Weigh for BinaryHeap<T> {
    fn weight(&self) -> u64 {
        size::<Self>()
            .saturating_add(spare::<T>(self.capacity(), self.len()))
            .saturating_add(T::weight_of_all(self.as_slice()))
    }
}

impl<T: Weigh> Weigh for LinkedList<T> {
    fn weight(&self) -> u64 {
        let links = 2 * size::<usize>() * self.len() as u64;
        size::<Self>().saturating_add(links).saturating_add(contents(self))
    }
}

impl<K: Weigh, V: Weigh, S> Weigh for HashMap<K, V, S> {
    fn weight(&self) -> u64 {
        // A slot has a byte of its own beside the pair.
        size::<Self>()
            .saturating_add(spare::<(K, V)>(self.capacity(), self.len()))
            .saturating_add(self.capacity() as u64)
            .saturating_add(pairs(self))
    }
}

impl<T: Weigh, S> Weigh for HashSet<T, S> {
    fn weight(&self) -> u64 {
        size::<Self>()
            .saturating_add(spare::<T>(self.capacity(), self.len()))
            .saturating_add(self.capacity() as u64)
            .saturating_add(contents(self))
    }
}

impl<K: Weigh, V: Weigh> Weigh for BTreeMap<K, V> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(pairs(self))
    }
}

impl<T: Weigh> Weigh for BTreeSet<T> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(contents(self))
    }
}

impl<T: ?Sized + Weigh> Weigh for Box<T> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add((**self).weight())
    }
}

/// The counters in front of what is shared.
const COUNTERS: u64 = 2 * size_of::<usize>() as u64;

impl<T: ?Sized + Weigh> Weigh for Arc<T> {
    fn weight(&self) -> u64 {
        (size::<Self>() + COUNTERS).saturating_add((**self).weight())
    }
}

impl<T: ?Sized + Weigh> Weigh for Rc<T> {
    fn weight(&self) -> u64 {
        (size::<Self>() + COUNTERS).saturating_add((**self).weight())
    }
}

impl<B> Weigh for Cow<'_, B>
where
    B: ?Sized + ToOwned,
    B::Owned: Weigh,
{
    fn weight(&self) -> u64 {
        match self {
            Cow::Borrowed(_) => size::<Self>(),
            Cow::Owned(value) => size::<Self>().saturating_add(owned(value)),
        }
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(self.as_ref().map_or(0, owned))
    }
}

impl<T: Weigh, E: Weigh> Weigh for Result<T, E> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(match self {
            Ok(value) => owned(value),
            Err(error) => owned(error),
        })
    }
}

impl<T: Weigh> Weigh for Reverse<T> {
    fn weight(&self) -> u64 {
        self.0.weight()
    }
}

impl<T: Weigh> Weigh for Wrapping<T> {
    fn weight(&self) -> u64 {
        self.0.weight()
    }
}

impl<T: Weigh> Weigh for Range<T> {
    fn weight(&self) -> u64 {
        self.start.weight().saturating_add(self.end.weight())
    }
}

impl<T: Weigh> Weigh for RangeInclusive<T> {
    fn weight(&self) -> u64 {
        size::<Self>().saturating_add(owned(self.start())).saturating_add(owned(self.end()))
    }
}

/// An error has been reported elsewhere.
#[doc(hidden)]
impl Weigh for Unusable {
    fn weight(&self) -> u64 {
        match *self {}
    }
}

macro_rules! tuples {
    ($($part:ident $index:tt),+) => {
        impl<$($part: Weigh),+> Weigh for ($($part,)+) {
            fn weight(&self) -> u64 {
                size::<Self>()$(.saturating_add(owned(&self.$index)))+
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

#[cfg(test)]
mod tests {
    use super::*;

    /// Weighs nothing, whatever its size.
    struct Free(#[expect(dead_code, reason = "it is there for its size")] u64);
    impl Weigh for Free {
        fn weight(&self) -> u64 {
            0
        }
    }

    #[test]
    fn plain_values_weigh_their_size() {
        assert_eq!(1_u8.weight(), 1);
        assert_eq!(1.5_f64.weight(), 8);
        assert_eq!('x'.weight(), 4);
        assert_eq!(().weight(), 0);
        assert_eq!(Duration::from_secs(1).weight(), 16);
        assert_eq!("four".weight(), 4);
        assert_eq!((&"borrowed").weight(), 16, "the pointer");
        assert_eq!([1_u32; 5].weight(), 20);
        assert_eq!((1_u8, 2_u64).weight(), 16);
    }

    #[test]
    fn room_counts_as_much_as_contents() {
        let mut text = String::with_capacity(100);
        text.push('x');
        assert_eq!(text.weight(), 24 + text.capacity() as u64);
        let mut numbers = Vec::<u64>::with_capacity(50);
        numbers.push(1);
        assert_eq!(numbers.weight(), 24 + 8 * numbers.capacity() as u64);
        let deque: VecDeque<u64> = numbers.into();
        assert_eq!(deque.weight(), size::<VecDeque<u64>>() + 8 * deque.capacity() as u64);
    }

    #[test]
    fn what_elements_own_counts() {
        let words: Vec<Box<str>> = vec!["one".into(), "three".into()];
        assert_eq!(words.weight(), 24 + 2 * 16 + 8);
        assert_eq!(vec![[Some("abc".to_owned()), None]].weight(), 24 + 48 + 3);
        assert_eq!((1_u64, String::from("ab"), Some(vec![7_u8])).weight(), 8 + 24 + 24 + 3);
        assert_eq!(Ok::<String, u8>("ab".into()).weight(), 24 + 2);
        assert_eq!(Err::<u8, String>("ab".into()).weight(), 24 + 2);
        assert_eq!(Box::<[u8]>::from([1, 2, 3]).weight(), 16 + 3);
        assert_eq!(Cow::Borrowed("long enough").weight(), 24);
        assert_eq!(Cow::<str>::Owned("ab".into()).weight(), 24 + 2);
        assert_eq!(PathBuf::from("/a").weight(), 24 + 2);
    }

    #[test]
    fn shared_values_are_counted_whole() {
        let shared: Arc<str> = "shared".into();
        let both = (shared.clone(), shared.clone());
        assert_eq!(shared.weight(), 16 + 16 + 6);
        assert_eq!(both.weight(), 2 * shared.weight());
        assert_eq!(Rc::new(1_u64).weight(), 8 + 16 + 8);
        assert_eq!(Arc::downgrade(&Arc::new([0_u8; 1_000])).weight(), 8);
    }

    #[test]
    fn maps_count_keys_values_and_slots() {
        let map: HashMap<u64, String> = [(1, "one".into()), (2, "two".into())].into();
        let slots = map.capacity() as u64;
        assert_eq!(map.weight(), size::<HashMap<u64, String>>() + slots * 33 + 6);
        let set: HashSet<u64> = [1, 2].into();
        assert_eq!(set.weight(), size::<HashSet<u64>>() + set.capacity() as u64 * 9);
        let tree: BTreeMap<u8, u64> = [(1, 1)].into();
        assert_eq!(tree.weight(), size::<BTreeMap<u8, u64>>() + 16);
        assert_eq!(BTreeSet::from([1_u32, 2]).weight(), size::<BTreeSet<u32>>() + 8);
    }

    #[test]
    fn trait_objects_have_a_weight() {
        trait Shape: Weigh {}
        struct Square(String);
        impl Weigh for Square {
            fn weight(&self) -> u64 {
                self.0.weight()
            }
        }
        impl Shape for Square {}
        let shape: Arc<dyn Shape> = Arc::new(Square("ab".into()));
        assert_eq!(shape.weight(), 16 + 16 + 26);
    }

    #[test]
    fn a_weight_below_the_size_stays_in_bounds() {
        assert_eq!(vec![Free(1), Free(2)].weight(), 24);
        assert_eq!(Some(Free(1)).weight(), 16);
        assert_eq!((Free(1), 1_u8).weight(), 16);
    }

    #[test]
    fn sums_saturate() {
        struct Huge;
        impl Weigh for Huge {
            fn weight(&self) -> u64 {
                u64::MAX - 1
            }
        }
        assert_eq!(vec![Huge, Huge].weight(), u64::MAX);
        assert_eq!((Huge, Huge).weight(), u64::MAX);
    }
}
