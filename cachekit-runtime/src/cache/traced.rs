//! What `tracing` hears of loads: a span while one runs, and an event when it ends. Off unless a subscriber asks for `cachekit::load` at debug, and nowhere on the way of a
//! hit. Keys are in it as their hash, which has a seed of the cache's own.

use super::{Core, lead::Load, lead::Replaces, timeout};
use crate::{key::Key, output::Value, stats::LoadEnd};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing::{Span, field::Empty, span::Entered};

/// The span of a load that runs; empty if nobody listens.
#[derive(Clone, Default)]
pub(super) struct Traced(Option<Arc<Running>>);

struct Running {
    span: Span,
    is_ended: AtomicBool,
}

impl Traced {
    fn of(span: Span) -> Self {
        Traced((!span.is_disabled()).then(|| Arc::new(Running { span, is_ended: AtomicBool::new(false) })))
    }

    /// What happens meanwhile is in the span.
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        self.0.as_ref().map(|running| running.span.enter())
    }

    /// The future, in the span.
    pub(super) async fn around<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            let _in = self.enter();
            future.as_mut().poll(context)
        })
        .await
    }

    /// The loader has ended after so many nanoseconds.
    pub(super) fn ended(&self, how: LoadEnd, nanos: u64) {
        self.end(how.word(), None, Some(nanos));
    }

    /// The body of a batch has ended, and nothing of it stood in for an error.
    pub(super) fn ended_batch(&self, has_values: bool) {
        let how = if has_values { LoadEnd::Value } else { LoadEnd::Error };
        self.end(how.word(), None, None);
    }

    /// A tier had the value.
    #[cfg(feature = "backend")]
    pub(super) fn found(&self, tier: crate::outcome::Tier) {
        self.end("found", Some(tier.word()), None);
    }

    /// The call fails as its backends do.
    #[cfg(feature = "backend")]
    pub(super) fn failed(&self) {
        self.end("backend_failed", None, None);
    }

    /// It ends here, if it has not ended before.
    pub(super) fn dropped(&self) {
        if let Some(running) = &self.0 {
            running.drop_or(end_of_dropped());
        }
    }

    fn end(&self, outcome: &'static str, tier: Option<&'static str>, nanos: Option<u64>) {
        if let Some(running) = &self.0 {
            running.end(outcome, tier, nanos);
        }
    }
}

/// How a load ends that is dropped.
pub(super) fn end_of_dropped() -> LoadEnd {
    match (std::thread::panicking(), timeout::is_giving_up()) {
        (true, _) => LoadEnd::Panic,
        (false, true) => LoadEnd::Timeout,
        (false, false) => LoadEnd::Cancelled,
    }
}

impl Running {
    fn end(&self, outcome: &'static str, tier: Option<&'static str>, nanos: Option<u64>) {
        if self.is_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        self.span.record("outcome", outcome);
        if let Some(tier) = tier {
            self.span.record("tier", tier);
        }
        let elapsed_us = nanos.map(|nanos| nanos / 1_000);
        tracing::debug!(target: "cachekit::load", parent: &self.span, outcome, tier, elapsed_us, "a load has ended");
    }

    fn drop_or(&self, how: LoadEnd) {
        self.end(how.word(), None, None);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drop_or(end_of_dropped());
    }
}

impl LoadEnd {
    /// As metrics call it.
    fn word(self) -> &'static str {
        match self {
            LoadEnd::Value => "value",
            LoadEnd::Error => "error",
            LoadEnd::Panic => "panic",
            LoadEnd::Timeout => "timeout",
            LoadEnd::Cancelled => "cancelled",
        }
    }
}

impl<K: Key, V: Value> Load<K, V> {
    /// The span of this load, which begins with the first call.
    pub(super) fn trace(&mut self) -> Traced {
        if self.traced.0.is_none() {
            let cache = &*self.core.settings.name;
            let hash = self.hash;
            let span = match self.replaces {
                Replaces::Nothing => {
                    tracing::debug_span!(target: "cachekit::load", "load", cache, key_hash = %format_args!("{hash:016x}"), key = Empty, outcome = Empty, tier = Empty)
                }
                Replaces::Due | Replaces::Everything => {
                    tracing::debug_span!(target: "cachekit::load", "refresh", cache, key_hash = %format_args!("{hash:016x}"), key = Empty, outcome = Empty, tier = Empty)
                }
            };
            if !span.is_disabled()
                && let Some(key) = self.key.as_ref().and_then(|key| self.core.shown(key))
            {
                span.record("key", &*key);
            }
            self.traced = Traced::of(span);
        }
        self.traced.clone()
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// The span of one run of the body of a batch.
    pub(super) fn trace_batch(&self, keys: usize) -> Traced {
        let cache = &*self.settings.name;
        Traced::of(
            tracing::debug_span!(target: "cachekit::load", "batch", cache, keys = keys as u64, outcome = Empty, tier = Empty),
        )
    }

    /// A call has the value that another one has loaded.
    pub(super) fn has_joined(&self, hash: u64) {
        let cache = &*self.settings.name;
        tracing::debug!(target: "cachekit::load", cache, key_hash = %format_args!("{hash:016x}"), outcome = "joined", "a call had the value of another one's load");
    }

    /// The key as text, where the program has asked for that, and it has one.
    #[cfg(feature = "backend")]
    fn shown(&self, key: &K) -> Option<String> {
        if !crate::config::shows_keys() {
            return None;
        }
        #[cfg(feature = "registry")]
        let write = self.settings.registry.texts.write_key.or(self.settings.far.text_of);
        #[cfg(not(feature = "registry"))]
        let write = self.settings.far.text_of;
        write?(key).ok().map(|text| text.to_string())
    }

    #[cfg(not(feature = "backend"))]
    fn shown(&self, _: &K) -> Option<String> {
        None
    }
}
