use crate::harness::{Bench, response, settle};
use cachekit_http::Rule;
use cachekit_runtime::time::TestClock;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

#[tokio::test]
async fn stale_while_revalidate_asks_once_and_in_the_background() {
    let bench = Bench::new(Rule::new(), |request, call| async move {
        assert_eq!(request.headers().contains_key("if-none-match"), call > 1);
        let fields = [("cache-control", "max-age=10, stale-while-revalidate=20"), ("etag", "\"a\"")];
        Ok(response(200, &fields, format!("body {call}")))
    });
    bench.get("/a").await;
    bench.advance(15);
    let stale = bench.get("/a").await;
    assert_eq!((stale.body.as_ref(), stale.cache()), (&b"body 1"[..], "cachekit; hit; ttl=-5"));
    settle().await;
    assert_eq!((bench.get("/a").await.body.as_ref(), bench.calls()), (&b"body 2"[..], 2));
    bench.advance(30);
    assert_eq!(bench.get("/a").await.body, "body 3", "past the window it waits");
}

#[tokio::test]
async fn an_error_is_stood_in_for_within_the_allowance() {
    let rule = Rule::new().stale_if_error(Duration::from_secs(100)).stale_if_disconnected(Duration::from_secs(50));
    for (directives, status, seconds, expected) in [
        ("max-age=10", 503, 60, 200),
        ("max-age=10", 500, 60, 200),
        ("max-age=10", 404, 60, 404),
        ("max-age=10", 503, 110, 503),
        ("max-age=10, stale-if-error=5", 503, 60, 503),
        ("max-age=10, must-revalidate", 503, 60, 503),
        ("max-age=10, proxy-revalidate", 503, 60, 503),
        ("s-maxage=10", 503, 60, 503),
        ("max-age=10, no-cache", 503, 1, 503),
    ] {
        let bench = Bench::new(rule.clone(), move |_, call| async move {
            let status = if call == 1 { 200 } else { status };
            let fields = [("cache-control", directives)];
            Ok(response(status, if call == 1 { &fields } else { &[] }, "x"))
        });
        bench.get("/a").await;
        bench.advance(seconds);
        let got = bench.get("/a").await;
        assert_eq!(got.status.as_u16(), expected, "{directives} {status} after {seconds} s: {}", got.cache());
    }
}

#[tokio::test]
async fn a_handler_that_gives_nothing_is_stood_in_for_too() {
    let rule = Rule::new().stale_if_disconnected(Duration::from_secs(50));
    let bench = Bench::new(rule, |_, call| async move {
        if call == 1 { Ok(response(200, &[("cache-control", "max-age=10")], "x")) } else { Err("gone".into()) }
    });
    bench.get("/a").await;
    bench.advance(40);
    let got = bench.get("/a").await;
    assert_eq!((got.status.as_u16(), got.cache()), (200, "cachekit; fwd=stale; detail=stale-if-error"));
    bench.advance(30);
    assert_eq!(bench.try_send("GET", "/a", &[]).await.unwrap_err().to_string(), "gone");
}

#[tokio::test]
async fn an_allowance_of_a_rule_makes_nothing_cacheable() {
    // Neither what says that it is stale from the start, nor what the ttl is not for.
    for (status, fields) in [
        (200, &[("cache-control", "max-age=0")][..]),
        (200, &[("cache-control", "max-age=0"), ("etag", "\"a\"")]),
        (200, &[("expires", "0")]),
        (404, &[]),
        (410, &[]),
        (404, &[("cache-control", "max-age=60")]),
    ] {
        let rule = Rule::new().ttl(Duration::from_secs(30));
        let rule = rule.stale_while_revalidate(Duration::from_secs(300)).stale_if_error(Duration::from_secs(300));
        let bench = Bench::always(rule, status, fields);
        bench.get("/a").await;
        bench.advance(200);
        let got = bench.get("/a").await;
        assert!(!got.is_hit(), "{status} {fields:?}: {}", got.cache());
    }
    let bench = Bench::always(Rule::new().stale_while_revalidate(Duration::from_secs(300)), 200, &[]);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=no-freshness");
}

#[tokio::test]
async fn a_ttl_counts_from_when_the_response_is_there() {
    let clock = Arc::new(OnceLock::<TestClock>::new());
    let slow = clock.clone();
    let bench = Bench::new(Rule::new().ttl(Duration::from_secs(1)), move |_, _| {
        slow.get().unwrap().advance(Duration::from_secs(2));
        async move { Ok(response(200, &[], "a slow query")) }
    });
    clock.set(bench.clock.clone()).unwrap();
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; stored");
    assert_eq!(bench.get("/a").await.cache(), "cachekit; hit; ttl=1");
}
