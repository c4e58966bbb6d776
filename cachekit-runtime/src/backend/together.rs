//! Several operations at the same time.

use super::{BackendFuture, Each, Failure};
use crate::Error;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// What becomes of each, in their order.
pub(super) fn some<'a, T: Send + 'a>(operations: Vec<BackendFuture<'a, T>>) -> BackendFuture<'a, Each<T>> {
    Box::pin(async move { unless_all_failed(each(operations).await) })
}

/// That all failed is an error of the whole.
pub(super) fn unless_all_failed<T>(mut each: Each<T>) -> Result<Each<T>, Error> {
    match each.iter().all(Result::is_err) {
        true if !each.is_empty() => {
            Err(each.swap_remove(0).err().unwrap_or_else(|| Error::backend("", Failure::Other, "")))
        }
        _ => Ok(each),
    }
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
    use crate::background::block_on;
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
        assert_eq!(block_on(some(vec![later, Box::pin(ready(Ok(2)))])), Ok(vec![Ok(1), Ok(2)]));
        let failure = Error::backend("own", Failure::Busy, "loading");
        let failed = || -> BackendFuture<'_, u8> { Box::pin(ready(Err(failure.clone()))) };
        let part = block_on(some(vec![Box::pin(ready(Ok(1))), failed()]));
        assert_eq!(part, Ok(vec![Ok(1), Err(failure.clone())]), "what succeeded stays");
        assert_eq!(block_on(some(vec![failed(), failed()])), Err(failure.clone()));
        assert_eq!(block_on(some::<u8>(Vec::new())), Ok(Vec::new()));
    }
}
