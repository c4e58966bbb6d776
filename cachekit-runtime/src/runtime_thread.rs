//! Does this thread drive async tasks? Then it must not wait for one.

/// On a thread of a tokio runtime (also one of its blocking threads, which cannot be told apart), or inside an async loader of cachekit.
pub(crate) fn is_runtime_thread() -> bool {
    #[cfg(feature = "tokio")]
    if tokio::runtime::Handle::try_current().is_ok() {
        return true;
    }
    crate::flight::graph::is_polling()
}
