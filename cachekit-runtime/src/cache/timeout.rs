//! Futures that are waited for until a clock says so.

use crate::time::Sleep;
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

thread_local! {
    static GIVING_UP: Cell<bool> = const { Cell::new(false) };
}

/// Is this thread dropping a load because its hard timeout is over?
pub(super) fn is_giving_up() -> bool {
    GIVING_UP.try_with(Cell::get).unwrap_or(false)
}

/// Also where a destructor in the given-up load panics.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = GIVING_UP.try_with(|giving_up| giving_up.set(self.0));
    }
}

/// The future's output, or `None` once the sleep is over.
pub(super) async fn race<F: Future>(future: F, sleep: Sleep) -> Option<F::Output> {
    let (mut future, mut sleep) = (pin!(future), pin!(sleep));
    poll_fn(move |context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// As [`race`]; the loads that end with the future are counted as timed out.
pub(super) async fn give_up_after<F: Future>(future: F, sleep: Sleep) -> Option<F::Output> {
    let mut future = pin!(Some(future));
    let running = poll_fn(|context| match future.as_mut().as_pin_mut() {
        Some(running) => running.poll(context),
        None => Poll::Pending,
    });
    let finished = race(running, sleep).await;
    if finished.is_none() {
        let _restore = Restore(GIVING_UP.replace(true));
        future.set(None);
    }
    finished
}
