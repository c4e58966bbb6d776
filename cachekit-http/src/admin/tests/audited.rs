//! That every change is an event, whatever becomes of who asked for it.

use super::*;
use bytes::Bytes;
use cachekit_runtime::{
    Error, Place,
    backend::{Address, Backend, BackendFuture, Capabilities, Cursor, Failure, MemoryBytes, Page},
};
use log::events_of;
use std::{future::Future, pin::pin, sync::Arc, task::Context, time::Duration};
use tokio::sync::Semaphore;

/// Whose removals wait for a permit each.
struct Gated {
    bytes: MemoryBytes,
    gate: Arc<Semaphore>,
    /// It answers to nothing.
    is_gone: bool,
}

impl Gated {
    async fn pass(&self) -> Result<(), Error> {
        if self.is_gone {
            return Err(Error::backend("gated", Failure::Unreachable, "there is nobody"));
        }
        self.gate.acquire().await.expect("open").forget();
        Ok(())
    }
}

impl Backend for Gated {
    fn name(&self) -> &str {
        "gated"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        self.bytes.get(address)
    }
    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        self.bytes.set(address, bytes, ttl)
    }
    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        self.bytes.remove(address)
    }
    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.pass().await?;
            self.bytes.remove_many(addresses).await
        })
    }
    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.pass().await?;
            self.bytes.clear(cache).await
        })
    }
    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        self.bytes.scan(cache, from, at_most)
    }
    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(self.pass())
    }
}

fn gated(name: &'static str, is_gone: bool) -> (Cache<u64, u64>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let backend = Gated { bytes: MemoryBytes::new(), gate: gate.clone(), is_gone };
    let cache = Cache::builder()
        .name(name)
        .timeout(Duration::from_secs(60))
        .backends([Place::memory(), Place::own(backend)])
        .readable()
        .build();
    (cache, gate)
}

/// Until it holds; other tasks go on meanwhile.
async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..1_000_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it does not come to that");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_neither_half_a_change_nor_one_without_its_event() {
    let (users, gate) = gated("e::gone", false);
    let router = admin("leaver");
    for (uri, body, change) in [
        ("/api/caches/e::gone/invalidate", r#"{"key":"1"}"#, "invalidate key"),
        ("/api/caches/e::gone/clear", "", "clear"),
    ] {
        users.insert_async(1, 1).await;
        let told = events_of("leaver").len();
        {
            let mut asked = pin!(response(&router, post(uri, body)));
            // Until it waits for the backend.
            until(|| {
                assert!(asked.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
                users.get(&1).is_none()
            })
            .await;
            assert_eq!(events_of("leaver").len(), told, "it is not done");
        }
        gate.add_permits(1);
        until(|| events_of("leaver").len() > told).await;
        let event = events_of("leaver").pop().unwrap();
        assert!(event.contains(&format!("change=\"{change}\"")) && event.contains("outcome=\"done\""), "{event}");
        assert_eq!(users.get_async(&1).await, None, "also in the backend");
    }
}

#[test]
fn a_change_that_the_end_of_the_service_cuts_off_is_an_event_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (users, _gate) = gated("e::ended", false);
    runtime.block_on(async {
        users.insert_async(1, 1).await;
        let router = admin("ender");
        let mut asked = pin!(response(&router, post("/api/caches/e::ended/clear", "")));
        until(|| {
            assert!(asked.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
            users.get(&1).is_none()
        })
        .await;
    });
    drop(runtime);
    let events = events_of("ender");
    assert!(events.len() == 1 && events[0].contains("outcome=\"abandoned\""), "{events:?}");
}

#[tokio::test]
async fn what_a_backend_has_not_heard_of_yet_is_accepted() {
    let (_users, _gate) = gated("e::queued", true);
    let router = admin("queuer");
    for (uri, body) in [("/api/caches/e::queued/invalidate", r#"{"key":"1"}"#), ("/api/caches/e::queued/clear", "")] {
        let (status, said) = ask(&router, post(uri, body)).await;
        assert_eq!((status, &said["delivery"]), (StatusCode::ACCEPTED, &"queued".into()), "{uri}");
    }
}

#[tokio::test]
async fn each_setting_that_is_changed_is_an_event_by_its_name() {
    let places = [Place::memory(), Place::own(MemoryBytes::new())];
    let _users: Cache<u64, u64> = Cache::builder().name("e::settings").backends(places).build();
    let router = admin("changer");
    let body = r#"{"idle_seconds":5,"stale_while_revalidate_seconds":6,"stale_if_error_seconds":7,"timeout_seconds":0.5,"dry_run":true,"tiers":{"own":false}}"#;
    ok(&router, post("/api/caches/e::settings/settings", body)).await;
    ok(&router, post("/api/caches/e::settings/settings", r#"{"take_back":["idle"]}"#)).await;
    let events = events_of("changer");
    let found: Vec<&str> = events
        .iter()
        .filter_map(|event| {
            assert!(event.contains("cache=\"e::settings\"") && event.contains("outcome=\"done\""), "{event}");
            event.split("change=\"").nth(1)?.split('"').next()
        })
        .collect();
    let all = ["tier", "idle", "stale while revalidate", "stale if error", "timeout", "dry run", "take back"];
    assert_eq!(found, all);
    assert!(events[0].contains("what=\"own off\"") && events[6].contains("what=\"idle\""), "{events:?}");
}

#[cfg(feature = "advice")]
#[tokio::test]
async fn counting_keys_is_in_the_audit() {
    let _users = cache("e::top");
    let router = admin("top-auditor");
    ok(&router, post("/api/caches/e::top/top", "")).await;
    ok(&router, changing(Method::DELETE, "/api/caches/e::top/top", "")).await;
    let events = events_of("top-auditor");
    assert!(events.len() == 2 && events.iter().all(|event| event.contains("change=\"top\"")), "{events:?}");
}
