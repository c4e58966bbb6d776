//! The kinds of output, and the type-level checks that the attribute's arguments ask for.

use crate::key::Unusable;
use std::marker::PhantomData;

/// What a cache can hold: `Clone + Send + Sync + 'static`. Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "a cached value is `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or return it in an `Arc`; an `Rc`, a reference or a guard cannot leave its thread or its caller"
)]
pub trait Value: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Value for T {}

/// The return value is stored as it is.
#[derive(Debug, Clone, Copy)]
pub enum Plain {}

/// `Result<T, E>`: the `T` of an `Ok` is stored.
#[derive(Debug, Clone, Copy)]
pub enum ResultOk {}

/// `Result<T, E>` with `errors = …`: stored whole.
#[derive(Debug, Clone, Copy)]
pub enum Whole {}

/// Rejected by an error elsewhere.
#[derive(Debug, Clone, Copy)]
pub enum Bad {}

/// How a function that returns `R` is stored. That what is stored is a [`Value`] is for those to ask who store it: a bound here would be one more
/// that an unfit type does not meet, and one more error.
pub trait OutputKind<R>: Sized {
    /// What the cache holds.
    type Stored;
    /// The return value for a hit.
    fn wrap(stored: Self::Stored) -> R;
    /// What of a return value is to be stored.
    fn stored(output: &R) -> Option<&Self::Stored>;
    /// The function failed.
    fn is_error(output: &R) -> bool;
}

impl<R> OutputKind<R> for Plain {
    type Stored = R;
    #[inline]
    fn wrap(stored: R) -> R {
        stored
    }
    #[inline]
    fn stored(output: &R) -> Option<&R> {
        Some(output)
    }
    fn is_error(_: &R) -> bool {
        false
    }
}

impl<T, E> OutputKind<Result<T, E>> for ResultOk {
    type Stored = T;
    #[inline]
    fn wrap(stored: T) -> Result<T, E> {
        Ok(stored)
    }
    #[inline]
    fn stored(output: &Result<T, E>) -> Option<&T> {
        output.as_ref().ok()
    }
    fn is_error(output: &Result<T, E>) -> bool {
        output.is_err()
    }
}

impl<T, E> OutputKind<Result<T, E>> for Whole {
    type Stored = Result<T, E>;
    #[inline]
    fn wrap(stored: Result<T, E>) -> Result<T, E> {
        stored
    }
    #[inline]
    fn stored(output: &Result<T, E>) -> Option<&Result<T, E>> {
        Some(output)
    }
    fn is_error(output: &Result<T, E>) -> bool {
        output.is_err()
    }
}

impl<R> OutputKind<R> for Bad {
    type Stored = Unusable;
    fn wrap(stored: Unusable) -> R {
        match stored {}
    }
    fn stored(_: &R) -> Option<&Unusable> {
        None
    }
    fn is_error(_: &R) -> bool {
        false
    }
}

/// The output of a function: its return type and the kind of it.
pub struct Output<R, M>(PhantomData<fn() -> (R, M)>);

impl<R, M> Clone for Output<R, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, M> Copy for Output<R, M> {}

impl<R, M> Output<R, M> {
    /// The only value.
    pub const NEW: Self = Output(PhantomData);
}

impl<R, M> Output<R, M> {
    /// The return value for a hit.
    // The bound is the method's, here and wherever generated code calls: an unmet one of an impl is another error, about a method that is not there.
    #[inline]
    pub fn wrap(self, stored: M::Stored) -> R
    where
        M: OutputKind<R>,
    {
        M::wrap(stored)
    }
}

/// A kind by number, for a constant that is computed from [`OutputProbe`](super::OutputProbe).
pub struct KindId<const ID: u8>;

/// From the number to the kind.
pub trait KindOf {
    /// The kind.
    type Kind;
}

const PLAIN: u8 = 0;
const RESULT: u8 = 1;
const WHOLE: u8 = 2;
const BAD: u8 = 3;

impl KindOf for KindId<PLAIN> {
    type Kind = Plain;
}
impl KindOf for KindId<RESULT> {
    type Kind = ResultOk;
}
impl KindOf for KindId<WHOLE> {
    type Kind = Whole;
}
impl KindOf for KindId<BAD> {
    type Kind = Bad;
}

/// The number of the kind. `whole`: the attribute says `errors`. `checked`: an unfit type gives [`Bad`], so that only [`assert_output`] reports it.
#[must_use]
pub const fn pick(is_result: bool, plain_ok: bool, result_ok: bool, whole: bool, checked: bool) -> u8 {
    match (is_result, whole) {
        (true, true) if plain_ok || !checked => WHOLE,
        (true, false) if result_ok || !checked => RESULT,
        (false, false) if plain_ok || !checked => PLAIN,
        _ => BAD,
    }
}

/// A return type whose stored part is a [`Value`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "a cached value is `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or return it in an `Arc`; an `Rc`, a reference or a guard cannot leave its thread or its caller"
)]
pub trait Cacheable<M> {}
#[diagnostic::do_not_recommend]
impl<T> Cacheable<Bad> for T {}
#[diagnostic::do_not_recommend]
impl<T: Value> Cacheable<Plain> for T {}
impl<T: Value, E> Cacheable<ResultOk> for Result<T, E> {}
impl<T: Value, E: Value> Cacheable<Whole> for Result<T, E> {}

/// The one place that reports a return type that cannot be cached.
#[inline]
pub const fn assert_output<R: Cacheable<M>, M>() {}

/// A `Result`.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[cache]` needs a function that returns a `Result`, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "`errors`, `stale_if_error` and a hard `load_timeout` say what to do with an `Err`: return a `Result`, or remove the argument"
)]
pub trait ResultLike {}
impl<T, E> ResultLike for Result<T, E> {}

/// Reports `errors` and `stale_if_error` on a function that cannot fail.
#[inline]
pub const fn needs_result<R: ResultLike>() {}

/// An `Option`, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`none = …` needs a function that returns an `Option` or a `Result` of one, and this one returns `{Self}`",
    label = "no `None` to speak of",
    note = "remove `none`, or say what is worth storing with `cache_if = |value| …`"
)]
pub trait OptionLike {
    /// Is it `None`?
    fn is_none(&self) -> bool;
}
impl<T> OptionLike for Option<T> {
    fn is_none(&self) -> bool {
        Option::is_none(self)
    }
}
impl<T, E> OptionLike for Result<Option<T>, E> {
    fn is_none(&self) -> bool {
        matches!(self, Ok(None))
    }
}

/// An error has been reported elsewhere.
#[doc(hidden)]
impl OptionLike for Unusable {
    fn is_none(&self) -> bool {
        match *self {}
    }
}

/// Reports `none` on a function without one.
#[inline]
pub const fn needs_option<R: OptionLike>() {}
