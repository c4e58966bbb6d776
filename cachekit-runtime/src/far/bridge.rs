//! Where futures of backends run that the caller does not drive: for sync callers, and for what goes on after a call.

use crate::{
    background::{TaskGuard, block_on},
    sync::lock,
};
use event_listener::Event;
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// Drives the future and blocks this thread until it has ended. `None`: it panicked, no thread could be had, or this is the thread that would drive it,
/// in the middle of a user's `Deserialize`.
///
/// `immediate`: it never waits, so this thread may drive it. Otherwise it runs on the thread of cachekit's own runtime, since this one may belong to
/// a runtime that would be blocked, or to none. It has to end by itself: nothing here limits the wait.
pub(super) fn wait<F>(immediate: bool, future: F) -> Option<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    if immediate {
        return Some(block_on(future));
    }
    runtime::wait(future)
}

/// Lets the future run until it has ended, and [`flush`](crate::flush) wait for it: on the caller's runtime, if it is in one, else on cachekit's own.
/// After [`shutdown`](crate::shutdown) it is dropped, but for what `must` be done and for what is part of work that had begun before.
pub(super) fn spawn(must: bool, future: impl Future<Output = ()> + Send + 'static) {
    match TaskGuard::begin_part() {
        Some(guard) => runtime::spawn(guard.cover(future)),
        None if must => runtime::spawn(future),
        None => {}
    }
}

/// As [`spawn`], for callers that are no tasks: the runtime on whose thread they stand may be driven by that thread alone, which goes on with something else.
pub(super) fn spawn_from_thread(future: impl Future<Output = ()> + Send + 'static) {
    if let Some(guard) = TaskGuard::begin_part() {
        runtime::spawn_apart(guard.cover(future));
    }
}

/// What the future gives, which runs on cachekit's own runtime: whoever awaits it needs none. `None`: it panicked, or there is no such runtime.
pub(super) async fn apart<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let given = Arc::new(Given { value: Mutex::new(None), is_over: AtomicBool::new(false), over: Event::new() });
    let give = Give(Arc::clone(&given));
    spawn_apart(async move {
        let value = future.await;
        *lock(&give.0.value) = Some(value);
    });
    // Listens first: what is over by then has said so before.
    let over = given.over.listen();
    if !given.is_over.load(Ordering::SeqCst) {
        over.await;
    }
    lock(&given.value).take()
}

struct Given<T> {
    value: Mutex<Option<T>>,
    is_over: AtomicBool,
    over: Event,
}

/// Goes with the future, whatever becomes of that.
struct Give<T>(Arc<Given<T>>);

impl<T> Drop for Give<T> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.over.notify(usize::MAX);
    }
}

/// As [`spawn`], on cachekit's own runtime, which outlives the caller's.
pub(crate) fn spawn_apart(future: impl Future<Output = ()> + Send + 'static) {
    runtime::spawn_apart(future);
}

#[cfg(feature = "tokio")]
mod runtime {
    use std::{
        cell::Cell,
        future::{Future, pending},
        sync::{LazyLock, mpsc},
        thread,
    };
    use tokio::runtime::{Builder, Handle};

    thread_local! {
        /// Is this the thread of that runtime?
        static IS_OWN: Cell<bool> = const { Cell::new(false) };
    }

    /// `None`: the system gives no thread.
    static OWN: LazyLock<Option<Handle>> = LazyLock::new(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let started = runtime.and_then(|runtime| {
            let handle = runtime.handle().clone();
            thread::Builder::new().name("cachekit-io".to_owned()).spawn(move || {
                IS_OWN.set(true);
                runtime.block_on(pending::<()>());
            })?;
            Ok(handle)
        });
        match started {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::error!(%error, "cachekit's own runtime could not be started: sync callers compute without their backends");
                None
            }
        }
    });

    pub(super) fn wait<F>(future: F) -> Option<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if IS_OWN.get() {
            return None;
        }
        let (send, receive) = mpsc::sync_channel(1);
        OWN.as_ref()?.spawn(async move {
            // The caller is there: it waits below.
            let _ = send.send(future.await);
        });
        receive.recv().ok()
    }

    pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        match Handle::try_current() {
            Ok(handle) => drop(handle.spawn(future)),
            Err(_) => spawn_apart(future),
        }
    }

    pub(super) fn spawn_apart(future: impl Future<Output = ()> + Send + 'static) {
        if let Some(handle) = &*OWN {
            drop(handle.spawn(future));
        }
    }
}

#[cfg(not(feature = "tokio"))]
mod runtime {
    use super::block_on;
    use crate::background::Pool;
    use std::future::Future;

    pub(super) fn wait<F: Future>(future: F) -> Option<F::Output> {
        Some(block_on(future))
    }

    pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        spawn_apart(future);
    }

    pub(super) fn spawn_apart(future: impl Future<Output = ()> + Send + 'static) {
        Pool::global().try_spawn(Box::new(|| block_on(future)));
    }
}
