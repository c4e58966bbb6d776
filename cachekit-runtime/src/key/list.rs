//! Parts in a row, as `Vec` and array hash and compare what they make.

use super::KeyPart;
use std::{
    any::TypeId,
    hash::{Hash as _, Hasher},
};

/// Slices, arrays and `Vec`s all hash their length first. Numbers follow as the bytes of them all at once, which to some hashers is not what one after the other is.
#[inline]
pub(super) fn hash_all<F, T: KeyPart<F>, H: Hasher>(parts: &[T], hasher: &mut H) {
    parts.len().hash(hasher);
    if is_number::<T::Owned>() {
        let mut bytes = Bytes::default();
        parts.iter().for_each(|part| part.hash_part(&mut bytes));
        return hasher.write(bytes.all());
    }
    for part in parts {
        part.hash_part(hasher);
    }
}

pub(super) fn all_match<F, T: KeyPart<F>>(parts: &[T], owned: &[T::Owned]) -> bool {
    parts.len() == owned.len() && parts.iter().zip(owned).all(|(part, owned)| part.matches(owned))
}

/// Known when code is generated.
#[inline]
fn is_number<T: 'static>() -> bool {
    macro_rules! any_of {
        ($($number:ty)+) => {
            false $(|| TypeId::of::<T>() == TypeId::of::<$number>())+
        };
    }
    any_of!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize)
}

/// What is fed to it, in a row. A few numbers need no allocation.
struct Bytes {
    few: [u8; 256],
    len: usize,
    many: Vec<u8>,
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes { few: [0; 256], len: 0, many: Vec::new() }
    }
}

impl Bytes {
    fn all(&self) -> &[u8] {
        if self.many.is_empty() { self.few.get(..self.len).unwrap_or_default() } else { &self.many }
    }
}

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        if self.many.is_empty() {
            if let Some(free) = self.few.get_mut(self.len..self.len + bytes.len()) {
                free.copy_from_slice(bytes);
                self.len += bytes.len();
                return;
            }
            self.many.extend_from_slice(self.few.get(..self.len).unwrap_or_default());
        }
        self.many.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
