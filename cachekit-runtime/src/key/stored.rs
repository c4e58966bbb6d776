//! Keys of entries in backends of bytes: there the parts have to be [`Serialize`] as well.
//!
//! As in the other probes, what is unfit is found here and becomes [`Unusable`], and one assertion reports it.

use super::{
    KeyFallback, KeyPart, Part, Unusable, ViaBorrowed, ViaOwned, ViaRejected, ViaUnusable, ViaUsable,
    form::{CowForm, Opt, Ref, Val},
    part,
};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, marker::PhantomData};

/// There are none.
impl Serialize for Unusable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

/// As [`KeyProbe`](super::KeyProbe).
pub struct StoredKeyProbe<T, F>(PhantomData<(F, T)>);

impl<T, F> KeyFallback for StoredKeyProbe<T, F> {}

impl<T: KeyPart<F>, F> StoredKeyProbe<T, F>
where
    T::Owned: Serialize,
{
    /// A part of such a key.
    pub const OK: bool = true;
}

/// As [`PartProbe`](super::PartProbe).
pub struct StoredPartProbe<'a, T, F>(&'a T, PhantomData<fn() -> F>);

impl<'a, T, F> StoredPartProbe<'a, T, F> {
    /// Asks about an argument.
    #[inline]
    pub fn new(argument: &'a T) -> Self {
        StoredPartProbe(argument, PhantomData)
    }
}

impl<'a, T: KeyPart<F>, F> ViaUsable<'a, T, F> for StoredPartProbe<'a, T, F>
where
    T::Owned: Serialize,
{
    #[inline]
    fn part(&self) -> Part<'a, T, F, true> {
        part(self.0)
    }
}

impl<'a, T, F> ViaUnusable<'a, T, F> for &StoredPartProbe<'a, T, F> {
    #[inline]
    fn part(&self) -> Part<'a, T, F, false> {
        part(self.0)
    }
}

/// As [`FormProbe`](super::FormProbe).
pub struct StoredFormProbe<'a, T>(&'a T);

impl<'a, T> StoredFormProbe<'a, T> {
    /// Asks about a value.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        StoredFormProbe(value)
    }
}

impl<'a, 'b, T: ?Sized> ViaBorrowed<'a, Ref> for &&StoredFormProbe<'a, &'b T>
where
    &'b T: KeyPart<Ref, Owned: Serialize>,
{
    type Value = &'b T;
    #[inline]
    fn part(&self) -> Part<'a, &'b T, Ref, true> {
        part(self.0)
    }
}

impl<'a, 'b, T: ?Sized> ViaBorrowed<'a, Opt<Ref>> for &&StoredFormProbe<'a, Option<&'b T>>
where
    &'b T: KeyPart<Ref, Owned: Serialize>,
{
    type Value = Option<&'b T>;
    #[inline]
    fn part(&self) -> Part<'a, Option<&'b T>, Opt<Ref>, true> {
        part(self.0)
    }
}

impl<'a, 'b, T: ?Sized + ToOwned> ViaBorrowed<'a, CowForm> for &&StoredFormProbe<'a, Cow<'b, T>>
where
    Cow<'b, T>: KeyPart<CowForm, Owned: Serialize>,
{
    type Value = Cow<'b, T>;
    #[inline]
    fn part(&self) -> Part<'a, Cow<'b, T>, CowForm, true> {
        part(self.0)
    }
}

impl<'a, T: KeyPart<Val, Owned: Serialize>> ViaOwned<'a, T> for &StoredFormProbe<'a, T> {
    #[inline]
    fn part(&self) -> Part<'a, T, Val, true> {
        part(self.0)
    }
}

impl<'a, T> ViaRejected<'a, T> for StoredFormProbe<'a, T> {
    #[inline]
    fn part(&self) -> Part<'a, T, Val, false> {
        part(self.0)
    }
}

/// A part of a key, not `OK` if it is none at all (which is reported elsewhere), that can be written into a backend.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of the key of an entry in a backend",
    label = "needs `serde::Serialize`",
    note = "derive `serde::Serialize` for it (for a type parameter write `T: cachekit::Key + serde::Serialize`); or leave the parameter out of the key with `skip(…)`; or say what matters of it with `key = (…)`; or use `backend = \"memory\"`"
)]
pub trait StoredPart<F, const OK: bool> {}

#[diagnostic::do_not_recommend]
impl<T: KeyPart<F, Owned: Serialize>, F> StoredPart<F, true> for T {}
#[diagnostic::do_not_recommend]
impl<T, F> StoredPart<F, false> for T {}

/// The one place that reports a part that is no [`StoredPart`].
#[inline]
pub const fn assert_stored_part<T: StoredPart<F, OK>, F, const OK: bool>(_: &Part<'_, T, F, OK>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Parts;

    /// A key, and not `Serialize`.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Plain(u8);

    #[test]
    fn a_part_that_cannot_be_written_is_unusable() {
        let (plain, number, text) = (Plain(1), 7_u8, "text");
        assert_eq!(StoredPartProbe::<_, Val>::new(&number).part().to_key(), Some(7));
        assert_eq!(StoredPartProbe::<_, Ref>::new(&text).part().to_key().as_deref(), Some("text"));
        assert!((&StoredPartProbe::<_, Val>::new(&plain)).part().to_key().is_none());
        assert_eq!((&&StoredFormProbe::new(&number)).part().to_key(), Some(7));
        assert_eq!((&&&StoredFormProbe::new(&text)).part().to_key().as_deref(), Some("text"));
        assert!(StoredFormProbe::new(&plain).part().to_key().is_none());
        const { assert!(StoredKeyProbe::<u8, Val>::OK && StoredKeyProbe::<&str, Ref>::OK) };
        const { assert!(!<StoredKeyProbe<Plain, Val> as KeyFallback>::OK && !StoredKeyProbe::<Plain, Val>::OK) };
    }
}
