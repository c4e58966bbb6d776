//! Ctrl-C and the other signals by which somebody ends a program: work ends at the next place where it may be left.

use std::sync::{
    Arc, LazyLock, Once,
    atomic::{AtomicBool, Ordering},
};

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on they are only noted. A second one ends the process at once.
pub(crate) fn note() {
    // Two that listen would take the first one for a second.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut signals = Signals::heard();
        tokio::spawn(async move {
            loop {
                signals.one_came().await;
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

/// They are heard from when this is made, and from then on end the process no more by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    heard: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    pub(crate) fn heard() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
            Signals { heard: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
        }
        #[cfg(not(unix))]
        Signals {}
    }

    pub(crate) async fn one_came(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|cx| {
            let came = self.heard.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
