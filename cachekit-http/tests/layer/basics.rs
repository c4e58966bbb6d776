use crate::harness::{Bench, response};
use cachekit_http::{Rule, policy::CDN_FIELD};
use http::StatusCode;
use std::time::Duration;

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("x", "1")];

#[tokio::test]
async fn a_fresh_response_is_given_again_with_its_age() {
    let bench = Bench::always(Rule::new(), 200, FRESH);
    let first = bench.get("/a").await;
    assert_eq!((first.cache(), first.field("age")), ("cachekit; fwd=uri-miss; stored", ""));
    bench.advance(7);
    let again = bench.get("/a").await;
    assert_eq!((again.status, again.body.as_ref()), (StatusCode::OK, &b"body 1"[..]));
    assert_eq!((again.cache(), again.field("age"), again.field("x")), ("cachekit; hit; ttl=53", "7", "1"));
    assert_eq!(again.field("content-length"), "6");
    assert!(!again.field("date").is_empty(), "the one of the response, not of its use");
    bench.advance(53);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=stale; stored");
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn a_date_is_stored_and_replayed() {
    let date = ("date", "Sun, 09 Sep 2001 01:46:40 GMT");
    let bench =
        Bench::new(
            Rule::new(),
            move |_, _| async move { Ok(response(200, &[date, ("cache-control", "max-age=60")], "x")) },
        );
    bench.get("/a").await;
    bench.advance(5);
    assert_eq!(bench.get("/a").await.field("date"), date.1);
}

#[tokio::test]
async fn without_freshness_a_rule_gives_some_to_what_it_is_for() {
    let bench = Bench::always(Rule::new(), 200, &[]);
    bench.get("/a").await;
    assert!(!bench.get("/a").await.is_hit());
    let rule = Rule::new().ttl(Duration::from_secs(60));
    for (status, is_hit) in [(200, true), (301, true), (404, false), (500, false)] {
        let bench = Bench::always(rule.clone(), status, &[]);
        bench.get("/a").await;
        assert_eq!(bench.get("/a").await.is_hit(), is_hit, "{status}");
    }
}

#[tokio::test]
async fn our_own_field_counts_and_does_not_go_on() {
    let fields: &[_] = &[("cachekit-cache-control", "max-age=60"), ("cache-control", "no-store")];
    let bench = Bench::always(Rule::new(), 200, fields);
    for is_hit in [false, true] {
        let got = bench.get("/a").await;
        assert_eq!(
            (got.is_hit(), got.field("cachekit-cache-control"), got.field("cache-control")),
            (is_hit, "", "no-store")
        );
    }
}

#[tokio::test]
async fn conditions_and_ranges_are_answered_from_the_store() {
    let bench = Bench::always(Rule::new(), 200, FRESH);
    bench.get("/a").await;
    let not_modified = bench.send("GET", "/a", &[("if-none-match", "\"b\", W/\"a\"")]).await;
    assert_eq!((not_modified.status.as_u16(), not_modified.field("etag"), not_modified.body.len()), (304, "\"a\"", 0));
    assert_eq!(bench.send("GET", "/a", &[("if-none-match", "\"b\"")]).await.status, 200);
    let part = bench.send("GET", "/a", &[("range", "bytes=0-3")]).await;
    assert_eq!((part.status.as_u16(), part.body.as_ref()), (206, &b"body"[..]));
    assert_eq!((part.field("content-range"), part.field("content-length")), ("bytes 0-3/6", "4"));
    let none = bench.send("GET", "/a", &[("range", "bytes=6-")]).await;
    assert_eq!((none.status.as_u16(), none.field("content-range"), none.body.len()), (416, "bytes */6", 0));
    let of_the_200 = ["cache-control", "etag", "age"].map(|name| none.field(name));
    assert_eq!(of_the_200, [""; 3], "an error is as fresh as it says itself, and is nothing to validate with");
    assert_eq!(bench.send("GET", "/a", &[("range", "bytes=0-3"), ("if-range", "\"b\"")]).await.status, 200);
    assert_eq!(bench.calls(), 1);
}

#[tokio::test]
async fn a_condition_on_a_miss_is_answered_from_what_is_stored_for_it() {
    let bench = Bench::new(Rule::new(), |request, _| async move {
        assert!(!request.headers().contains_key("if-none-match"), "the whole is asked for");
        Ok(response(200, FRESH, "whole"))
    });
    let got = bench.send("GET", "/a", &[("if-none-match", "\"a\"")]).await;
    assert_eq!((got.status.as_u16(), got.cache()), (304, "cachekit; fwd=uri-miss; stored"));
    assert_eq!(bench.get("/a").await.body, "whole");
}

#[tokio::test]
async fn what_guards_a_state_goes_to_the_handler() {
    let bench = Bench::always(Rule::new(), 200, FRESH);
    bench.get("/a").await;
    for condition in [("if-match", "\"a\""), ("if-unmodified-since", "Sun, 09 Sep 2001 01:46:40 GMT")] {
        assert_eq!(bench.send("GET", "/a", &[condition]).await.cache(), "cachekit; fwd=bypass");
    }
}

#[tokio::test]
async fn a_range_on_a_miss_is_the_handlers() {
    let bench = Bench::new(Rule::new(), |request, _| async move {
        let has_range = request.headers().contains_key("range");
        Ok(response(if has_range { 206 } else { 200 }, FRESH, "x"))
    });
    assert_eq!(bench.send("GET", "/a", &[("range", "bytes=0-3")]).await.status, 206);
    assert!(!bench.get("/a").await.is_hit(), "a part is not stored");
}

#[tokio::test]
async fn a_304_freshens_what_is_stored() {
    let bench = Bench::new(Rule::new(), |request, call| async move {
        let condition = request.headers().get("if-none-match").map(|tag| tag.to_str().unwrap().to_owned());
        match call {
            1 => Ok(response(
                200,
                &[("cache-control", "max-age=10"), ("etag", "\"a\""), ("x", "old"), ("y", "kept")],
                "body",
            )),
            _ => {
                assert_eq!(condition.as_deref(), Some("\"a\""));
                Ok(response(304, &[("etag", "\"a\""), ("x", "new"), ("cache-control", "max-age=20")], ""))
            }
        }
    });
    bench.get("/a").await;
    bench.advance(11);
    let got = bench.send("GET", "/a", &[("if-none-match", "\"other\"")]).await;
    assert_eq!((got.status.as_u16(), got.body.as_ref()), (200, &b"body"[..]), "the client's condition is its own");
    assert_eq!(got.cache(), "cachekit; fwd=stale; fwd-status=304; stored");
    assert_eq!((got.field("x"), got.field("y"), got.field("age")), ("new", "kept", "0"));
    bench.advance(19);
    assert_eq!(bench.get("/a").await.field("x"), "new");
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn a_304_about_something_else_is_not_used() {
    let bench = Bench::new(Rule::new(), |request, call| async move {
        match call {
            1 => Ok(response(200, &[("cache-control", "max-age=1"), ("etag", "\"a\"")], "old")),
            2 => Ok(response(304, &[("etag", "\"b\"")], "")),
            _ => {
                assert!(!request.headers().contains_key("if-none-match"));
                Ok(response(200, &[("cache-control", "max-age=9"), ("etag", "\"b\"")], "new"))
            }
        }
    });
    bench.get("/a").await;
    bench.advance(2);
    assert_eq!(bench.get("/a").await.body, "new");
    assert_eq!(bench.calls(), 3);
}

#[tokio::test]
async fn variants_are_found_by_what_they_vary_on() {
    let bench = Bench::new(Rule::new(), |request, call| async move {
        let vary = if call < 3 { "accept-language" } else { "x" };
        let language = request.headers().get("accept-language").map_or("", |value| value.to_str().unwrap()).to_owned();
        Ok(response(200, &[("cache-control", "max-age=60"), ("vary", vary)], format!("{language} {call}")))
    });
    let get = async |language: &str, x: &str| {
        let got = bench.send("GET", "/a", &[("accept-language", language), ("x", x)]).await;
        (String::from_utf8(got.body.to_vec()).unwrap(), got.is_hit())
    };
    assert_eq!(get("en", "1").await, ("en 1".to_owned(), false));
    assert_eq!(get("de", "1").await, ("de 2".to_owned(), false));
    assert_eq!(get("EN", "2").await, ("en 1".to_owned(), true));
    assert_eq!(get("fr", "1").await, ("fr 3".to_owned(), false), "which varies on something else");
    assert_eq!(get("fr", "1").await, ("fr 3".to_owned(), true));
    assert!(!get("fr", "2").await.1);
}

#[tokio::test]
async fn head_is_answered_from_get_and_tells_of_it() {
    let bench = Bench::new(Rule::new(), |request, call| async move {
        let tag = if call < 3 { "\"a\"" } else { "\"b\"" };
        let body = if request.method() == "HEAD" { "" } else { "body" };
        Ok(response(200, &[("cache-control", "max-age=10"), ("etag", tag)], body))
    });
    assert_eq!(bench.send("HEAD", "/a", &[]).await.cache(), "cachekit; fwd=uri-miss", "and is not stored");
    bench.get("/a").await;
    let head = bench.send("HEAD", "/a", &[]).await;
    assert_eq!((head.is_hit(), head.field("content-length"), head.body.len()), (true, "4", 0));
    bench.advance(11);
    assert_eq!(bench.send("HEAD", "/a", &[]).await.cache(), "cachekit; fwd=stale", "with another tag");
    let got = bench.get("/a").await;
    assert_eq!((got.cache(), bench.calls()), ("cachekit; fwd=uri-miss; stored", 4), "RFC 9111 §4.3.5: it is invalid");
}

#[tokio::test]
async fn a_head_that_agrees_freshens() {
    let bench = Bench::new(Rule::new(), |request, _| async move {
        let body = if request.method() == "HEAD" { "" } else { "body" };
        Ok(response(200, &[("cache-control", "max-age=10"), ("etag", "\"a\"")], body))
    });
    bench.get("/a").await;
    bench.advance(11);
    assert_eq!(bench.send("HEAD", "/a", &[]).await.cache(), "cachekit; fwd=stale; stored");
    assert_eq!(bench.get("/a").await.cache(), "cachekit; hit; ttl=10");
}

#[tokio::test]
async fn unsafe_methods_invalidate_what_they_name() {
    let bench = Bench::new(Rule::new(), |request, _| async move {
        match request.method().as_str() {
            "GET" => Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "x")], "x")),
            "DELETE" => Ok(response(404, &[], "")),
            _ => Ok(response(201, &[("location", "b"), ("content-location", "http://other/c")], "")),
        }
    });
    let fill = async || {
        for (path, x) in [("/p/a", "1"), ("/p/a", "2"), ("/p/b", "1"), ("/c", "1")] {
            bench.send("GET", &format!("http://here{path}"), &[("x", x)]).await;
        }
        bench.send("GET", "http://other/c", &[]).await;
    };
    let hits = async || {
        let mut hits = Vec::new();
        for (uri, x) in
            [("http://here/p/a", "1"), ("http://here/p/a", "2"), ("http://here/p/b", "1"), ("http://other/c", "")]
        {
            let fields = [("x", x)];
            hits.push(bench.send("GET", uri, if x.is_empty() { &[] } else { &fields }).await.is_hit());
        }
        hits
    };
    fill().await;
    assert_eq!(hits().await, [true; 4]);
    assert_eq!(bench.send("DELETE", "http://here/p/a", &[]).await.cache(), "cachekit; fwd=method");
    assert_eq!(hits().await, [true; 4], "it failed");
    bench.send("M-SEARCH", "http://here/p/a", &[]).await;
    assert_eq!(hits().await, [false, false, false, true]);
}

