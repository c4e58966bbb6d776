//! The conformance kit of backends on a real Redis Cluster: one for all of its tests, and for each a runtime of its own.

use cachekit_runtime::{
    backend::redis::{RedisBackend, Settings},
    testing::{BackendSubject, backend_suite},
};
use cachekit_tests::redis_server::Cluster;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// The cluster that tests which run at the same time share; the last of them ends it.
fn cluster() -> Arc<Cluster> {
    static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start(3, 0));
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

fn backend(url: String) -> RedisBackend {
    // Hundreds of tasks on two cores may take their time; how faults end is another test's business.
    Settings::new(url).namespace("suite").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn subject() -> BackendSubject {
    let cluster = cluster();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    let driver = Arc::clone(&runtime);
    BackendSubject::new(backend(cluster.url()))
        // One node is enough to find the others.
        .another(backend(cluster.url_of(&[1])))
        .driven_by(move |future| driver.block_on(future))
        .keep(runtime)
        .keep(cluster)
}

backend_suite!(redis_cluster, subject, shared);
