//! Parts whose usability, or whole form, is found on a value by method resolution: that works in generic code, where constants cannot, and for
//! expressions, whose types are not written down.
//!
//! A trait that is implemented for fewer references is found first, or last if the call starts with more of them.

use super::{
    KeyPart, Part,
    form::{CowForm, Opt, Ref, Val},
    part,
};
use std::{borrow::Cow, marker::PhantomData};

/// An argument of a known form: `(&PartProbe::<_, F>::new(&x)).part()`.
pub struct PartProbe<'a, T, F>(&'a T, PhantomData<fn() -> F>);

impl<'a, T, F> PartProbe<'a, T, F> {
    /// Asks about an argument.
    #[inline]
    pub fn new(argument: &'a T) -> Self {
        PartProbe(argument, PhantomData)
    }
}

/// Wins where the type can be part of a key.
pub trait ViaUsable<'a, T, F> {
    /// The part.
    fn part(&self) -> Part<'a, T, F, true>;
}

impl<'a, T: KeyPart<F>, F> ViaUsable<'a, T, F> for PartProbe<'a, T, F> {
    #[inline]
    fn part(&self) -> Part<'a, T, F, true> {
        part(self.0)
    }
}

/// Serves the rest, one reference further; [`assert_key`](super::assert_key) reports it.
pub trait ViaUnusable<'a, T, F> {
    /// The part.
    fn part(&self) -> Part<'a, T, F, false>;
}

impl<'a, T, F> ViaUnusable<'a, T, F> for &PartProbe<'a, T, F> {
    #[inline]
    fn part(&self) -> Part<'a, T, F, false> {
        part(self.0)
    }
}

/// The value of an expression: `(&&&FormProbe::new(&expr)).part()`, most specific first.
pub struct FormProbe<'a, T>(&'a T);

impl<'a, T> FormProbe<'a, T> {
    /// Asks about a value.
    #[inline]
    pub fn new(value: &'a T) -> Self {
        FormProbe(value)
    }
}

/// Wins for what borrows: `&T`, `Option<&T>`, `Cow<'_, T>`.
pub trait ViaBorrowed<'a, F> {
    /// The value's type.
    type Value;
    /// The part.
    fn part(&self) -> Part<'a, Self::Value, F, true>;
}

impl<'a, 'b, T: ?Sized> ViaBorrowed<'a, Ref> for &&FormProbe<'a, &'b T>
where
    &'b T: KeyPart<Ref>,
{
    type Value = &'b T;
    #[inline]
    fn part(&self) -> Part<'a, &'b T, Ref, true> {
        part(self.0)
    }
}

impl<'a, 'b, T: ?Sized> ViaBorrowed<'a, Opt<Ref>> for &&FormProbe<'a, Option<&'b T>>
where
    &'b T: KeyPart<Ref>,
{
    type Value = Option<&'b T>;
    #[inline]
    fn part(&self) -> Part<'a, Option<&'b T>, Opt<Ref>, true> {
        part(self.0)
    }
}

impl<'a, 'b, T: ?Sized + ToOwned> ViaBorrowed<'a, CowForm> for &&FormProbe<'a, Cow<'b, T>>
where
    Cow<'b, T>: KeyPart<CowForm>,
{
    type Value = Cow<'b, T>;
    #[inline]
    fn part(&self) -> Part<'a, Cow<'b, T>, CowForm, true> {
        part(self.0)
    }
}

/// Wins next, for values that own themselves.
pub trait ViaOwned<'a, T> {
    /// The part.
    fn part(&self) -> Part<'a, T, Val, true>;
}

impl<'a, T: KeyPart<Val>> ViaOwned<'a, T> for &FormProbe<'a, T> {
    #[inline]
    fn part(&self) -> Part<'a, T, Val, true> {
        part(self.0)
    }
}

/// Serves the rest; [`assert_part`] reports it.
pub trait ViaRejected<'a, T> {
    /// The part.
    fn part(&self) -> Part<'a, T, Val, false>;
}

impl<'a, T> ViaRejected<'a, T> for FormProbe<'a, T> {
    #[inline]
    fn part(&self) -> Part<'a, T, Val, false> {
        part(self.0)
    }
}

/// [`assert_key`](super::assert_key) for a part whose type is not written down.
#[inline]
pub const fn assert_part<T: KeyPart<F>, F, const OK: bool>(_: &Part<'_, T, F, OK>) {}
