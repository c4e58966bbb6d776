use crate::harness::{Bench, request, response, settle};
use axum::body::Body;
use cachekit_http::{CacheLayer, Rule};
use http::Response;
use http_body_util::BodyExt;
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinSet};
use tower::BoxError;

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// A handler that answers when it is told to.
pub(crate) fn gated(
    gate: &Arc<Notify>,
    fields: &'static [(&'static str, &'static str)],
) -> impl Fn(http::Request<Body>, usize) -> Answer + Clone + Send + Sync + 'static {
    gated_where(gate, |_| true, move |call| response(200, fields, format!("body {call}")))
}

/// A handler that waits to be told with the calls that `waits` is for, and then answers by the number of the call.
fn gated_where(
    gate: &Arc<Notify>,
    waits: fn(usize) -> bool,
    answer: impl Fn(usize) -> Response<Body> + Clone + Send + Sync + 'static,
) -> impl Fn(http::Request<Body>, usize) -> Answer + Clone + Send + Sync + 'static {
    let gate = gate.clone();
    move |_, call| {
        let (gate, answer) = (gate.clone(), answer.clone());
        Box::pin(async move {
            if waits(call) {
                gate.notified().await;
            }
            Ok(answer(call))
        })
    }
}

/// Several requests at once: what each got, and what the cache said of it.
pub(crate) async fn many(
    bench: &Arc<Bench>,
    count: usize,
    fields: &'static [(&'static str, &'static str)],
) -> JoinSet<(String, String)> {
    let mut set = JoinSet::new();
    for _ in 0..count {
        let bench = bench.clone();
        set.spawn(async move {
            let got = bench.send("GET", "/a", fields).await;
            (String::from_utf8_lossy(&got.body).into_owned(), got.cache().to_owned())
        });
    }
    settle().await;
    set
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

#[tokio::test]
async fn one_asks_for_all() {
    let gate = Arc::new(Notify::new());
    let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, FRESH)));
    let waiting = many(&bench, 20, &[]).await;
    assert_eq!(bench.calls(), 1);
    gate.notify_one();
    let got = waiting.join_all().await;
    assert!(got.iter().all(|(body, _)| body == "body 1"));
    assert_eq!(got.iter().filter(|(_, cache)| cache == "cachekit; fwd=uri-miss; collapsed").count(), 19);
    assert!(bench.get("/a").await.is_hit());
}

#[tokio::test]
async fn what_may_not_be_shared_is_not_and_nobody_waits_for_it_again() {
    for fields in [&[("cache-control", "private")][..], &[("set-cookie", "a=b"), ("cache-control", "max-age=9")], &[]] {
        let gate = Arc::new(Notify::new());
        let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, fields)));
        let mut waiting = many(&bench, 3, &[]).await;
        assert_eq!(bench.calls(), 1);
        gate.notify_one();
        settle().await;
        assert_eq!(bench.calls(), 3, "all at once, not one after the other");
        // Within the time of a hit-for-miss.
        let mut more = many(&bench, 2, &[]).await;
        assert_eq!(bench.calls(), 5);
        gate.notify_waiters();
        let mut bodies = Vec::new();
        for set in [&mut waiting, &mut more] {
            while let Some(got) = set.join_next().await {
                bodies.push(got.unwrap().0);
            }
        }
        bodies.sort();
        assert_eq!(bodies, ["body 1", "body 2", "body 3", "body 4", "body 5"]);
        bench.advance(11);
        let waiting = many(&bench, 2, &[]).await;
        assert_eq!(bench.calls(), 6, "and then they wait again");
        drop(waiting);
    }
}

#[tokio::test]
async fn a_client_that_leaves_stops_nobody() {
    let gate = Arc::new(Notify::new());
    let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, FRESH)));
    let mut leader = many(&bench, 1, &[]).await;
    let waiting = many(&bench, 3, &[]).await;
    leader.abort_all();
    assert!(leader.join_next().await.unwrap().is_err());
    gate.notify_one();
    assert!(waiting.join_all().await.iter().all(|(body, _)| body == "body 1"));
    assert_eq!(bench.calls(), 1);
}