#[tokio::test]
async fn a_response_to_a_post_is_not_stored_however_fresh_it_says_to_be() {
    let fields = &[("cache-control", "public, max-age=60"), ("content-location", "/a"), ("etag", "\"a\"")];
    let bench = Bench::always(Rule::new().ttl(Duration::from_secs(60)), 200, fields);
    for body in ["body 1", "body 2"] {
        let got = bench.send("POST", "/a", &[]).await;
        assert_eq!((&got.body[..], got.cache()), (body.as_bytes(), "cachekit; fwd=method"));
    }
    let got = bench.get("/a").await;
    assert_eq!((&got.body[..], got.cache()), (&b"body 3"[..], "cachekit; fwd=uri-miss; stored"), "nor for a GET");
    // What is there answers none either.
    assert_eq!(bench.send("POST", "/a", &[]).await.body, "body 4");
    assert_eq!(bench.calls(), 4);
}

#[tokio::test]
async fn a_targeted_field_of_others_counts_where_a_rule_says_so_and_goes_on() {
    let fields: &[_] =
        &[("cdn-cache-control", "max-age=60"), ("cache-control", "no-store"), ("expires", "0"), ("x", "1")];
    for (rule, is_targeted) in [(Rule::new(), false), (Rule::new().targeted(CDN_FIELD), true)] {
        let bench = Bench::always(rule, 200, fields);
        for is_again in [false, true] {
            let got = bench.get("/a").await;
            assert_eq!(got.is_hit(), is_again && is_targeted, "{}", got.cache());
            let said = ["cdn-cache-control", "cache-control"].map(|name| got.field(name));
            assert_eq!(said, ["max-age=60", "no-store"], "{is_targeted} {is_again}");
        }
        bench.advance(60);
        assert!(!bench.get("/a").await.is_hit());
    }
    let ours_first: &[_] = &[("cdn-cache-control", "no-store"), ("cachekit-cache-control", "max-age=60")];
    let bench = Bench::always(Rule::new().targeted(CDN_FIELD), 200, ours_first);
    bench.get("/a").await;
    let got = bench.get("/a").await;
    assert_eq!((got.is_hit(), got.field("cdn-cache-control")), (true, "no-store"));
}

