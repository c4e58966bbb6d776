//! Ctrl-C: work ends at the next place where it may be left.

use std::sync::{
    Arc, LazyLock, Once,
    atomic::{AtomicBool, Ordering},
};

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on Ctrl-C is only noted. A second one ends the process at once.
pub(crate) fn note() {
    // Two that listen would take the first one for a second.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tokio::spawn(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if ASKED.swap(true, Ordering::SeqCst) {
                    std::process::exit(crate::failure::Exit::Interrupted as i32);
                }
            }
        });
    });
}

/// Was there one?
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