#[tokio::test]
async fn nobody_waits_longer_than_the_limit() {
    let gate = Arc::new(Notify::new());
    let builder = CacheLayer::builder().wait_limit(Duration::from_secs(3));
    let bench = Arc::new(Bench::built(builder, gated(&gate, FRESH)));
    let waiting = many(&bench, 2, &[]).await;
    bench.advance(2);
    settle().await;
    assert_eq!(bench.calls(), 1);
    bench.advance(1);
    settle().await;
    assert_eq!(bench.calls(), 2);
    gate.notify_waiters();
    assert_eq!(waiting.join_all().await.len(), 2);
}

#[tokio::test]
async fn variants_do_not_wait_for_each_other_for_long() {
    let bench = Arc::new(Bench::new(Rule::new(), |request, _| async move {
        tokio::task::yield_now().await;
        let x = request.headers().get("x").map_or(String::new(), |x| x.to_str().unwrap().to_owned());
        Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "x")], x))
    }));
    let mut set = JoinSet::new();
    for at in 0..30 {
        let bench = bench.clone();
        set.spawn(async move {
            let x = ["a", "b", "c"][at % 3];
            (x, bench.send("GET", "/a", &[("x", x)]).await.body)
        });
    }
    for (x, body) in set.join_all().await {
        assert_eq!(body, x);
    }
    assert_eq!(bench.calls(), 3);
}

#[tokio::test]
async fn a_panic_is_its_callers_and_the_others_go_on() {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let bench = Arc::new(Bench::new(Rule::new(), move |_, call| {
        let gate = opened.clone();
        async move {
            if call == 1 {
                gate.notified().await;
                panic!("a handler's");
            }
            Ok(response(200, FRESH, "well"))
        }
    }));
    let mut leader = many(&bench, 1, &[]).await;
    let mut waiting = many(&bench, 2, &[]).await;
    gate.notify_one();
    let error = leader.join_next().await.unwrap().unwrap_err();
    assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"a handler's"));
    while let Some(got) = waiting.join_next().await {
        assert_eq!(got.unwrap().0, "well");
    }
    assert!(bench.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_fill_that_is_under_way_is_joined_in_the_middle() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<&'static str>();
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let bench = Bench::new(Rule::new(), move |_, _| {
        let chunks = receiver.lock().unwrap().take().unwrap();
        async move { Ok(response(200, FRESH, Body::new(crate::streaming::Chunks(chunks)))) }
    });
    let mut first = bench.begin(request("GET", "/a", &[])).await.unwrap().into_body();
    sender.send("one ").unwrap();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    let second = bench.begin(request("GET", "/a", &[])).await.unwrap();
    assert_eq!(second.headers()["cache-status"], "cachekit; fwd=uri-miss; collapsed");
    sender.send("two").unwrap();
    drop(sender);
    assert_eq!(second.into_body().collect().await.unwrap().to_bytes(), "one two");
    assert_eq!(first.collect().await.unwrap().to_bytes(), "two");
    settle().await;
    assert_eq!(bench.get("/a").await.body, "one two");
    assert_eq!(bench.calls(), 1);
}

#[tokio::test]
async fn who_asks_apart_does_not_keep_others_from_waiting_for_each_other() {
    for apart in [("range", "bytes=0-1"), ("cache-control", "no-store"), ("cookie", "a=b")] {
        let gate = Arc::new(Notify::new());
        let rule = Rule::new().ttl(Duration::from_secs(60));
        let bench = Arc::new(Bench::new(rule, gated(&gate, &[])));
        let alone = bench.clone();
        let alone = tokio::spawn(async move { alone.send("GET", "/a", &[apart]).await });
        settle().await;
        gate.notify_one();
        alone.await.unwrap();
        bench.layer.handle().purge_all().await;
        let calls = bench.calls();
        let waiting = many(&bench, 5, &[]).await;
        assert_eq!(bench.calls(), calls + 1, "{apart:?}");
        gate.notify_waiters();
        waiting.join_all().await;
    }
}

