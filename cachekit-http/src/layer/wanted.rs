//! Work that goes on when its client has left, but not for ever.

use super::{flights::Flight, shared::Shared};
use std::{
    future::poll_fn,
    pin::pin,
    task::{Poll, ready},
    time::Duration,
};

/// Does the work to its end; when its time is up nobody joins it any more, and it goes on only as long as somebody waits for it. `None`: nobody does.
pub(super) async fn while_wanted<T>(
    shared: &Shared,
    flight: Option<&Flight>,
    is_wanted: impl Fn() -> bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    // Where there is no time at all it is asked from time to time whether somebody waits, and not all the time.
    let sleep = || shared.time.sleep(shared.fill_limit.max(Duration::from_millis(1)));
    let (mut work, mut limit) = (pin!(work), pin!(sleep()));
    poll_fn(|context| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            ready!(limit.as_mut().poll(context));
            if let Some(flight) = flight {
                flight.end();
            }
            if !is_wanted() {
                return Poll::Ready(None);
            }
            limit.set(sleep());
        }
    })
    .await
}
