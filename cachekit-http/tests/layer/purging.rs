use crate::harness::{Bench, request, response, settle};
use axum::body::Body;
use cachekit_http::{CacheLayer, Rule};
use http::Uri;
use http_body_util::BodyExt;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::unbounded_channel;

fn bench() -> Bench {
    let rule = Rule::new()
        .ttl(Duration::from_secs(60))
        .stale_while_revalidate(Duration::from_secs(30))
        .tags(|parts| vec![format!("{}-tag", parts.uri.path().trim_start_matches('/'))]);
    Bench::new(rule, |_, call| async move { Ok(response(200, &[("vary", "x")], format!("body {call}"))) })
}

async fn fill(bench: &Bench) {
    for (uri, x) in [("/a", "1"), ("/a", "2"), ("/b", "1")] {
        bench.send("GET", uri, &[("x", x)]).await;
    }
}

async fn hits(bench: &Bench) -> [bool; 3] {
    let is_hit = async |uri, x| bench.send("GET", uri, &[("x", x)]).await.is_hit();
    [is_hit("/a", "1").await, is_hit("/a", "2").await, is_hit("/b", "1").await]
}

#[tokio::test]
async fn uris_tags_and_everything_are_purged() {
    let bench = bench();
    let handle = bench.layer.handle();
    fill(&bench).await;
    assert_eq!(hits(&bench).await, [true; 3]);
    handle.purge_uri(&Uri::from_static("http://LOCALHOST:80/a")).await.unwrap();
    assert_eq!(hits(&bench).await, [false, false, true]);
    handle.purge_tag("b-tag").await;
    assert_eq!(hits(&bench).await, [true, true, false]);
    handle.purge_all().await;
    assert_eq!(hits(&bench).await, [false; 3]);
    assert!(handle.purge_uri(&Uri::from_static("/a")).await.is_err());
}

#[tokio::test]
async fn a_tag_is_the_same_as_everywhere_else() {
    let bench = bench();
    fill(&bench).await;
    cachekit_runtime::invalidate_tag("a-tag");
    assert_eq!(hits(&bench).await, [false, false, true]);
}

#[tokio::test]
async fn two_layers_have_purges_of_their_own() {
    let (one, two) = (bench(), bench());
    fill(&one).await;
    fill(&two).await;
    one.layer.handle().purge_all().await;
    assert_eq!(hits(&two).await, [true; 3]);
}

#[tokio::test]
async fn what_is_purged_softly_is_stale_and_still_there() {
    let bench = bench();
    let handle = bench.layer.handle();
    fill(&bench).await;
    bench.advance(10);
    handle.soft_purge_uri(&Uri::from_static("http://localhost/a")).await.unwrap();
    bench.advance(5);
    let stale = bench.send("GET", "/a", &[("x", "1")]).await;
    assert_eq!((stale.body.as_ref(), stale.cache()), (&b"body 1"[..], "cachekit; hit; ttl=-5"));
    settle().await;
    assert_eq!(bench.send("GET", "/a", &[("x", "1")]).await.body, "body 4", "it was asked for anew");
    assert!(bench.send("GET", "/b", &[("x", "1")]).await.is_hit());
    bench.advance(40);
    assert_eq!(
        bench.send("GET", "/a", &[("x", "2")]).await.cache(),
        "cachekit; fwd=stale; stored",
        "beyond the allowance"
    );
}

#[tokio::test]
async fn what_was_under_way_when_it_was_purged_is_not_stored() {
    for purge in ["uri", "tag", "all", "post"] {
        let (sender, receiver) = unbounded_channel();
        let receiver = Arc::new(Mutex::new(Some(receiver)));
        let rule = Rule::new().ttl(Duration::from_secs(60)).tags(|_| vec!["under-way".to_owned()]);
        let bench = Bench::new(rule, move |request, _| {
            let body = match receiver.lock().unwrap().take() {
                Some(chunks) if request.method() == "GET" => Body::new(crate::streaming::Chunks(chunks)),
                _ => Body::from("new"),
            };
            async move { Ok(response(200, &[], body)) }
        });
        let handle = bench.layer.handle();
        let first = bench.begin(request("GET", "/a", &[])).await.unwrap();
        sender.send("old").unwrap();
        match purge {
            "uri" => drop(handle.purge_uri(&Uri::from_static("http://localhost/a")).await.unwrap()),
            "tag" => drop(handle.purge_tag("under-way").await),
            "all" => drop(handle.purge_all().await),
            _ => drop(bench.send("POST", "/a", &[]).await),
        }
        let after = bench.begin(request("GET", "/a", &[])).await.unwrap();
        let status = after.headers()["cache-status"].to_str().unwrap();
        assert_eq!(status, "cachekit; fwd=uri-miss; stored", "{purge}: who comes afterwards does not join it");
        assert_eq!(after.into_body().collect().await.unwrap().to_bytes(), "new");
        drop(sender);
        assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "old");
        settle().await;
        assert_eq!(bench.get("/a").await.body, "new", "{purge}");
    }
}