#[tokio::test]
async fn a_leader_that_hangs_is_replaced_by_who_has_waited_for_it() {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let bench = Arc::new(Bench::new(Rule::new(), move |_, call| {
        let gate = opened.clone();
        async move {
            match call {
                1 => std::future::pending().await,
                _ => gate.notified().await,
            }
            Ok(response(200, FRESH, format!("body {call}")))
        }
    }));
    let hanging = many(&bench, 1, &[]).await;
    let patient = many(&bench, 1, &[]).await;
    bench.advance(5);
    settle().await;
    assert_eq!(bench.calls(), 2);
    let later = many(&bench, 3, &[]).await;
    gate.notify_waiters();
    settle().await;
    for waiting in [patient, later] {
        assert!(waiting.join_all().await.iter().all(|(body, _)| body == "body 2"));
    }
    assert_eq!(bench.calls(), 2);
    drop(hanging);
}

#[tokio::test]
async fn what_is_never_fresh_is_asked_for_by_each_and_at_once() {
    for fields in [&[("etag", "\"a\"")][..], &[("etag", "\"a\""), ("cache-control", "max-age=60, no-cache")]] {
        let gate = Arc::new(Notify::new());
        let answer = move |call| if call > 1 { response(304, fields, "") } else { response(200, fields, "x") };
        let bench = Arc::new(Bench::new(Rule::new(), gated_where(&gate, |call| call > 1, answer)));
        bench.get("/a").await;
        let waiting = many(&bench, 10, &[]).await;
        assert_eq!(bench.calls(), 11, "{fields:?}");
        gate.notify_waiters();
        assert!(waiting.join_all().await.iter().all(|(body, _)| body == "x"));
    }
}

#[tokio::test]
async fn one_validation_answers_all_who_wait_for_it() {
    for (status, cache) in [
        (304, "cachekit; fwd=stale; fwd-status=304; collapsed"),
        (503, "cachekit; fwd=stale; fwd-status=503; collapsed; detail=stale-if-error"),
    ] {
        let gate = Arc::new(Notify::new());
        let answer = move |call| {
            let fields = [("cache-control", "max-age=10, stale-if-error=100"), ("etag", "\"a\"")];
            match call {
                1 => response(200, &fields, "x"),
                _ => response(status, if status == 304 { &fields } else { &[] }, ""),
            }
        };
        let bench = Arc::new(Bench::new(Rule::new(), gated_where(&gate, |call| call > 1, answer)));
        bench.get("/a").await;
        bench.advance(11);
        let waiting = many(&bench, 10, &[]).await;
        assert_eq!(bench.calls(), 2);
        gate.notify_one();
        let got = waiting.join_all().await;
        assert!(got.iter().all(|(body, _)| body == "x"), "{got:?}");
        assert_eq!(got.iter().filter(|(_, said)| said == cache).count(), 9, "{got:?}");
        assert_eq!(bench.calls(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_purge_meanwhile_makes_a_validation_nobody_elses() {
    let gate = Arc::new(Notify::new());
    let answer = |call| {
        let status = if call == 2 { 304 } else { 200 };
        response(status, &[("cache-control", "max-age=10"), ("etag", "\"a\"")], format!("body {call}"))
    };
    let bench = Arc::new(Bench::new(Rule::new(), gated_where(&gate, |call| call == 2, answer)));
    bench.get("/a").await;
    bench.advance(11);
    let leader = many(&bench, 1, &[]).await;
    bench.layer.handle().purge_all().await;
    let waiting = many(&bench, 3, &[]).await;
    gate.notify_one();
    assert_eq!(leader.join_all().await[0].0, "body 1", "it came before");
    let got = waiting.join_all().await;
    assert!(got.iter().all(|(body, _)| body != "body 1"), "{got:?}");
}

#[tokio::test]
async fn users_do_not_wait_for_each_others_pages() {
    let gate = Arc::new(Notify::new());
    let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, &[("cache-control", "private, no-store")])));
    let waiting = [many(&bench, 1, &[("cookie", "ada")]).await, many(&bench, 1, &[("cookie", "bob")]).await];
    assert_eq!(bench.calls(), 2);
    gate.notify_waiters();
    for waiting in waiting {
        waiting.join_all().await;
    }
}

#[tokio::test]
async fn users_wait_for_each_other_where_pages_were_for_everybody() {
    let gate = Arc::new(Notify::new());
    let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, &[("cache-control", "public, max-age=10")])));
    for (calls, count) in [(1, 1), (2, 5)] {
        let waiting = many(&bench, count, &[("cookie", "ada")]).await;
        assert_eq!(bench.calls(), calls);
        gate.notify_waiters();
        waiting.join_all().await;
        bench.advance(11);
    }
}

