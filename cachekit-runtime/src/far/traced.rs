//! What `tracing` hears of backends: a span while an operation runs, and an event when it ends. Off unless a subscriber asks for `cachekit::backend` at trace.

use crate::outcome::Tier;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
};
use tracing::{Span, field::Empty};

/// What a backend is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    GetMany,
    Set,
    Remove,
    Invalidate,
    InvalidateTags,
    SoftenTags,
    Clear,
    Look,
    LookMany,
    LookAtHead,
    Lease,
    Claim,
    ClaimMany,
    Store,
    StoreMany,
    Replace,
    Renew,
    Signal,
    Tags,
    MakeTags,
    Generation,
    Announce,
}

impl Verb {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::GetMany => "get_many",
            Verb::Set => "set",
            Verb::Remove => "remove",
            Verb::Invalidate => "invalidate",
            Verb::InvalidateTags => "invalidate_tags",
            Verb::SoftenTags => "soften_tags",
            Verb::Clear => "clear",
            Verb::Look => "look",
            Verb::LookMany => "look_many",
            Verb::LookAtHead => "look_at_head",
            Verb::Lease => "lease",
            Verb::Claim => "claim",
            Verb::ClaimMany => "claim_many",
            Verb::Store => "store",
            Verb::StoreMany => "store_many",
            Verb::Replace => "replace",
            Verb::Renew => "renew",
            Verb::Signal => "signal",
            Verb::Tags => "tags",
            Verb::MakeTags => "make_tags",
            Verb::Generation => "generation",
            Verb::Announce => "announce",
        }
    }
}

/// An operation of a backend that runs; empty if nobody listens. Dropped without an end, it was given up.
pub(super) struct Traced(Option<Box<Span>>);

impl Traced {
    /// `tier`: asked where somebody listens.
    pub(super) fn begin(tier: impl Fn() -> Tier, verb: Verb) -> Self {
        let span = tracing::trace_span!(target: "cachekit::backend", "backend", tier = tier().word(), operation = verb.word(), outcome = Empty);
        Traced((!span.is_disabled()).then(|| Box::new(span)))
    }

    /// It is not asked: its breaker is open, or there is no time left.
    pub(super) fn skipped(tier: Tier, verb: Verb) {
        tracing::trace!(target: "cachekit::backend", tier = tier.word(), operation = verb.word(), outcome = "skipped", "a backend is not asked");
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The future, in the span.
    pub(super) async fn around<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            let _in = self.0.as_ref().map(|span| span.enter());
            future.as_mut().poll(context)
        })
        .await
    }

    /// After so many nanoseconds.
    pub(super) fn ended<T>(mut self, answer: &Result<T, crate::Error>, nanos: u64) {
        let Some(span) = self.0.take() else { return };
        let elapsed_us = nanos / 1_000;
        match answer {
            Ok(_) => {
                span.record("outcome", "answered");
                tracing::trace!(target: "cachekit::backend", parent: &*span, outcome = "answered", elapsed_us, "a backend has answered");
            }
            Err(error) => {
                span.record("outcome", "failed");
                tracing::trace!(target: "cachekit::backend", parent: &*span, outcome = "failed", elapsed_us, %error, "a backend has failed");
            }
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.record("outcome", "cancelled");
            tracing::trace!(target: "cachekit::backend", parent: &*span, outcome = "cancelled", "nobody waits for a backend any more");
        }
    }
}
