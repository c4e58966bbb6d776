//! Parts taken together: one part is the key itself, several are a tuple, none is `()`.

use super::{Key, KeyOr, Part};
use std::hash::Hasher;

/// The borrowed form of a key of type `Key`.
pub trait Parts {
    /// The owned key.
    type Key: Key;
    /// Feeds what the owned key would feed.
    fn hash_parts<H: Hasher>(&self, hasher: &mut H);
    /// Compares with a stored key.
    fn matches_key(&self, key: &Self::Key) -> bool;
    /// The owned key; `None` only where the compiler has already reported an error.
    fn to_key(&self) -> Option<Self::Key>;
}

impl<T: KeyOr<F, OK>, F, const OK: bool> Parts for Part<'_, T, F, OK> {
    type Key = T::Owned;
    #[inline]
    fn hash_parts<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash_part(hasher);
    }
    #[inline]
    fn matches_key(&self, key: &Self::Key) -> bool {
        self.0.matches(key)
    }
    #[inline]
    fn to_key(&self) -> Option<Self::Key> {
        self.0.to_owned_part()
    }
}

impl Parts for () {
    type Key = ();
    #[inline]
    fn hash_parts<H: Hasher>(&self, _: &mut H) {}
    #[inline]
    fn matches_key(&self, (): &()) -> bool {
        true
    }
    #[inline]
    fn to_key(&self) -> Option<()> {
        Some(())
    }
}

macro_rules! tuples {
    ($($part:ident $index:tt),+) => {
        impl<$($part: Parts),+> Parts for ($($part,)+) {
            type Key = ($($part::Key,)+);
            #[inline]
            fn hash_parts<HH: Hasher>(&self, hasher: &mut HH) {
                $(self.$index.hash_parts(hasher);)+
            }
            #[inline]
            fn matches_key(&self, key: &Self::Key) -> bool {
                true $(&& self.$index.matches_key(&key.$index))+
            }
            #[inline]
            fn to_key(&self) -> Option<Self::Key> {
                Some(($(self.$index.to_key()?,)+))
            }
        }
    };
}

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
