//! Hearing out what other processes have changed.

use super::flush;
use crate::Error;

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
    for link in flush::links() {
        if let Some(shared) = link.backend().shared().filter(|_| link.watch.is_told()) {
            link.patiently(shared.told()).await?;
        }
    }
    Ok(())
}
