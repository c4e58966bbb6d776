//! What was asked for earlier does not replace what was asked for later.

use crate::harness::{Bench, response, settle};
use cachekit_http::Rule;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

#[tokio::test]
async fn a_slow_response_does_not_replace_a_later_one() {
    for vary in ["", "x"] {
        let gate = Arc::new(Notify::new());
        let slow = gate.clone();
        let bench = Arc::new(Bench::new(Rule::new().ttl(Duration::from_secs(60)), move |_, call| {
            let slow = slow.clone();
            async move {
                if call == 1 {
                    slow.notified().await;
                }
                Ok(response(200, &[("vary", vary)], format!("v{call}")))
            }
        }));
        let get = || {
            tokio::spawn({
                let bench = bench.clone();
                async move { bench.get("/a").await }
            })
        };
        let first = get();
        settle().await;
        let second = get();
        settle().await;
        bench.advance(6);
        assert_eq!(second.await.unwrap().body, "v2", "it has waited long enough");
        assert_eq!(bench.get("/a").await.body, "v2");
        gate.notify_one();
        assert_eq!(first.await.unwrap().body, "v1");
        settle().await;
        assert_eq!(bench.get("/a").await.body, "v2", "vary: {vary}");
    }
}

#[tokio::test]
async fn a_head_says_nothing_of_what_was_stored_after_it() {
    for agrees in [true, false] {
        let gate = Arc::new(Notify::new());
        let slow = gate.clone();
        let bench = Arc::new(Bench::new(Rule::new(), move |request, call| {
            let slow = slow.clone();
            async move {
                let fresh = ("cache-control", "max-age=10");
                if request.method() == "HEAD" {
                    slow.notified().await;
                    return Ok(response(200, &[fresh, ("etag", if agrees { "\"v1\"" } else { "\"v0\"" })], ""));
                }
                let (tag, body) = if call == 1 { ("\"v1\"", "v1") } else { ("\"v2\"", "v2") };
                Ok(response(200, &[fresh, ("etag", tag)], body))
            }
        }));
        bench.get("/a").await;
        bench.advance(11);
        let head = tokio::spawn({
            let bench = bench.clone();
            async move { bench.send("HEAD", "/a", &[]).await }
        });
        settle().await;
        assert_eq!(bench.get("/a").await.body, "v2");
        gate.notify_one();
        head.await.unwrap();
        let got = bench.get("/a").await;
        assert_eq!((got.body.as_ref(), got.is_hit()), (&b"v2"[..], true), "agrees: {agrees}");
    }
}
