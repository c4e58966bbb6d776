//! The conformance kit of backends on a real Redis: one server for all of its tests, and for each a runtime of its own.

use cachekit_runtime::{
    backend::redis::{RedisBackend, Settings},
    testing::{BackendSubject, backend_suite},
};
use cachekit_tests::redis_server::RedisServer;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// The server that tests which run at the same time share; the last of them ends it.
fn server() -> Arc<RedisServer> {
    static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(RedisServer::start());
        *shared = Arc::downgrade(&server);
        server
    })
}

fn backend(server: &RedisServer) -> RedisBackend {
    // Hundreds of tasks on two cores may take their time; how faults end is another test's business.
    Settings::new(server.url()).namespace("suite").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn subject() -> BackendSubject {
    let server = server();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    let driver = Arc::clone(&runtime);
    BackendSubject::new(backend(&server))
        .another(backend(&server))
        .driven_by(move |future| driver.block_on(future))
        .keep(runtime)
        .keep(server)
}

backend_suite!(redis, subject, shared);