#[tokio::test]
async fn clients_are_honoured_where_that_is_said() {
    for (is_honoured, expected) in [(false, [1, 1, 200]), (true, [2, 3, 504])] {
        let rule = Rule::new().honour_if(move |_| is_honoured);
        let bench = Bench::always(rule, 200, FRESH);
        bench.get("/a").await;
        bench.send("GET", "/a", &[("cache-control", "no-cache")]).await;
        let after_no_cache = bench.calls();
        bench.send("GET", "/a", &[("pragma", "no-cache")]).await;
        let after_pragma = bench.calls();
        let only = bench.send("GET", "/b", &[("cache-control", "only-if-cached")]).await;
        assert_eq!([after_no_cache, after_pragma, usize::from(only.status.as_u16())], expected, "{is_honoured}");
    }
}

#[tokio::test]
async fn no_store_of_a_request_is_honoured_for_storing() {
    let bench = Bench::always(Rule::new(), 200, FRESH);
    bench.send("GET", "/a", &[("cache-control", "no-store")]).await;
    assert!(!bench.get("/a").await.is_hit());
    assert!(bench.send("GET", "/a", &[("cache-control", "no-store")]).await.is_hit());
}

#[tokio::test]
async fn fields_of_a_qualified_no_cache_need_a_validation() {
    let bench =
        Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60, no-cache=\"x\""), ("x", "1"), ("y", "2")]);
    assert_eq!(bench.get("/a").await.field("x"), "1");
    let again = bench.get("/a").await;
    assert_eq!((again.is_hit(), again.field("x"), again.field("y")), (true, "", "2"));
}

