//! What the handler says of what is stored.

use crate::harness::{Bench, response, settle};
use cachekit_http::{Rule, policy::SetCookie};
use std::time::Duration;

const OWN: &str = "cachekit-cache-control";
const TAG: (&str, &str) = ("etag", "\"a\"");

/// A handler that gives a body with these fields, and a 304 with those afterwards.
fn validated(
    rule: Rule,
    first: &'static [(&'static str, &'static str)],
    then: &'static [(&'static str, &'static str)],
) -> Bench {
    Bench::new(rule, move |_, call| async move {
        Ok(if call == 1 { response(200, first, "body") } else { response(304, then, "") })
    })
}

#[tokio::test]
async fn a_304_that_says_no_freshness_leaves_the_terms_of_our_own_field() {
    let bench = validated(
        Rule::new(),
        &[(OWN, "max-age=10, no-cache=\"x-once\", private=\"x-user\""), ("x-once", "1"), ("x-user", "ada"), TAG],
        &[TAG, ("x-once", "2"), ("x-user", "bob")],
    );
    bench.get("/a").await;
    assert_eq!(bench.get("/a").await.field("x-once"), "");
    bench.advance(11);
    let got = bench.get("/a").await;
    assert_eq!((got.field("x-once"), got.field("x-user"), got.field(OWN)), ("2", "bob", ""), "who has asked gets it");
    let got = bench.get("/a").await;
    assert_eq!((got.cache(), got.field("x-once"), got.field("x-user")), ("cachekit; hit; ttl=10", "", ""));
}

#[tokio::test]
async fn a_304_without_fields_keeps_what_our_own_field_has_stored() {
    let first = &[(OWN, "max-age=10"), ("cache-control", "no-store"), TAG];
    let bench = validated(Rule::new(), first, &[TAG]);
    bench.get("/a").await;
    for _ in 0..2 {
        bench.advance(11);
        assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=stale; fwd-status=304; stored");
        assert!(bench.get("/a").await.is_hit());
    }
}

#[tokio::test]
async fn cookies_of_a_304_are_for_who_has_caused_it() {
    let bench = validated(
        Rule::new().set_cookie(SetCookie::Strip),
        &[("cache-control", "max-age=10"), TAG],
        &[("cache-control", "max-age=10"), TAG, ("set-cookie", "a=1"), ("set-cookie", "b=2")],
    );
    bench.get("/a").await;
    bench.advance(11);
    let cookies = bench.get("/a").await.fields.get_all("set-cookie").iter().count();
    assert_eq!(cookies, 2);
    assert_eq!(bench.get("/a").await.field("set-cookie"), "");
}

#[tokio::test]
async fn what_is_not_stored_takes_away_what_it_supersedes() {
    // RFC 9111 §4.3.3; else it would be given for the whole of the window.
    for (status, fields) in [
        (200, &[("cache-control", "no-store")][..]),
        (200, &[("cache-control", "private")]),
        (200, &[("cache-control", "max-age=60"), ("set-cookie", "a=b")]),
        (200, &[("cache-control", "max-age=60"), ("vary", "*")]),
        (200, &[("cache-control", "max-age=60"), ("content-length", "2000")]),
        (404, &[]),
        (403, &[("cache-control", "no-store")]),
    ] {
        let rule =
            Rule::new().ttl(Duration::from_secs(30)).stale_while_revalidate(Duration::from_secs(300)).max_body(1000);
        let bench = Bench::new(rule, move |_, call| async move {
            Ok(if call == 1 { response(200, &[], "Ada") } else { response(status, fields, "gone") })
        });
        bench.get("/a").await;
        bench.advance(31);
        assert_eq!(bench.get("/a").await.body, "Ada", "while it is asked for anew");
        settle().await;
        let got = bench.get("/a").await;
        assert_eq!((got.body.as_ref(), got.is_hit()), (&b"gone"[..], false), "{status} {fields:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_breaks_off_takes_away_what_it_supersedes() {
    for chunks in [&["much too ", "long"][..], &["ab", "!"]] {
        let rule = Rule::new().max_body(10);
        let bench = Bench::new(rule, move |_, call| async move {
            let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
            let chunks = if call == 1 { &["Ada"] } else { chunks };
            chunks.iter().for_each(|chunk| sender.send(*chunk).unwrap());
            let fields = [("cache-control", "max-age=30, stale-while-revalidate=300")];
            Ok(response(200, &fields, axum::body::Body::new(crate::streaming::Chunks(receiver))))
        });
        bench.get("/a").await;
        bench.advance(31);
        assert_eq!(bench.get("/a").await.body, "Ada");
        settle().await;
        let got = bench.try_send("GET", "/a", &[]).await;
        assert!(!got.is_ok_and(|got| got.is_hit()), "{chunks:?}");
    }
}

#[tokio::test]
async fn errors_and_refusals_of_one_request_take_nothing_away() {
    for (status, own) in [(503, ("x", "1")), (200, ("authorization", "ada"))] {
        let bench = Bench::new(Rule::new(), move |request, call| async move {
            let fields = [("cache-control", "max-age=10"), TAG];
            Ok(match call {
                1 => response(200, &fields, "body"),
                2 => response(status, &[], "odd"),
                _ => {
                    assert!(request.headers().contains_key("if-none-match"));
                    response(304, &fields, "")
                }
            })
        });
        bench.get("/a").await;
        bench.advance(11);
        assert_eq!(bench.send("GET", "/a", &[own]).await.body, "odd");
        assert_eq!(bench.get("/a").await.body, "body", "{status}");
    }
}