#[tokio::test]
async fn a_refusal_for_one_user_keeps_nobody_else_from_waiting() {
    let gate = Arc::new(Notify::new());
    let answer = |_| response(200, &[("cache-control", "max-age=10, stale-while-revalidate=5")], "x");
    let bench = Arc::new(Bench::new(Rule::new(), gated_where(&gate, |call| call > 2, answer)));
    bench.get("/a").await;
    bench.advance(11);
    assert!(bench.send("GET", "/a", &[("authorization", "ada")]).await.is_hit());
    assert_eq!(bench.calls(), 2, "asked for anew with what ada has sent, which is not stored");
    bench.layer.handle().purge_all().await;
    let waiting = many(&bench, 5, &[]).await;
    assert_eq!(bench.calls(), 3);
    gate.notify_waiters();
    waiting.join_all().await;
}

#[tokio::test]
async fn who_wants_nothing_stored_leads_nobody() {
    let gate = Arc::new(Notify::new());
    let answer = |_| response(200, &[("cache-control", "max-age=10"), ("etag", "\"a\"")], "x");
    let bench = Arc::new(Bench::new(Rule::new(), gated_where(&gate, |call| call > 1, answer)));
    bench.get("/a").await;
    bench.advance(11);
    let apart = many(&bench, 1, &[("cache-control", "no-store")]).await;
    let waiting = many(&bench, 10, &[]).await;
    gate.notify_waiters();
    settle().await;
    assert_eq!(bench.calls(), 3);
    apart.join_all().await;
    waiting.join_all().await;
}

#[tokio::test]
async fn a_refresh_that_was_refused_is_not_tried_again_at_once() {
    let bench = Bench::new(Rule::new(), |_, call| async move {
        let fields = [("cache-control", "max-age=10, stale-while-revalidate=100")];
        Ok(if call == 2 { response(503, &[], "") } else { response(200, &fields, format!("body {call}")) })
    });
    bench.get("/a").await;
    bench.advance(11);
    for _ in 0..5 {
        assert_eq!(bench.get("/a").await.body, "body 1");
    }
    assert_eq!(bench.calls(), 2);
    bench.advance(11);
    assert_eq!(bench.get("/a").await.body, "body 1");
    assert_eq!((bench.get("/a").await.body.as_ref(), bench.calls()), (&b"body 3"[..], 3));
}

#[tokio::test]
async fn many_at_once_refresh_once() {
    let gate = Arc::new(Notify::new());
    let bench =
        Arc::new(Bench::new(Rule::new(), gated(&gate, &[("cache-control", "max-age=10, stale-while-revalidate=9")])));
    gate.notify_one();
    bench.get("/a").await;
    bench.advance(11);
    let stale = many(&bench, 10, &[]).await.join_all().await;
    assert!(stale.iter().all(|(body, cache)| body == "body 1" && cache == "cachekit; hit; ttl=-1"));
    assert_eq!(bench.calls(), 2);
    gate.notify_one();
    settle().await;
    assert_eq!(bench.get("/a").await.body, "body 2");
}

#[tokio::test]
async fn heads_wait_for_nobody_and_are_answered_from_what_is_there() {
    let gate = Arc::new(Notify::new());
    let bench = Arc::new(Bench::new(Rule::new(), gated(&gate, FRESH)));
    let filling = many(&bench, 1, &[]).await;
    let heads: Vec<_> = (0..3)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.send("HEAD", "/a", &[]).await.cache().to_owned() })
        })
        .collect();
    settle().await;
    assert_eq!(bench.calls(), 4, "their answers are nobody else's");
    gate.notify_waiters();
    filling.join_all().await;
    for head in heads {
        assert_eq!(head.await.unwrap(), "cachekit; fwd=uri-miss");
    }
    assert!(bench.send("HEAD", "/a", &[]).await.is_hit());
}
