//! Entries in backends of bytes.

use crate::harness::{Bench, response, settle};
use bytes::Bytes;
use cachekit_http::{CacheLayer, Rule};
use cachekit_runtime::{
    Place,
    backend::{Address, Backend, BackendFuture, Cursor, MemoryBytes, Page},
};
use http::Uri;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

fn node(bytes: &Arc<MemoryBytes>, name: &'static str, with_memory: bool) -> Bench {
    let near = with_memory.then(Place::memory);
    let rule = Rule::new().tags(|_| vec!["far-tag".to_owned()]);
    let builder = CacheLayer::builder()
        .name(name)
        .otherwise(rule)
        .timeout(Duration::from_secs(20))
        .backends(near.into_iter().chain([Place::own(bytes.clone())]));
    Bench::built(builder, |_, call| async move {
        let fields = [("cache-control", "max-age=60"), ("vary", "x"), ("x-odd", "caf\u{e9}"), ("etag", "\"a\"")];
        Ok(response(200, &fields, format!("body {call}")))
    })
}

#[tokio::test]
async fn entries_survive_their_process() {
    for with_memory in [false, true] {
        let bytes = Arc::new(MemoryBytes::new());
        let first = node(&bytes, "survivor", with_memory);
        first.send("GET", "/a", &[("x", "1")]).await;
        cachekit_runtime::flush().await;
        let second = node(&bytes, "survivor", with_memory);
        let got = second.send("GET", "/a", &[("x", "1")]).await;
        assert_eq!((got.is_hit(), got.body.as_ref(), second.calls()), (true, &b"body 1"[..], 0), "{with_memory}");
        assert_eq!(got.fields["x-odd"].as_bytes(), "caf\u{e9}".as_bytes());
        assert!(!second.send("GET", "/a", &[("x", "2")]).await.is_hit());
    }
}

#[tokio::test]
async fn purges_reach_backends() {
    for (name, with_memory) in [("purged-far", false), ("purged-both", true)] {
        let bytes = Arc::new(MemoryBytes::new());
        let bench = node(&bytes, name, with_memory);
        bench.send("GET", "/a", &[("x", "1")]).await;
        assert!(bench.send("GET", "/a", &[("x", "1")]).await.is_hit());
        bench.layer.handle().purge_all().await;
        assert!(!node(&bytes, name, with_memory).send("GET", "/a", &[("x", "1")]).await.is_hit(), "{name}");
        assert!(!bench.send("GET", "/b", &[("x", "1")]).await.is_hit());
        bench.send("GET", "/a", &[("x", "1")]).await;
        bench.layer.handle().purge_uri(&Uri::from_static("http://localhost/a")).await.unwrap();
        assert!(!bench.send("GET", "/a", &[("x", "1")]).await.is_hit(), "{name}");
        bench.layer.handle().purge_tag("far-tag").await;
        assert!(!bench.send("GET", "/a", &[("x", "1")]).await.is_hit(), "{name}");
    }
}

#[tokio::test]
async fn a_purge_in_a_process_that_has_stored_nothing_counts() {
    let bytes = Arc::new(MemoryBytes::new());
    node(&bytes, "other", false).send("GET", "/a", &[("x", "1")]).await;
    node(&bytes, "other", false).layer.handle().purge_all().await;
    assert!(!node(&bytes, "other", false).send("GET", "/a", &[("x", "1")]).await.is_hit());
}

/// A backend that answers nothing while it is told to wait.
#[derive(Debug)]
struct Slow {
    bytes: MemoryBytes,
    is_waiting: watch::Receiver<bool>,
}

impl Slow {
    async fn wait(&self) {
        let _ = self.is_waiting.clone().wait_for(|is_waiting| !is_waiting).await;
    }
}

