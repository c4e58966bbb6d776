//! What somebody tries on purpose.

use crate::{
    harness::{Bench, response, settle},
    streaming::Chunks,
};
use axum::body::Body;
use cachekit_http::{CacheLayer, Rule, policy::SetCookie};
use http::Request;
use http_body_util::BodyExt;
use std::time::Duration;

const TTL: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_huge_age_is_old_and_no_panic() {
    for age in ["18446744073709551615", "99999999999999999999999999", "9223372036854775807"] {
        let bench = Bench::new(Rule::rfc(), move |_, _| async move {
            Ok(response(
                200,
                &[("age", age), ("cache-control", "max-age=60, stale-while-revalidate=60"), ("etag", "\"a\"")],
                "x",
            ))
        });
        bench.get("/a").await;
        bench.advance(1);
        assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=stale; stored", "{age}");
    }
}

#[tokio::test]
async fn repeated_fields_count_as_the_strictest() {
    for fields in [
        &[("cache-control", "max-age=60"), ("cache-control", "no-store")][..],
        &[("cache-control", "max-age=60"), ("cache-control", "max-age=0")],
        &[("cache-control", "public, max-age=60"), ("vary", "x"), ("vary", "*")],
        &[("expires", "Fri, 01 Jan 2038 01:01:01 GMT"), ("expires", "Fri, 01 Jan 2038 01:01:02 GMT")],
    ] {
        let bench = Bench::always(Rule::new(), 200, fields);
        bench.get("/a").await;
        assert!(!bench.get("/a").await.is_hit(), "{fields:?}");
    }
}

#[tokio::test]
async fn vary_is_obeyed_where_a_response_is_public() {
    let bench = Bench::new(Rule::new(), |request, _| async move {
        let who =
            request.headers().get("authorization").map_or("nobody".to_owned(), |who| who.to_str().unwrap().to_owned());
        Ok(response(200, &[("cache-control", "public, max-age=60"), ("vary", "authorization")], who))
    });
    for who in ["ada", "bob", "ada"] {
        assert_eq!(bench.send("GET", "/a", &[("authorization", who)]).await.body, who);
    }
    assert_eq!((bench.get("/a").await.body, bench.calls()), ("nobody".into(), 3));
}

#[tokio::test]
async fn vary_is_obeyed_where_a_response_says_public_and_no_more() {
    for rule in [Rule::new(), Rule::new().ttl(TTL)] {
        let bench = Bench::new(rule, |request, _| async move {
            let who =
                request.headers().get("x-who").map_or("nobody".to_owned(), |who| who.to_str().unwrap().to_owned());
            Ok(response(200, &[("cache-control", "public"), ("vary", "x-who")], who))
        });
        for _ in 0..2 {
            for who in ["ada", "bob"] {
                assert_eq!(bench.send("GET", "/a", &[("x-who", who)]).await.body, who);
            }
            assert_eq!(bench.get("/a").await.body, "nobody");
        }
    }
    let bench = Bench::always(Rule::new().ttl(TTL), 200, &[("cache-control", "public"), ("vary", "x-who")]);
    for who in ["ada", "bob", "ada", "bob"] {
        bench.send("GET", "/a", &[("x-who", who)]).await;
    }
    assert_eq!(bench.calls(), 2, "fresh by the rule, each for its own");
}

#[tokio::test]
async fn nobody_gets_what_was_made_for_another_user() {
    // A rule that the author of the handler did not think of.
    for credential in ["authorization", "cookie"] {
        let bench = Bench::new(Rule::new().ttl(TTL), move |request, _| async move {
            let who =
                request.headers().get(credential).map_or("nobody".to_owned(), |who| who.to_str().unwrap().to_owned());
            Ok(response(200, &[], who))
        });
        assert_eq!(bench.send("GET", "/me", &[(credential, "ada")]).await.body, "ada");
        assert_eq!(bench.get("/me").await.body, "nobody");
        assert!(bench.get("/me").await.is_hit());
        assert_eq!(bench.send("GET", "/me", &[(credential, "bob")]).await.body, "bob", "not what nobody has got");
    }
}

