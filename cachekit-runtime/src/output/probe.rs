//! Which kind an output is: as constants for concrete types, by method resolution in generic code.

use super::kind::{Output, Plain, ResultOk, Value};
use std::marker::PhantomData;

/// Answers questions about `R`: inherent constants and methods win over those of the traits.
pub struct OutputProbe<R>(PhantomData<fn() -> R>);

impl<R> OutputProbe<R> {
    /// The only value.
    pub const NEW: Self = OutputProbe(PhantomData);
}

/// The answers where no inherent constant applies.
pub trait OutputFallback {
    /// `R` is no `Result`.
    const IS_RESULT: bool = false;
    /// `R` is no [`Value`].
    const PLAIN_OK: bool = false;
    /// `R` is no `Result` of a [`Value`].
    const RESULT_OK: bool = false;
}

impl<R> OutputFallback for OutputProbe<R> {}

impl<T, E> OutputProbe<Result<T, E>> {
    /// `R` is a `Result`.
    pub const IS_RESULT: bool = true;
}

impl<R: Value> OutputProbe<R> {
    /// `R` is a [`Value`].
    pub const PLAIN_OK: bool = true;
}

impl<T: Value, E> OutputProbe<Result<T, E>> {
    /// `R` is a `Result` of a [`Value`].
    pub const RESULT_OK: bool = true;
}

/// Wins for `Result`s: `(&OutputProbe::<R>::NEW).output()`.
pub trait ViaResult {
    /// The output.
    type Output;
    /// The output.
    fn output(&self) -> Self::Output;
}

impl<T, E> ViaResult for OutputProbe<Result<T, E>> {
    type Output = Output<Result<T, E>, ResultOk>;
    fn output(&self) -> Self::Output {
        Output::NEW
    }
}

/// Serves all the rest, one reference further.
pub trait ViaPlain {
    /// The output.
    type Output;
    /// The output.
    fn output(&self) -> Self::Output;
}

impl<R> ViaPlain for &OutputProbe<R> {
    type Output = Output<R, Plain>;
    fn output(&self) -> Self::Output {
        Output::NEW
    }
}
