//! Temporary.
use crate::{
    Error,
    backend::Failure,
    time::{Clock, nanos},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
pub(crate) struct Breaker;
pub(crate) struct Admitted;
pub(crate) enum Admission {
    Admitted(Admitted),
    Refused,
}
impl Admitted {
    pub(crate) fn ended(self, _: Option<&Error>) {}
}
impl Breaker {
    pub(crate) fn new(_: &str, _: Clock) -> Self {
        Breaker
    }
    pub(crate) fn admit(&self) -> Admission {
        Admission::Admitted(Admitted)
    }
    pub(crate) fn is_closed(&self) -> bool {
        true
    }
    pub(crate) fn takes_fills(&self) -> bool {
        true
    }
    pub(crate) fn probe_due(&self) -> Option<u64> {
        None
    }
    pub(crate) fn probe_ended(&self, _: Option<&Error>) {}
}
#[derive(Clone)]
pub(crate) struct Budget {
    clock: Clock,
    end: u64,
}
impl Budget {
    pub(crate) fn new(clock: &Clock, span: Duration) -> Self {
        Budget { clock: clock.clone(), end: clock.now().saturating_add(nanos(span)) }
    }
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
    pub(crate) async fn within<T>(
        &self,
        name: &str,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut future = pin!(future);
        let mut sleep = self.clock.sleep_until(self.end);
        poll_fn(|context| {
            if let Poll::Ready(out) = future.as_mut().poll(context) {
                return Poll::Ready(out);
            }
            match pin!(&mut sleep).poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(Error::backend(name, Failure::Timeout, "no answer in time"))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