#[tokio::test]
async fn explicit_freshness_is_not_enough_with_authorization() {
    let bench = Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60")]);
    bench.send("GET", "/a", &[("authorization", "ada")]).await;
    assert!(!bench.get("/a").await.is_hit());
}

#[tokio::test]
async fn cookies_of_one_are_not_given_to_others() {
    for (set_cookie, is_hit) in [(SetCookie::Bypass, false), (SetCookie::Strip, true)] {
        let fields = &[("cache-control", "max-age=60"), ("set-cookie", "session=1")];
        let bench = Bench::always(Rule::new().set_cookie(set_cookie), 200, fields);
        assert_eq!(bench.get("/a").await.field("set-cookie"), "session=1", "who caused it gets it");
        let other = bench.get("/a").await;
        assert_eq!(other.is_hit(), is_hit);
        assert_eq!(other.field("set-cookie") == "session=1", !is_hit);
    }
}

/// A handler that reflects a field, and says so or not.
fn reflecting(rule: Rule, field: &'static str, says_so: bool) -> Bench {
    Bench::new(rule, move |request, _| async move {
        let value = request.headers().get(field);
        let value = value.map_or("good".to_owned(), |value| value.to_str().unwrap().to_owned());
        let fields = [("cache-control", "max-age=60"), ("vary", if says_so { field } else { "" })];
        Ok(response(200, &fields, value))
    })
}

#[tokio::test]
async fn a_field_that_is_reflected_and_named_in_vary_poisons_nobody() {
    let bench = reflecting(Rule::new(), "x-colour", true);
    bench.send("GET", "/a", &[("x-colour", "evil")]).await;
    assert_eq!(bench.get("/a").await.body, "good");
}

#[tokio::test]
async fn what_says_that_something_else_was_asked_for_poisons_nobody_who_does_not_say_so() {
    for field in ["x-forwarded-host", "x-original-url", "x-http-method-override", "forwarded"] {
        let bench = reflecting(Rule::new(), field, false);
        for _ in 0..2 {
            assert_eq!(bench.send("GET", "/a", &[(field, "host=evil")]).await.body, "host=evil");
            assert_eq!(bench.get("/a").await.body, "good", "{field}");
        }
        assert_eq!(bench.calls(), 2, "each has an entry");
        assert!(bench.send("GET", "/a", &[(field, "host=evil"), ("x-forwarded-for", "10.0.0.1")]).await.is_hit());
        bench.send("POST", "/a", &[]).await;
        assert!(!bench.send("GET", "/a", &[(field, "host=evil")]).await.is_hit(), "it is one URI");
        let ignoring = reflecting(Rule::new().ignore_proxied(), field, false);
        ignoring.send("GET", "/a", &[(field, "host=evil")]).await;
        assert_eq!(ignoring.get("/a").await.body, "host=evil", "as was said");
    }
}

#[tokio::test]
async fn any_other_field_that_is_reflected_and_not_named_is_put_in_the_key_or_kept_out_by_a_rule() {
    // What a handler reads and does not say nobody else can know: this is what is to be known of it.
    let bench = reflecting(Rule::new(), "x-colour", false);
    bench.send("GET", "/a", &[("x-colour", "evil")]).await;
    assert_eq!(bench.get("/a").await.body, "evil");
    bench.advance(60);
    assert_eq!(bench.get("/a").await.body, "good", "for no longer than it is fresh");

    let field = http::HeaderName::from_static("x-colour");
    let of = |parts: &http::request::Parts| {
        parts.headers.get("x-colour").map_or(String::new(), |colour| format!("{colour:?}"))
    };
    let bypass = CacheLayer::builder().rule(Rule::new().has_header(field).bypass());
    let key = CacheLayer::builder().otherwise(Rule::new().key_with(of));
    for builder in [bypass, key] {
        let bench = Bench::built(builder, |request, _| async move {
            let colour = request.headers().get("x-colour");
            let colour = colour.map_or("good".to_owned(), |colour| colour.to_str().unwrap().to_owned());
            Ok(response(200, &[("cache-control", "max-age=60")], colour))
        });
        for (colour, body) in [("evil", "evil"), ("other", "other")] {
            assert_eq!(bench.send("GET", "/a", &[("x-colour", colour)]).await.body, body);
        }
        assert_eq!(bench.get("/a").await.body, "good");
        assert!(bench.get("/a").await.is_hit());
    }
}

