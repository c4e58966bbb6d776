//! Hearing out what other processes have changed.

use super::{Link, bridge, flush, switches};
use crate::{
    Error,
    backend::{Failure, each},
};
use std::sync::Arc;

/// Ends when this process has heard of everything that others had invalidated, in the backends that they share, before it began. After it no call gets a value
/// from memory that was invalidated before.
///
/// Without it what others invalidate is heard within a moment, and after two seconds at the latest: a handler that has been told by another process
/// that something has changed calls this first.
///
/// Cancel-safe.
///
/// # Errors
/// A backend did not answer within a second. What memory has of it is not used then without asking it.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// # let in_async_code = async {
/// cachekit::sync().await?;
/// # Ok::<(), cachekit::Error>(())
/// # };
/// # drop(in_async_code);
/// ```
pub async fn sync() -> Result<(), Error> {
    if switches::without_sync() {
        return Ok(());
    }
    let told = flush::links().into_iter().filter(|link| link.watch.is_told() && link.is_used());
    let hearing = each(told.map(|link| Box::pin(hear(link))).collect());
    // On a runtime of our own: the backends need one, and the caller may have none, or block its only thread.
    let unheard = || Error::backend("cachekit", Failure::Other, "there is no thread to hear from");
    let heard = bridge::apart(hearing).await.ok_or_else(unheard)?;
    heard.into_iter().collect()
}

async fn hear(link: Arc<Link>) -> Result<(), Error> {
    match link.backend().shared() {
        Some(shared) => link.patiently(shared.told()).await,
        None => Ok(()),
    }
}
