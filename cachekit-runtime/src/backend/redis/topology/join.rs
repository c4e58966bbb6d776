//! Awaiting several futures at once, within the task that asks.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// What all of them give, in their order. There are few: one for each node.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = futures.into_iter().map(|future| (Some(Box::pin(future)), None)).collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (future, output) in &mut all {
            let Some(pending) = future else { continue };
            match Pin::new(pending).poll(context) {
                Poll::Ready(given) => (*future, *output) = (None, Some(given)),
                Poll::Pending => is_over = false,
            }
        }
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}