#[tokio::test]
async fn hosts_do_not_share_and_unknown_ones_go_past() {
    let builder = CacheLayer::builder().otherwise(Rule::new().ttl(TTL)).hosts(["a.example"]);
    let bench = Bench::built(builder, |request, _| async move {
        let host = request.headers().get("host").unwrap().to_str().unwrap().to_owned();
        Ok(response(200, &[], host))
    });
    for host in ["a.example", "A.EXAMPLE:80", "evil.example", "evil.example", "a.example:81"] {
        bench.send("GET", "/a", &[("host", host)]).await;
    }
    assert_eq!(bench.calls(), 4, "the second is the first");
    assert_eq!(bench.send("GET", "/a", &[("host", "evil.example")]).await.cache(), "cachekit; fwd=bypass");
}

#[tokio::test]
async fn an_extension_makes_nothing_cacheable() {
    let bench = Bench::always(Rule::new(), 200, &[("content-type", "text/html"), ("etag", "\"x\"")]);
    bench.send("GET", "/account/x.css", &[("cookie", "session=1")]).await;
    let got = bench.get("/account/x.css").await;
    assert_eq!(got.cache(), "cachekit; fwd=uri-miss; stored", "nothing was there, and what is now has to be validated");
    assert_eq!(bench.get("/account/x.css").await.cache(), "cachekit; fwd=stale; stored");
}

#[tokio::test]
async fn ten_thousand_variants_of_one_uri_leave_room_for_others() {
    let builder = CacheLayer::builder().max_bytes(1 << 20);
    let bench = Bench::built(builder, |_, _| async move {
        Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "x")], "y".repeat(1_000)))
    });
    bench.get("/other").await;
    for number in 0..10_000 {
        bench.send("GET", "/a", &[("x", &number.to_string())]).await;
        if number % 50 == 3 {
            assert!(bench.send("GET", "/a", &[("x", "3")]).await.is_hit(), "others use it: {number}");
        }
    }
    assert!(bench.get("/other").await.is_hit());
    assert!(!bench.send("GET", "/a", &[("x", "100")]).await.is_hit());
    let entries = bench.layer.handle().stats().entries;
    assert!(entries < 200, "{entries}");
}

#[tokio::test]
async fn many_fields_to_vary_on_are_no_negotiation() {
    let names: Vec<String> = (0..40).map(|number| format!("x-{number}")).collect();
    let bench = Bench::new(Rule::new(), move |_, _| {
        let vary = names.join(", ");
        async move { Ok(response(200, &[("cache-control", "max-age=60"), ("vary", &vary)], "x")) }
    });
    bench.get("/a").await;
    assert!(!bench.get("/a").await.is_hit());
}

#[tokio::test]
async fn identities_have_entries_of_their_own_and_none_means_none() {
    let rule = Rule::new()
        .ttl(TTL)
        .private(|parts| parts.headers.get("authorization").and_then(|who| who.to_str().ok()).map(str::to_owned));
    let bench = Bench::new(rule, |request, call| async move {
        let who =
            request.headers().get("authorization").map_or("nobody".to_owned(), |who| who.to_str().unwrap().to_owned());
        Ok(response(200, &[("cache-control", "private, max-age=60")], format!("{who} {call}")))
    });
    for (who, body) in [("ada", "ada 1"), ("bob", "bob 2"), ("ada", "ada 1"), ("bob", "bob 2")] {
        assert_eq!(bench.send("GET", "/me", &[("authorization", who)]).await.body, body);
    }
    for body in ["nobody 3", "nobody 4"] {
        assert_eq!(bench.get("/me").await.body, body);
    }
    bench.send("POST", "/me", &[("authorization", "ada")]).await;
    assert_eq!(bench.send("GET", "/me", &[("authorization", "bob")]).await.body, "bob 6", "of every identity");
}

