//! The form of an element of `key = (expr, …)`, found on its value: whether it is a reference is structural, so this works in generic code.

use super::form::{Opt, Ref, Val};
use std::marker::PhantomData;

/// `(&FormProbe(&element)).form()`.
pub struct FormProbe<'a, T>(pub &'a T);

/// A form as a value.
pub struct FormOf<F>(PhantomData<fn() -> F>);

/// Wins for references.
pub trait ViaReference {
    /// The form.
    fn form(&self) -> FormOf<Ref>;
}

impl<T: ?Sized> ViaReference for FormProbe<'_, &T> {
    fn form(&self) -> FormOf<Ref> {
        FormOf(PhantomData)
    }
}

/// Wins for options of references.
pub trait ViaOption {
    /// The form.
    fn form(&self) -> FormOf<Opt<Ref>>;
}

impl<T: ?Sized> ViaOption for FormProbe<'_, Option<&T>> {
    fn form(&self) -> FormOf<Opt<Ref>> {
        FormOf(PhantomData)
    }
}

/// Serves all the rest, one reference further.
pub trait ViaValue {
    /// The form.
    fn form(&self) -> FormOf<Val>;
}

impl<T> ViaValue for &FormProbe<'_, T> {
    fn form(&self) -> FormOf<Val> {
        FormOf(PhantomData)
    }
}

/// Borrows an element in the form that was found.
#[inline]
pub fn part_in<T, F>(_: FormOf<F>, element: &T) -> super::Part<'_, T, F, true> {
    super::part(element)
}
