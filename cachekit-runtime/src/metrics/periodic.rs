//! Handing over every so often.

use super::publish;
use crate::{Error, sync::lock};
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// While it lives a thread hands over. When it is dropped, once more.
#[must_use = "it ends when this is dropped"]
pub struct Publishing {
    shared: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// Calls [`publish`] now and every so often, on a thread of its own.
///
/// # Errors
/// There is no thread to be had.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use std::time::Duration;
///
/// let publishing = cachekit::metrics::every(Duration::from_secs(10))?;
/// // … the program runs …
/// drop(publishing);
/// # Ok::<(), cachekit::Error>(())
/// ```
pub fn every(interval: Duration) -> Result<Publishing, Error> {
    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let run = {
        let shared = Arc::clone(&shared);
        move || {
            let (ended, wake) = &*shared;
            loop {
                publish();
                let next = Instant::now() + interval;
                let mut ended = lock(ended);
                while !*ended {
                    let left = next.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    ended = wake.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                if *ended {
                    drop(ended);
                    return publish();
                }
            }
        }
    };
    let thread = thread::Builder::new().name("cachekit-metrics".to_owned()).spawn(run);
    let thread =
        thread.map_err(|error| Error::configuration("metrics", format!("no thread to publish from: {error}")))?;
    Ok(Publishing { shared, thread: Some(thread) })
}

impl Drop for Publishing {
    fn drop(&mut self) {
        let (ended, wake) = &*self.shared;
        *lock(ended) = true;
        wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nothing to give, and its panic has been reported.
            drop(thread.join());
        }
    }
}
