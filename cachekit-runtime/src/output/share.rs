//! Can a leader's whole output, an `Err` included, be given to its followers?

use std::{any::Any, marker::PhantomData, sync::Arc};

/// A way to copy an output for followers, if its type has one.
pub struct Share<R>(pub(crate) Option<fn(&R) -> Arc<dyn Any + Send + Sync>>, pub(crate) Option<fn(&(dyn Any + Send + Sync)) -> Option<R>>);

impl<R> Clone for Share<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Share<R> {}

impl<R> Share<R> {
    pub(crate) const NOTHING: Self = Share(None, None);

    pub(crate) fn pack(self, output: &R) -> Option<Arc<dyn Any + Send + Sync>> {
        self.0.map(|pack| pack(output))
    }

    pub(crate) fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R> {
        self.1.and_then(|unpack| unpack(packed))
    }
}

impl<R: Clone + Send + Sync + 'static> Share<R> {
    pub(crate) const CLONE: Self = Share(Some(|output| Arc::new(output.clone())), Some(|packed| packed.downcast_ref::<R>().cloned()));
}

/// `(&ShareProbe::<R>::NEW).share()`: finds out by method resolution.
pub struct ShareProbe<R>(PhantomData<fn() -> R>);

impl<R> ShareProbe<R> {
    /// The only value.
    pub const NEW: Self = ShareProbe(PhantomData);
}

/// Wins where the output is `Clone + Send + Sync + 'static`.
pub trait ViaClone<R> {
    /// The way.
    fn share(&self) -> Share<R>;
}

impl<R: Clone + Send + Sync + 'static> ViaClone<R> for ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::CLONE
    }
}

/// Serves all the rest, one reference further.
pub trait ViaNothing<R> {
    /// No way.
    fn share(&self) -> Share<R>;
}

impl<R> ViaNothing<R> for &ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::NOTHING
    }
}