#[tokio::test]
async fn requests_that_are_no_use_of_a_cache_go_past() {
    let bench = Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60")]);
    for (method, fields) in [
        ("GET", &[("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")][..]),
        ("GET", &[("host", "a b")]),
        ("OPTIONS", &[]),
    ] {
        for _ in 0..2 {
            assert!(!bench.send(method, "/a", fields).await.is_hit(), "{method} {fields:?}");
        }
    }
    assert_eq!(bench.calls(), 6);
}

#[tokio::test]
async fn a_body_of_a_get_answers_nobody_else() {
    let bench = Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60")]);
    for fields in [&[("content-length", "4")][..], &[("transfer-encoding", "chunked")]] {
        assert_eq!(bench.send("GET", "/a", fields).await.cache(), "cachekit; fwd=bypass");
    }
    assert_eq!(bench.send("GET", "/a", &[("content-length", "0")]).await.cache(), "cachekit; fwd=uri-miss; stored");
}

#[tokio::test]
async fn an_upgrade_that_the_connection_does_not_name_is_none() {
    let bench = Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60")]);
    bench.get("/a").await;
    assert!(bench.send("GET", "/a", &[("upgrade", "x")]).await.is_hit(), "RFC 9110 §7.8");
}

#[tokio::test]
async fn a_body_of_a_get_that_no_field_announces_answers_nobody_else() {
    // As HTTP/2 brings it: frames of data, and neither a length nor a coding.
    let bench = Bench::new(Rule::new().ttl(TTL), |request, _| async move {
        Ok(response(200, &[], request.into_body().collect().await.unwrap().to_bytes()))
    });
    for method in ["GET", "HEAD"] {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        sender.send("evil").unwrap();
        drop(sender);
        let request = Request::builder().method(method).uri("/a").body(Body::new(Chunks(receiver))).unwrap();
        let sent = bench.begin(request).await.unwrap();
        assert_eq!(sent.headers()["cache-status"], "cachekit; fwd=bypass");
        sent.into_body().collect().await.unwrap();
        settle().await;
    }
    assert_eq!(bench.get("/a").await.body, "");
}

#[tokio::test]
async fn a_head_of_one_client_takes_nothing_away_from_others() {
    // What it refuses to have stored is no news of what is.
    for own in [("cache-control", "no-store"), ("authorization", "ada")] {
        let bench = Bench::new(Rule::new(), |request, call| async move {
            match (request.method().as_str(), request.headers().contains_key("if-none-match")) {
                ("HEAD", _) => Ok(response(200, &[("cache-control", "max-age=10"), ("etag", "\"a\"")], "")),
                (_, true) => Ok(response(304, &[("etag", "\"a\"")], "")),
                _ => Ok(response(200, &[("cache-control", "max-age=10"), ("etag", "\"a\"")], format!("body {call}"))),
            }
        });
        bench.get("/a").await;
        bench.advance(11);
        bench.send("HEAD", "/a", &[own]).await;
        let got = bench.get("/a").await;
        assert_eq!((got.body.as_ref(), got.cache()), (&b"body 1"[..], "cachekit; fwd=stale; fwd-status=304; stored"));
    }
}

#[tokio::test]
async fn cookies_that_do_not_matter_reach_no_handler() {
    let rule = Rule::new().ttl(TTL).ignore_cookies(["_ga", "_ga_*", "consent"]);
    let bench = Bench::new(rule, |request, call| async move {
        let cookies: Vec<_> =
            request.headers().get_all("cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect();
        Ok(response(200, &[], format!("{cookies:?} {call}")))
    });
    let get = async |cookie: &str| bench.send("GET", "/a", &[("cookie", cookie)]).await;
    assert_eq!(get("_ga=1; consent=yes; _ga_X=2").await.body, "[] 1");
    assert!(get("_ga=2;consent").await.is_hit());
    assert!(bench.get("/a").await.is_hit());
    assert_eq!(get("_ga=1; session=ada; _gat=x").await.body, "[\"session=ada; _gat=x\"] 2", "the others do");
    assert!(!get("session=bob; _ga=1").await.is_hit());
    assert!(bench.get("/a").await.is_hit());
}
