//! One implementation of [`KeyPart`] per form.

use super::{
    Key,
    form::{Arr, CowForm, Opt, Ref, RefTo, Slice, Val},
    list::{all_match, hash_all},
};
use std::{
    borrow::{Borrow, Cow},
    hash::{Hash, Hasher},
};

/// A parameter that can be part of a cache key in the given form.
///
/// Law, tested for every form: `hash_part` feeds the hasher exactly what `to_owned_part().hash(…)` would, and `matches(o)` is
/// `to_owned_part() == *o`. So a key that is already owned finds what a borrowed one stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "every parameter is part of the key, and this type is not `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "derive `Hash`, `PartialEq`, `Eq` and `Clone` (for a type parameter write `T: cachekit::Key`); or leave the parameter out of the key with `skip(…)`; or say what matters of it with `key = (…)`, for a float `key = (x.to_bits(),)`"
)]
pub trait KeyPart<Form> {
    /// What is stored.
    type Owned: Key;
    /// Feeds what the owned form would feed.
    fn hash_part<H: Hasher>(&self, hasher: &mut H);
    /// Compares with a stored part.
    fn matches(&self, owned: &Self::Owned) -> bool;
    /// Makes the part owned; called on the miss path only.
    fn to_owned_part(&self) -> Self::Owned;
}

#[diagnostic::do_not_recommend]
impl<T: Hash + Eq + Clone + Send + Sync + 'static> KeyPart<Val> for T {
    type Owned = T;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        self.hash(hasher);
    }
    #[inline]
    fn matches(&self, owned: &T) -> bool {
        self == owned
    }
    fn to_owned_part(&self) -> T {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T> KeyPart<Ref> for &T
where
    T: ?Sized + Hash + Eq + ToOwned,
    T::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
    type Owned = T::Owned;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        (**self).hash(hasher);
    }
    #[inline]
    fn matches(&self, owned: &T::Owned) -> bool {
        **self == *owned.borrow()
    }
    fn to_owned_part(&self) -> T::Owned {
        (**self).to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<F, T: KeyPart<F>> KeyPart<RefTo<F>> for &T {
    type Owned = T::Owned;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        (**self).hash_part(hasher);
    }
    #[inline]
    fn matches(&self, owned: &T::Owned) -> bool {
        (**self).matches(owned)
    }
    fn to_owned_part(&self) -> T::Owned {
        (**self).to_owned_part()
    }
}

#[diagnostic::do_not_recommend]
impl<F, T: KeyPart<F>> KeyPart<Opt<F>> for Option<T> {
    type Owned = Option<T::Owned>;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        std::mem::discriminant(self).hash(hasher);
        if let Some(some) = self {
            some.hash_part(hasher);
        }
    }
    #[inline]
    fn matches(&self, owned: &Self::Owned) -> bool {
        match (self, owned) {
            (Some(a), Some(b)) => a.matches(b),
            (None, None) => true,
            _ => false,
        }
    }
    fn to_owned_part(&self) -> Self::Owned {
        self.as_ref().map(T::to_owned_part)
    }
}

macro_rules! lists {
    ($($list:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl<F, T: KeyPart<F>> KeyPart<Slice<F>> for $list {
            type Owned = Vec<T::Owned>;
            #[inline]
            fn hash_part<H: Hasher>(&self, hasher: &mut H) {
                hash_all(self, hasher);
            }
            #[inline]
            fn matches(&self, owned: &Self::Owned) -> bool {
                all_match(self, owned)
            }
            fn to_owned_part(&self) -> Self::Owned {
                self.iter().map(T::to_owned_part).collect()
            }
        }
    )+};
}

lists!(&[T], Vec<T>, Box<[T]>);

#[diagnostic::do_not_recommend]
impl<F, T: KeyPart<F>, const N: usize> KeyPart<Arr<F>> for [T; N] {
    type Owned = [T::Owned; N];
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        hash_all(self, hasher);
    }
    #[inline]
    fn matches(&self, owned: &Self::Owned) -> bool {
        all_match(self, owned)
    }
    fn to_owned_part(&self) -> Self::Owned {
        self.each_ref().map(T::to_owned_part)
    }
}

#[diagnostic::do_not_recommend]
impl<B> KeyPart<CowForm> for Cow<'_, B>
where
    B: ?Sized + ToOwned + Hash + Eq,
    B::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
    type Owned = B::Owned;
    #[inline]
    fn hash_part<H: Hasher>(&self, hasher: &mut H) {
        (**self).hash(hasher);
    }
    #[inline]
    fn matches(&self, owned: &B::Owned) -> bool {
        **self == *owned.borrow()
    }
    fn to_owned_part(&self) -> B::Owned {
        (**self).to_owned()
    }
}

macro_rules! tuple_forms {
    ($($part:ident $form:ident $index:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<$($part: KeyPart<$form>, $form),+> KeyPart<($($form,)+)> for ($($part,)+) {
            type Owned = ($($part::Owned,)+);
            #[inline]
            fn hash_part<HH: Hasher>(&self, hasher: &mut HH) {
                $(self.$index.hash_part(hasher);)+
            }
            #[inline]
            fn matches(&self, owned: &Self::Owned) -> bool {
                true $(&& self.$index.matches(&owned.$index))+
            }
            fn to_owned_part(&self) -> Self::Owned {
                ($(self.$index.to_owned_part(),)+)
            }
        }
    };
}

tuple_forms!(A FA 0);
tuple_forms!(A FA 0, B FB 1);
tuple_forms!(A FA 0, B FB 1, C FC 2);
tuple_forms!(A FA 0, B FB 1, C FC 2, D FD 3);
tuple_forms!(A FA 0, B FB 1, C FC 2, D FD 3, E FE 4);
tuple_forms!(A FA 0, B FB 1, C FC 2, D FD 3, E FE 4, F FF 5);
