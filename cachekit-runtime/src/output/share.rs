//! Can a leader's whole output, an `Err` included, be given to its followers?

use crate::error::{Error, TimedOut};
use std::{any::Any, fmt, marker::PhantomData, sync::Arc};

type Pack<R> = fn(&R) -> Arc<dyn Any + Send + Sync>;
type Unpack<R> = fn(&(dyn Any + Send + Sync)) -> Option<R>;
type Same<R> = fn(&R, &R) -> Comparison;

/// How two outputs compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    /// With both as text, where their type has one.
    Different(Option<[String; 2]>),
    /// The type has no `PartialEq`.
    Unknown,
}

/// Ways to copy an output for followers and to compare two (for a dry run), as far as its type has them.
pub struct Share<R> {
    copy: Option<(Pack<R>, Unpack<R>)>,
    same: Option<Same<R>>,
    /// What says that a backend failed, where the call asked to fail with it.
    #[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "nothing fails"))]
    failed: Option<fn(Error) -> R>,
}

impl<R> Clone for Share<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Share<R> {}

impl<R> Share<R> {
    pub(crate) fn by(pack: Pack<R>, unpack: Unpack<R>, same: Option<Same<R>>) -> Self {
        Share { copy: Some((pack, unpack)), same, failed: None }
    }

    pub(crate) const NOTHING: Self = Share { copy: None, same: None, failed: None };

    pub(crate) fn pack(self, output: &R) -> Option<Arc<dyn Any + Send + Sync>> {
        self.copy.map(|(pack, _)| pack(output))
    }

    pub(crate) fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R> {
        self.copy.and_then(|(_, unpack)| unpack(packed))
    }

    /// The output fails where the backends do.
    pub(crate) fn or_fail(self) -> Self
    where
        R: TimedOut,
    {
        Share { failed: Some(R::timed_out), ..self }
    }

    /// `None`: it does not.
    #[cfg(feature = "backend")]
    pub(crate) fn failed(self, error: Error) -> Option<R> {
        self.failed.map(|failed| failed(error))
    }

    pub(crate) fn compare(self, a: &R, b: &R) -> Comparison {
        self.same.map_or(Comparison::Unknown, |same| same(a, b))
    }
}

impl<R: Clone + Send + Sync + 'static> Share<R> {
    pub(crate) const CLONE: Self = Share {
        copy: Some((|output| Arc::new(output.clone()), |packed| packed.downcast_ref::<R>().cloned())),
        same: None,
        failed: None,
    };
}

impl<R: Clone + PartialEq + Send + Sync + 'static> Share<R> {
    const ALL: Self = Share {
        same: Some(|a, b| if a == b { Comparison::Same } else { Comparison::Different(None) }),
        ..Share::CLONE
    };
}

impl<R: Clone + PartialEq + fmt::Debug + Send + Sync + 'static> Share<R> {
    const SHOWN: Self = Share {
        same: Some(|a, b| match Share::ALL.compare(a, b) {
            Comparison::Different(_) => Comparison::Different(Some([format!("{a:?}"), format!("{b:?}")])),
            other => other,
        }),
        ..Share::CLONE
    };
}

/// `(&&&&ShareProbe::<R>::NEW).share()`: finds out by method resolution, most able first.
pub struct ShareProbe<R>(PhantomData<fn() -> R>);

impl<R> ShareProbe<R> {
    /// The only value.
    pub const NEW: Self = ShareProbe(PhantomData);
}

/// Wins where the output can be copied, compared and shown.
pub trait ViaShown<R> {
    /// The ways.
    fn share(&self) -> Share<R>;
}

impl<R: Clone + PartialEq + fmt::Debug + Send + Sync + 'static> ViaShown<R> for &&&ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::SHOWN
    }
}

/// Wins next, where the output can be copied and compared.
pub trait ViaAll<R> {
    /// The ways.
    fn share(&self) -> Share<R>;
}

impl<R: Clone + PartialEq + Send + Sync + 'static> ViaAll<R> for &&ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::ALL
    }
}

/// Wins next, where the output is `Clone + Send + Sync + 'static`.
pub trait ViaClone<R> {
    /// The ways.
    fn share(&self) -> Share<R>;
}

impl<R: Clone + Send + Sync + 'static> ViaClone<R> for &ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::CLONE
    }
}

/// Serves all the rest.
pub trait ViaNothing<R> {
    /// No way.
    fn share(&self) -> Share<R>;
}

impl<R> ViaNothing<R> for ShareProbe<R> {
    fn share(&self) -> Share<R> {
        Share::NOTHING
    }
}
