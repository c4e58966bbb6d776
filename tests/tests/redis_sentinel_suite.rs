//! The conformance kit of backends on a master that sentinels name: one for all of its tests, and for each a runtime of its own.

use cachekit_runtime::{
    backend::redis::{RedisBackend, Settings},
    testing::{BackendSubject, backend_suite},
};
use cachekit_tests::redis_server::Sentinels;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// What tests that run at the same time share; the last of them ends it.
fn sentinels() -> Arc<Sentinels> {
    static SENTINELS: Mutex<Weak<Sentinels>> = Mutex::new(Weak::new());
    let mut shared = SENTINELS.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let sentinels = Arc::new(Sentinels::start(1));
        *shared = Arc::downgrade(&sentinels);
        sentinels
    })
}

fn backend(sentinels: &Sentinels) -> RedisBackend {
    // Hundreds of tasks on two cores may take their time; how faults end is another test's business.
    Settings::new(sentinels.url()).namespace("suite").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn subject() -> BackendSubject {
    let sentinels = sentinels();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    let driver = Arc::clone(&runtime);
    BackendSubject::new(backend(&sentinels))
        .another(backend(&sentinels))
        .driven_by(move |future| driver.block_on(future))
        .keep(runtime)
        .keep(sentinels)
}

backend_suite!(redis_sentinel, subject, shared);
