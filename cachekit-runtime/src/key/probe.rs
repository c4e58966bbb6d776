//! Total key types: a parameter that cannot be part of a key yields exactly one error, the one of [`assert_key`] at its type.
//!
//! A static has to name the key's type, and a projection through an unmet bound would be reported a second time there. So whether the bound is
//! met is first computed as a constant (an inherent constant wins over a trait's), and an unfit type is projected to [`Unusable`] instead.

use super::{Key, KeyPart};
use std::{hash::Hasher, marker::PhantomData};

/// Stands for a type that has been rejected by an error elsewhere. Has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unusable {}

/// `<KeyProbe<T, F>>::OK`: is `T` a [`KeyPart`] in form `F`? Correct for concrete types; in generic code only what the where-clauses say is seen.
pub struct KeyProbe<T, F>(PhantomData<(F, T)>);

/// The answer where the inherent constant does not apply.
pub trait KeyFallback {
    /// Not a key part.
    const OK: bool = false;
}

impl<T, F> KeyFallback for KeyProbe<T, F> {}

impl<T: KeyPart<F>, F> KeyProbe<T, F> {
    /// A key part.
    pub const OK: bool = true;
}

/// [`KeyPart`] made total by the constant of [`KeyProbe`].
pub trait KeyOr<F, const OK: bool> {
    /// [`KeyPart::Owned`], or [`Unusable`].
    type Owned: Key;
    /// As [`KeyPart::hash_part`].
    fn hash_part<H: Hasher>(&self, hasher: &mut H);
    /// As [`KeyPart::matches`].
    fn matches(&self, owned: &Self::Owned) -> bool;
    /// As [`KeyPart::to_owned_part`]; `None` for an unusable part.
    fn to_owned_part(&self) -> Option<Self::Owned>;
}

impl<T: KeyPart<F>, F> KeyOr<F, true> for T {
    type Owned = <T as KeyPart<F>>::Owned;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        KeyPart::hash_part(self, hasher);
    }
    #[inline]
    fn matches(&self, owned: &Self::Owned) -> bool {
        KeyPart::matches(self, owned)
    }
    #[inline]
    fn to_owned_part(&self) -> Option<Self::Owned> {
        Some(KeyPart::to_owned_part(self))
    }
}

impl<T, F> KeyOr<F, false> for T {
    type Owned = Unusable;
    fn hash_part<H: Hasher>(&self, _: &mut H) {}
    fn matches(&self, owned: &Unusable) -> bool {
        match *owned {}
    }
    fn to_owned_part(&self) -> Option<Unusable> {
        None
    }
}

/// A borrowed argument together with its form.
pub struct Part<'a, T, F, const OK: bool>(pub(super) &'a T, PhantomData<fn() -> F>);

/// Borrows an argument as a part of a key.
#[inline]
pub fn part<T, F, const OK: bool>(argument: &T) -> Part<'_, T, F, OK> {
    Part(argument, PhantomData)
}

/// The one place that reports a parameter whose type cannot be part of a key.
#[inline]
pub const fn assert_key<T: KeyPart<F>, F>() {}

/// The same for a type parameter, for which the compiler suggests the bound that it sees here.
#[inline]
pub const fn assert_own_key<T: Key>() {}