#[tokio::test]
async fn rules_can_ask_how_long_a_response_is() {
    let rule = Rule::new().ttl(Duration::from_secs(60)).max_content_length(3);
    for (length, is_hit) in [(Some("3"), true), (Some("4"), false), (None, false)] {
        let builder = cachekit_http::CacheLayer::builder().rule(rule.clone());
        let bench = Bench::built(builder, move |_, _| async move {
            let fields = length.map(|length| ("content-length", length));
            let body = "x".repeat(length.map_or(3, |length| length.parse().unwrap()));
            Ok(response(200, fields.as_slice(), body))
        });
        bench.get("/a").await;
        assert_eq!(bench.get("/a").await.is_hit(), is_hit, "{length:?}");
    }
}

#[tokio::test]
async fn what_is_stale_is_kept_for_its_validation_as_long_as_the_rule_says() {
    for (seconds, is_validated) in [(60, true), (5, false)] {
        let rule = Rule::new().keep_for_validation(Duration::from_secs(seconds));
        let bench = Bench::new(rule, |request, _| async move {
            let is_validation = request.headers().contains_key("if-none-match");
            let fields = [("cache-control", "max-age=10"), ("etag", "\"a\"")];
            Ok(response(if is_validation { 304 } else { 200 }, &fields, ""))
        });
        bench.get("/a").await;
        bench.advance(20);
        assert_eq!(bench.get("/a").await.cache().contains("fwd-status=304"), is_validated, "{seconds}");
    }
}

#[tokio::test]
async fn who_asks_for_what_is_stored_alone_gets_nothing_that_is_for_others() {
    let rule = Rule::new().ttl(Duration::from_secs(60)).honour_if(|_| true);
    let bench = Bench::always(rule, 200, &[]);
    bench.get("/a").await;
    let got = bench.send("GET", "/a", &[("authorization", "ada"), ("cache-control", "only-if-cached")]).await;
    assert_eq!((got.status.as_u16(), bench.calls()), (504, 1));
}
