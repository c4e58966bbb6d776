//! Several operations at the same time.

use super::BackendFuture;
use crate::Error;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// The answers of all, in their order; the first error, once one fails.
pub(super) fn all<'a, T: Send + 'a>(operations: Vec<BackendFuture<'a, T>>) -> BackendFuture<'a, Vec<T>> {
    Box::pin(async move { each(operations).await.into_iter().collect::<Result<Vec<T>, Error>>() })
}

enum Slot<F: Future + ?Sized> {
    Running(Pin<Box<F>>),
    Ended(F::Output),
}

/// What each gives, in their order.
pub(crate) async fn each<F>(futures: Vec<Pin<Box<F>>>) -> Vec<F::Output>
where
    F: Future + ?Sized,
{
    let mut slots: Vec<Slot<F>> = futures.into_iter().map(Slot::Running).collect();
    poll_fn(|context| {
        let mut is_pending = false;
        for slot in &mut slots {
            if let Slot::Running(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Slot::Ended(output),
                    Poll::Pending => is_pending = true,
                }
            }
        }
        if is_pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let output = |slot| if let Slot::Ended(output) = slot { Some(output) } else { None };
    slots.into_iter().filter_map(output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::Failure, background::block_on};
    use std::{future::ready, task::Waker};

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let mut woken = false;
        let later: Pin<Box<dyn Future<Output = Result<u8, Error>> + Send>> = Box::pin(poll_fn(move |context| {
            if std::mem::replace(&mut woken, true) {
                return Poll::Ready(Ok(1));
            }
            Waker::wake_by_ref(context.waker());
            Poll::Pending
        }));
        assert_eq!(block_on(all(vec![later, Box::pin(ready(Ok(2)))])), Ok(vec![1, 2]));
        let failure = Error::backend("own", Failure::Busy, "loading");
        let failed: BackendFuture<'_, u8> = Box::pin(ready(Err(failure.clone())));
        assert_eq!(block_on(all(vec![Box::pin(ready(Ok(1))), failed])), Err(failure));
        assert_eq!(block_on(all::<u8>(Vec::new())), Ok(Vec::new()));
    }
}