impl Backend for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            self.wait().await;
            self.bytes.get(address).await
        })
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.wait().await;
            self.bytes.set(address, bytes, ttl).await
        })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(async move {
            self.wait().await;
            self.bytes.remove(address).await
        })
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.wait().await;
            self.bytes.remove_many(addresses).await
        })
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        self.bytes.clear(cache)
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, most: usize) -> BackendFuture<'a, Page> {
        self.bytes.scan(cache, from, most)
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        self.bytes.ping()
    }
}

#[tokio::test]
async fn a_backend_that_is_slow_and_a_client_that_leaves_lose_no_purge() {
    for purge in ["POST", "tag"] {
        let (waiting, is_waiting) = watch::channel(false);
        let slow = Slow { bytes: MemoryBytes::new(), is_waiting };
        let builder = CacheLayer::builder()
            .name(format!("slow-{purge}"))
            .timeout(Duration::from_secs(20))
            .otherwise(Rule::new().ttl(Duration::from_secs(60)).tags(|_| vec!["slow-tag".to_owned()]))
            .backends([Place::own(Arc::new(slow))]);
        let bench =
            Arc::new(Bench::built(builder, |_, call| async move { Ok(response(200, &[], format!("v{call}"))) }));
        bench.get("/a").await;
        assert!(bench.get("/a").await.is_hit());
        waiting.send(true).unwrap();
        let client = tokio::spawn({
            let bench = bench.clone();
            async move {
                match purge {
                    "POST" => drop(bench.send("POST", "/a", &[]).await),
                    _ => drop(bench.layer.handle().purge_tag("slow-tag").await),
                }
            }
        });
        settle().await;
        client.abort();
        settle().await;
        waiting.send(false).unwrap();
        let after = bench.get("/a").await;
        assert!(!after.is_hit(), "{purge}: {}", after.cache());
    }
}

#[tokio::test]
async fn entries_without_a_name_are_of_this_process() {
    let bytes = Arc::new(MemoryBytes::new());
    let node = || {
        let builder = CacheLayer::builder().timeout(Duration::from_secs(20)).backends([Place::own(bytes.clone())]);
        Bench::built(builder.otherwise(Rule::new().ttl(Duration::from_secs(60))), |_, _| async move {
            Ok(response(200, &[], "x"))
        })
    };
    let first = node();
    first.get("/a").await;
    assert!(first.get("/a").await.is_hit(), "in memory");
    cachekit_runtime::flush().await;
    assert_eq!(
        bytes.scan(None, None, 10).await.unwrap().entries.len(),
        0,
        "the next layer without a name may be another one"
    );
}

#[tokio::test]
async fn soft_purges_reach_backends() {
    let bytes = Arc::new(MemoryBytes::new());
    let bench = |with_memory: bool| {
        let places = with_memory.then(Place::memory).into_iter().chain([Place::own(bytes.clone())]);
        let rule = Rule::new()
            .ttl(Duration::from_secs(600))
            .stale_while_revalidate(Duration::from_secs(60))
            .tags(|_| vec!["far-soft".to_owned()]);
        let builder = CacheLayer::builder().name("softly").timeout(Duration::from_secs(20)).otherwise(rule);
        Bench::built(builder.backends(places), |_, call| async move { Ok(response(200, &[], format!("body {call}"))) })
    };
    for (purge, with_memory) in [("uri", false), ("uri", true), ("tag", false), ("tag", true)] {
        let (first, second) = (bench(with_memory), bench(false));
        first.get("/a").await;
        assert!(second.get("/a").await.is_hit());
        match purge {
            "uri" => drop(first.layer.handle().soft_purge_uri(&Uri::from_static("http://localhost/a")).await),
            _ => drop(first.layer.handle().soft_purge_tag("far-soft").await),
        }
        let got = second.get("/a").await;
        assert_eq!(got.cache(), "cachekit; hit; ttl=0", "{purge} {with_memory}: it stands in");
        settle().await;
        cachekit_runtime::flush().await;
        assert!(first.calls() + second.calls() > 1, "{purge} {with_memory}: it was asked for anew");
        first.layer.handle().purge_all().await;
    }
}
