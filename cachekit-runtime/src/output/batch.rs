//! What a batch function returns: one value per id, as a map or in the order of the ids, plain or in a `Result`. Found by type, so that aliases are seen.

use super::{Comparison, Share, Value, kind::OutputKind};
use crate::key::Unusable;
use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    sync::Arc,
};

/// The ids of some elements, owned, in their order; made as far as they are asked for.
pub type Ids<'a, I> = &'a mut dyn Iterator<Item = Option<I>>;

/// One value per id, in their order, or none where there is none. `None`: which value is whose is not known, and nothing may be concluded from it.
pub type Split<V> = Option<Vec<Option<V>>>;

/// What a function over several ids of type `I` returns.
#[diagnostic::on_unimplemented(
    message = "a batch of `{I}` cannot return `{Self}`",
    label = "not one value per id",
    note = "return `HashMap<{I}, V>`, `BTreeMap<{I}, V>`, or `Vec<Option<V>>` in the order of the ids; each plain or in a `Result`"
)]
pub trait BatchOutput<I>: Sized {
    /// What there is per id.
    type Value;
    /// How the whole can fail.
    type Error;
    /// The values of these ids, in their order; `None` where there is none.
    ///
    /// # Errors
    /// The error, if it is one.
    fn split(self, ids: Ids<'_, I>, count: usize) -> Result<Split<Self::Value>, Self::Error>;
    /// Values as a whole, given in the order of the ids.
    fn join(ids: Ids<'_, I>, values: Vec<Option<Self::Value>>) -> Self;
    /// An error as a whole; `None` for what cannot fail.
    fn fail(error: Self::Error) -> Option<Self>;
}

fn never<T>(error: Infallible) -> Option<T> {
    match error {}
}

impl<I: Hash + Eq, V, S: BuildHasher + Default> BatchOutput<I> for HashMap<I, V, S> {
    type Value = V;
    type Error = Infallible;
    fn split(mut self, ids: Ids<'_, I>, _: usize) -> Result<Split<V>, Infallible> {
        Ok(Some(ids.map(|id| self.remove(&id?)).collect()))
    }
    fn join(ids: Ids<'_, I>, values: Vec<Option<V>>) -> Self {
        let mut joined = HashMap::with_capacity_and_hasher(values.len(), S::default());
        joined.extend(ids.zip(values).filter_map(|(id, value)| id.zip(value)));
        joined
    }
    fn fail(error: Infallible) -> Option<Self> {
        never(error)
    }
}

impl<I: Ord, V> BatchOutput<I> for BTreeMap<I, V> {
    type Value = V;
    type Error = Infallible;
    fn split(mut self, ids: Ids<'_, I>, _: usize) -> Result<Split<V>, Infallible> {
        Ok(Some(ids.map(|id| self.remove(&id?)).collect()))
    }
    fn join(ids: Ids<'_, I>, values: Vec<Option<V>>) -> Self {
        ids.zip(values).filter_map(|(id, value)| id.zip(value)).collect()
    }
    fn fail(error: Infallible) -> Option<Self> {
        never(error)
    }
}

impl<I, V> BatchOutput<I> for Vec<Option<V>> {
    type Value = V;
    type Error = Infallible;
    fn split(self, _: Ids<'_, I>, count: usize) -> Result<Split<V>, Infallible> {
        if self.len() == count {
            return Ok(Some(self));
        }
        tracing::error!(
            given = self.len(),
            asked = count,
            "a batch function returned another number of values than of ids; none of them is used"
        );
        Ok(None)
    }
    fn join(_: Ids<'_, I>, values: Vec<Option<V>>) -> Self {
        values
    }
    fn fail(error: Infallible) -> Option<Self> {
        never(error)
    }
}

impl<I, C: BatchOutput<I, Error = Infallible>, E> BatchOutput<I> for Result<C, E> {
    type Value = C::Value;
    type Error = E;
    fn split(self, ids: Ids<'_, I>, count: usize) -> Result<Split<C::Value>, E> {
        match self?.split(ids, count) {
            Ok(values) => Ok(values),
            Err(error) => match error {},
        }
    }
    fn join(ids: Ids<'_, I>, values: Vec<Option<C::Value>>) -> Self {
        Ok(C::join(ids, values))
    }
    fn fail(error: E) -> Option<Self> {
        Some(Err(error))
    }
}

/// `<BatchProbe<R, I>>::OK`: may a batch of `I` return `R`? For concrete types.
pub struct BatchProbe<R, I>(PhantomData<fn() -> (R, I)>);

/// The answer where the inherent constant does not apply.
pub trait BatchFallback {
    /// No.
    const OK: bool = false;
}

impl<R, I> BatchFallback for BatchProbe<R, I> {}

impl<R: BatchOutput<I, Value: Value>, I> BatchProbe<R, I> {
    /// Yes.
    pub const OK: bool = true;
}

/// [`BatchOutput`] made total by the constant of [`BatchProbe`], so that an unfit type is one error, that of [`assert_batch`].
pub trait BatchOr<I, const OK: bool>: Sized {
    /// What there is per id, or [`Unusable`].
    type Value: Value;
    /// As of [`BatchOutput`].
    type Error;
    /// As [`BatchOutput::split`].
    ///
    /// # Errors
    /// As there.
    fn split(self, ids: Ids<'_, I>, count: usize) -> Result<Split<Self::Value>, Self::Error>;
    /// As [`BatchOutput::join`]; `None` for an unfit type.
    fn join(ids: Ids<'_, I>, values: Vec<Option<Self::Value>>) -> Option<Self>;
    /// As [`BatchOutput::fail`].
    fn fail(error: Self::Error) -> Option<Self>;
}

impl<I, R: BatchOutput<I, Value: Value>> BatchOr<I, true> for R {
    type Value = R::Value;
    type Error = R::Error;
    fn split(self, ids: Ids<'_, I>, count: usize) -> Result<Split<R::Value>, R::Error> {
        BatchOutput::split(self, ids, count)
    }
    fn join(ids: Ids<'_, I>, values: Vec<Option<R::Value>>) -> Option<R> {
        Some(BatchOutput::join(ids, values))
    }
    fn fail(error: R::Error) -> Option<R> {
        BatchOutput::fail(error)
    }
}

impl<I, R> BatchOr<I, false> for R {
    type Value = Unusable;
    type Error = Infallible;
    fn split(self, _: Ids<'_, I>, _: usize) -> Result<Split<Unusable>, Infallible> {
        Ok(None)
    }
    fn join(_: Ids<'_, I>, _: Vec<Option<Unusable>>) -> Option<R> {
        None
    }
    fn fail(error: Infallible) -> Option<R> {
        never(error)
    }
}

/// A return type that is fit, unless the ids are not, which is an error elsewhere.
#[diagnostic::on_unimplemented(
    message = "a batch of `{I}` cannot return `{Self}`",
    label = "not one value per id",
    note = "return `HashMap<{I}, V>`, `BTreeMap<{I}, V>`, or `Vec<Option<V>>` in the order of the ids; each plain or in a `Result`"
)]
pub trait BatchReturn<I, const KEY: bool> {}
impl<I, R> BatchReturn<I, false> for R {}
impl<I, R: BatchOutput<I, Value: Value>> BatchReturn<I, true> for R {}

/// The one place that reports a return type that is no batch's.
#[inline]
pub const fn assert_batch<R: BatchReturn<I, KEY>, I, const KEY: bool>() {}

/// As [`assert_batch`] where constants cannot see types.
#[inline]
pub const fn assert_batch_of<R: BatchOutput<I, Value: Value>, I>() {}

/// How an element of a batch ended, for those who follow its flight.
pub enum Element<S, E> {
    /// There is a value.
    Value(S),
    /// There is none, and nothing is stored.
    Absent,
    /// The whole failed.
    Failed(E),
}

/// Elements are wrapped as they are.
pub enum ElementKind {}

impl<S, E> OutputKind<Element<S, E>> for ElementKind {
    type Stored = S;
    fn wrap(stored: S) -> Element<S, E> {
        Element::Value(stored)
    }
    fn stored(output: &Element<S, E>) -> Option<&S> {
        if let Element::Value(value) = output { Some(value) } else { None }
    }
    fn is_error(output: &Element<S, E>) -> bool {
        matches!(output, Element::Failed(_))
    }
}

/// What the followers of an element are given where it has no value. A single function cannot read it, and loads for itself.
struct NoValue;

/// Nothing that a follower could read.
struct Nothing;

fn pack_absent<S, E>(element: &Element<S, E>) -> Arc<dyn Any + Send + Sync> {
    match element {
        Element::Absent => Arc::new(NoValue),
        _ => Arc::new(Nothing),
    }
}

fn unpack_absent<S, E>(packed: &(dyn Any + Send + Sync)) -> Option<Element<S, E>> {
    packed.is::<NoValue>().then_some(Element::Absent)
}

fn pack<S: Value, E: Value>(element: &Element<S, E>) -> Arc<dyn Any + Send + Sync> {
    match element {
        // As single functions pack their outputs, which so share errors with batches.
        Element::Failed(error) => Arc::new(Err::<S, E>(error.clone())),
        other => pack_absent(other),
    }
}

fn unpack<S: Value, E: Value>(packed: &(dyn Any + Send + Sync)) -> Option<Element<S, E>> {
    match packed.downcast_ref::<Result<S, E>>() {
        Some(Ok(value)) => Some(Element::Value(value.clone())),
        Some(Err(error)) => Some(Element::Failed(error.clone())),
        None => unpack_absent(packed),
    }
}

fn compare<S: PartialEq, E>(one: &Element<S, E>, other: &Element<S, E>) -> Comparison {
    let is_same = match (one, other) {
        (Element::Value(one), Element::Value(other)) => one == other,
        (Element::Absent, Element::Absent) => true,
        _ => false,
    };
    if is_same { Comparison::Same } else { Comparison::Different(None) }
}

/// `(&&&ElementProbe::<S, E>::NEW).share()`: what of an element its followers can be given.
pub struct ElementProbe<S, E>(PhantomData<fn() -> (S, E)>);

impl<S, E> ElementProbe<S, E> {
    /// The only value.
    pub const NEW: Self = ElementProbe(PhantomData);
}

/// Wins where errors can be copied and values compared.
pub trait ViaElementAll<S, E> {
    /// The ways.
    fn share(&self) -> Share<Element<S, E>>;
}

impl<S: Value + PartialEq, E: Value> ViaElementAll<S, E> for &&ElementProbe<S, E> {
    fn share(&self) -> Share<Element<S, E>> {
        Share::by(pack, unpack, Some(compare))
    }
}

/// Wins next, where errors can be copied.
pub trait ViaElementClone<S, E> {
    /// The ways.
    fn share(&self) -> Share<Element<S, E>>;
}

impl<S: Value, E: Value> ViaElementClone<S, E> for &ElementProbe<S, E> {
    fn share(&self) -> Share<Element<S, E>> {
        Share::by(pack, unpack, None)
    }
}

/// Serves all the rest.
pub trait ViaElement<S, E> {
    /// The ways.
    fn share(&self) -> Share<Element<S, E>>;
}

impl<S, E> ViaElement<S, E> for ElementProbe<S, E> {
    fn share(&self) -> Share<Element<S, E>> {
        Share::by(pack_absent, unpack_absent, None)
    }
}

/// An id that the body gets once more: `(&CopyProbe(&id)).copied()`. What cannot be copied is no key either, which is an error elsewhere.
pub struct CopyProbe<'a, T>(pub &'a T);

/// Wins for what is `Clone`.
pub trait ViaCopied<T> {
    /// The copy.
    fn copied(&self) -> Option<T>;
}

impl<T: Clone> ViaCopied<T> for CopyProbe<'_, T> {
    fn copied(&self) -> Option<T> {
        Some(self.0.clone())
    }
}

/// Serves the rest.
pub trait ViaUncopied<T> {
    /// None.
    fn copied(&self) -> Option<T>;
}

impl<T> ViaUncopied<T> for &CopyProbe<'_, T> {
    fn copied(&self) -> Option<T> {
        None
    }
}

/// An argument by value of a function that may be called twice.
#[diagnostic::on_unimplemented(
    message = "a batch function cannot take a `{Self}` by value",
    label = "not `Clone`, and the function may be run a second time",
    note = "ids that another call was loading and gave up are loaded by a second run of the function: take `&{Self}` or an `Arc<{Self}>`, or derive `Clone`"
)]
pub trait Again {
    /// For one run.
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    #[inline]
    fn again(&self) -> T {
        self.clone()
    }
}

/// An argument for one run of the function.
#[inline]
pub fn again<T: Again>(argument: &T) -> T {
    argument.again()
}