#[tokio::test]
async fn a_tag_is_the_one_of_the_rule_that_stores() {
    let rule = |tag: &'static str| Rule::new().ttl(Duration::from_secs(60)).tags(move |_| vec![tag.to_owned()]);
    let builder =
        CacheLayer::builder().rule(rule("stores-json").content_type("application/json")).otherwise(rule("stores-text"));
    let bench = Bench::built(builder, |_, _| async move { Ok(response(200, &[("content-type", "text/html")], "x")) });
    for (tag, is_hit) in [("stores-json", true), ("stores-text", false)] {
        bench.get("/a").await;
        bench.layer.handle().purge_tag(tag).await;
        assert_eq!(bench.get("/a").await.is_hit(), is_hit, "{tag}");
    }
}

#[tokio::test]
async fn a_uri_is_purged_under_every_rule_that_may_have_stored_it() {
    let rule = Rule::new().has_header(http::header::ACCEPT).ttl(Duration::from_secs(60)).without_query(["utm"]);
    let bench = Bench::built(CacheLayer::builder().rule(rule), |_, _| async move { Ok(response(200, &[], "x")) });
    let (uri, fields) = ("/x?id=1&utm=1", [("accept", "*/*")]);
    for purge in ["POST", "by hand"] {
        bench.send("GET", uri, &fields).await;
        assert!(bench.send("GET", uri, &fields).await.is_hit());
        match purge {
            "POST" => drop(bench.send("POST", uri, &fields).await),
            _ => assert!(
                bench.layer.handle().purge_uri(&format!("http://localhost{uri}").parse().unwrap()).await.is_ok()
            ),
        }
        assert!(!bench.send("GET", uri, &fields).await.is_hit(), "{purge}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_no_purge_with_it() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let written = Arc::new(AtomicUsize::new(0));
    let state = written.clone();
    let bench = Arc::new(Bench::new(Rule::new().ttl(Duration::from_secs(60)), move |request, _| {
        let state = state.clone();
        async move {
            if request.method() == "POST" {
                state.store(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
            Ok(response(200, &[], state.load(Ordering::SeqCst).to_string()))
        }
    }));
    assert_eq!(bench.get("/a").await.body, "0");
    let post = tokio::spawn({
        let bench = bench.clone();
        async move { bench.send("POST", "/a", &[]).await }
    });
    settle().await;
    post.abort();
    settle().await;
    assert_eq!((written.load(Ordering::SeqCst), bench.get("/a").await.body.as_ref()), (1, &b"1"[..]));
}

#[tokio::test]
async fn what_was_under_way_when_it_was_purged_softly_is_not_fresh() {
    let (sender, receiver) = unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let bench = Bench::new(Rule::new().ttl(Duration::from_secs(60)), move |_, call| {
        let body = match receiver.lock().unwrap().take() {
            Some(chunks) => Body::new(crate::streaming::Chunks(chunks)),
            None => Body::from(format!("body {call}")),
        };
        async move { Ok(response(200, &[], body)) }
    });
    let first = bench.begin(request("GET", "/a", &[])).await.unwrap();
    sender.send("body 1").unwrap();
    bench.advance(1);
    bench.layer.handle().soft_purge_uri(&Uri::from_static("http://localhost/a")).await.unwrap();
    bench.advance(1);
    let after = bench.begin(request("GET", "/a", &[])).await.unwrap();
    assert_eq!(after.into_body().collect().await.unwrap().to_bytes(), "body 2", "it does not join what is older");
    drop(sender);
    assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "body 1");
    settle().await;
    let after = bench.get("/a").await;
    assert!(!after.is_hit() || after.body == "body 2", "{} {:?}", after.cache(), after.body);
}

#[tokio::test]
async fn a_soft_purge_counts_from_the_first_time() {
    let rule = Rule::new().ttl(Duration::from_secs(600)).stale_while_revalidate(Duration::from_secs(30));
    let bench = Bench::new(rule, |_, call| async move {
        if call == 1 { Ok(response(200, &[], "old")) } else { std::future::pending().await }
    });
    let handle = bench.layer.handle();
    bench.get("/a").await;
    bench.advance(10);
    for seconds in [0, 10, 20] {
        handle.soft_purge_all().await;
        assert_eq!(bench.get("/a").await.cache(), format!("cachekit; hit; ttl=-{seconds}").replace("-0", "0"));
        bench.advance(10);
    }
    let asked = tokio::time::timeout(Duration::ZERO, bench.get("/a")).await;
    assert!(asked.is_err(), "the allowance is over, and the handler does not answer");
}

#[tokio::test]
async fn a_variant_that_is_asked_for_anew_outlives_any_number_of_soft_purges() {
    let bench = bench();
    for number in 1..=20 {
        bench.send("GET", "/a", &[("x", "1")]).await;
        bench.layer.handle().soft_purge_all().await;
        let got = bench.send("GET", "/a", &[("x", "1")]).await;
        assert_eq!(got.cache(), "cachekit; hit; ttl=0", "{number}: it stands in");
    }
}
