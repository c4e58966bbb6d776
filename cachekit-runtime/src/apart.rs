//! Keeps the code of misses out of that of hits.
//!
//! A function that the compiler builds from both saves every register that a miss needs, and has the stack of its loads, before it looks. What is
//! called here is never inlined, so that a wrapper has the frame of a hit.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// Runs it.
#[cold]
#[inline(never)]
pub fn apart<R>(run: impl FnOnce() -> R) -> R {
    run()
}

/// Puts the future aside: what awaits it has room for a pointer.
#[cold]
#[inline(never)]
pub fn apart_async<F: Future>(future: F) -> Apart<F> {
    Apart(Box::pin(future))
}

/// What [`apart_async`] has put aside. As cancel-safe as the future is.
#[must_use = "futures do nothing unless polled"]
pub struct Apart<F>(Pin<Box<F>>);

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    #[cold]
    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<F> fmt::Debug for Apart<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Apart").finish_non_exhaustive()
    }
}
