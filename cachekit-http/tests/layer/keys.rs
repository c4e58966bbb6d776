//! What belongs to the key: nobody gets what was made for another request.

use crate::harness::{Bench, request, response};
use axum::body::Body;
use cachekit_http::{CacheLayer, Rule, policy::vary::Normaliser};
use http::{HeaderName, Request, Response, Uri, header};
use std::time::Duration;
use tower::{BoxError, Layer, Service, service_fn};

const TTL: Duration = Duration::from_secs(60);

async fn host(request: Request<Body>, _: usize) -> Result<Response<Body>, BoxError> {
    Ok(response(200, &[], request.headers()["host"].to_str().unwrap().to_owned()))
}

async fn query(request: Request<Body>, _: usize) -> Result<Response<Body>, BoxError> {
    Ok(response(200, &[], request.uri().query().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn what_follows_a_host_is_a_port_or_the_request_goes_past() {
    let builder = CacheLayer::builder().otherwise(Rule::new().ttl(TTL)).hosts(["good.example"]);
    let bench = Bench::built(builder, host);
    for evil in ["good.example:evil", "good.example:99999", "good.example:+80", "good.example:"] {
        let got = bench.send("GET", "/a", &[("host", evil)]).await;
        assert_eq!(got.cache(), "cachekit; fwd=bypass", "{evil}");
    }
    assert_eq!(bench.send("GET", "/a", &[("host", "good.example")]).await.body, "good.example");
}

#[tokio::test]
async fn a_parameter_is_the_same_however_its_name_is_written() {
    let bench = Bench::new(Rule::new().ttl(TTL).only_query(["page"]), query);
    assert_eq!(bench.get("/a?%70age=evil").await.body, "%70age=evil");
    assert_eq!(bench.get("/a").await.body, "", "the handler has read it, so it is in the key");
    for rule in [Rule::new().sort_query(), Rule::new().without_query(["utm"])] {
        let bench = Bench::new(rule.ttl(TTL), query);
        bench.get("/a?a=1&%61=2").await;
        assert_eq!(bench.get("/a?%61=2&a=1").await.body, "%61=2&a=1", "of one name, the order is seen");
    }
    let bench = Bench::new(Rule::new().ttl(TTL).without_query(["utm source"]), query);
    bench.get("/a").await;
    assert!(bench.get("/a?utm+source=1&%75tm%20source=2").await.is_hit());
}

#[tokio::test]
async fn requests_under_different_rules_do_not_share() {
    let name = HeaderName::from_static("x-internal");
    let rules = [
        Rule::new().has_header(name.clone()),
        Rule::new().header(name.clone(), "1".parse().unwrap()),
        Rule::new().request_if(|parts| parts.headers.contains_key("x-internal")),
    ];
    for rule in rules {
        for before in [None, Some(Rule::new().content_type("text/html").ttl(TTL))] {
            let builder = before.into_iter().fold(CacheLayer::builder(), |builder, rule| builder.rule(rule));
            let bench = Bench::built(builder.rule(rule.clone().ttl(TTL)), |request, _| async move {
                let is_internal = request.headers().contains_key("x-internal");
                Ok(response(200, &[], if is_internal { "internal" } else { "public" }))
            });
            assert_eq!(bench.send("GET", "/a", &[("x-internal", "1")]).await.body, "internal");
            assert_eq!(bench.get("/a").await.body, "public");
            assert!(bench.send("GET", "/a", &[("x-internal", "1")]).await.is_hit());
        }
    }
}

#[tokio::test]
async fn a_rule_gives_the_key_parts_of_its_own() {
    let rule = Rule::new().ttl(TTL).key_with(|parts| parts.extensions.get::<&str>().copied().unwrap_or("").to_owned());
    let bench = Bench::new(rule, |request, _| async move {
        let tenant = request.extensions().get::<&str>().copied().unwrap_or("nobody");
        Ok(response(200, &[], tenant))
    });
    for tenant in ["one", "two", "one"] {
        let mut asked = request("GET", "/a", &[]);
        asked.extensions_mut().insert(tenant);
        let body = http_body_util::BodyExt::collect(bench.begin(asked).await.unwrap().into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), tenant);
        crate::harness::settle().await;
    }
    assert_eq!((bench.get("/a").await.body.as_ref(), bench.calls()), (&b"nobody"[..], 3));
    let all = Uri::from_static("http://localhost/a");
    bench.layer.handle().purge_uri(&all).await.unwrap();
    assert!(!bench.get("/a").await.is_hit(), "a purge is of all of them");
}

tokio::task_local! {
    static TENANT: &'static str;
}

/// As a layer does that is written by hand: the call is made, and its future awaited in the scope.
#[tokio::test]
async fn the_code_of_a_rule_runs_where_the_answer_is_awaited() {
    let rule = Rule::new().ttl(TTL).key_with(|_| TENANT.try_with(|tenant| (*tenant).to_owned()).unwrap_or_default());
    let inner = service_fn(|request: Request<Body>| async move {
        Ok::<_, BoxError>(response(200, &[], request.headers()["x-tenant"].to_str().unwrap().to_owned()))
    });
    let mut service = CacheLayer::builder().otherwise(rule).build().layer(inner);
    for tenant in ["one", "two", "one", "two"] {
        let got = TENANT.scope(tenant, service.call(request("GET", "/a", &[("x-tenant", tenant)]))).await.unwrap();
        let body = http_body_util::BodyExt::collect(got.into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), tenant);
        crate::harness::settle().await;
    }
}

#[tokio::test]
async fn parameters_of_a_preference_belong_to_it() {
    let rule = Rule::new().normalise(header::ACCEPT, Normaliser::Preferences);
    let bench = Bench::new(rule, |request, _| async move {
        let accept = request.headers()["accept"].to_str().unwrap().to_owned();
        Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "accept")], accept))
    });
    bench.send("GET", "/a", &[("accept", "application/json;version=1")]).await;
    let other = bench.send("GET", "/a", &[("accept", "application/json;version=2")]).await;
    assert_eq!(other.body, "application/json;version=2");
    assert!(bench.send("GET", "/a", &[("accept", "application/JSON; version=1 ;q=1.0")]).await.is_hit());
}

#[tokio::test]
async fn encodings_select_what_the_handler_chooses_by() {
    // It offers these, in this order.
    let offered = ["br", "gzip"];
    let bench = |rule: Rule| {
        Bench::new(rule, move |request, call| async move {
            let accepted = request.headers().get("accept-encoding").map_or("", |value| value.to_str().unwrap());
            let is_accepted = |name: &&str| {
                accepted.split(',').any(|one| one.trim().split(';').next() == Some(name) && !one.contains("q=0"))
            };
            let encoding = offered.into_iter().find(|name| is_accepted(name)).unwrap_or("identity");
            let fields = [("cache-control", "max-age=60"), ("vary", "accept-encoding"), ("x-call", &*call.to_string())];
            Ok(response(200, &fields, encoding))
        })
    };
    let first_of = Normaliser::FirstOf(offered.map(str::to_owned).to_vec());
    let (plain, normalised) = (bench(Rule::new()), bench(Rule::new().normalise(header::ACCEPT_ENCODING, first_of)));
    for (accepted, encoding, by_default, by_choice) in [
        ("gzip, deflate, br", "br", "1", "1"),
        // By default the order of what is liked the same and how it is written do not matter, and nothing else is known.
        ("br,deflate, GZIP;q=1.0", "br", "1", "1"),
        ("br", "br", "2", "1"),
        ("gzip, deflate", "gzip", "3", "2"),
        ("gzip, br;q=0", "gzip", "4", "2"),
        ("deflate", "identity", "5", "3"),
        ("zstd", "identity", "6", "3"),
        ("br, zstd", "br", "7", "1"),
    ] {
        for (bench, call) in [(&plain, by_default), (&normalised, by_choice)] {
            let got = bench.send("GET", "/a", &[("accept-encoding", accepted)]).await;
            assert_eq!((got.body.as_ref(), got.field("x-call")), (encoding.as_bytes(), call), "{accepted}");
        }
    }
    // One that is empty is not one that is absent, and either takes nothing that is encoded.
    for (fields, call) in [(&[("accept-encoding", "")][..], "3"), (&[], "4")] {
        let got = normalised.send("GET", "/a", fields).await;
        assert_eq!((got.body.as_ref(), got.field("x-call")), (&b"identity"[..], call), "{fields:?}");
    }
}

#[tokio::test]
async fn a_bypass_for_some_responses_is_for_these() {
    let builder =
        CacheLayer::builder().rule(Rule::new().content_type("text/html").bypass()).otherwise(Rule::new().ttl(TTL));
    let bench = Bench::built(builder, |request, _| async move {
        let kind = if request.uri().path() == "/html" { "text/html" } else { "application/json" };
        Ok(response(200, &[("content-type", kind)], "{}"))
    });
    for (uri, is_hit) in [("/json", true), ("/html", false)] {
        bench.get(uri).await;
        assert_eq!(bench.get(uri).await.is_hit(), is_hit, "{uri}");
    }
}

#[tokio::test]
async fn the_scheme_is_the_one_of_the_layer() {
    let bench = Bench::always(Rule::new().ttl(TTL), 200, &[]);
    // HTTP/2 over TLS has it in the request, HTTP/1.1 on the same port has not.
    bench.get("https://a.example/x").await;
    bench.get("https://a.example:443/y").await;
    assert!(bench.send("GET", "/x", &[("host", "a.example")]).await.is_hit());
    assert!(bench.send("GET", "/y", &[("host", "a.example")]).await.is_hit());
    bench.send("POST", "/x", &[("host", "a.example")]).await;
    assert!(!bench.get("https://a.example/x").await.is_hit());
    assert_eq!(bench.get("ftp://a.example/x").await.cache(), "cachekit; fwd=bypass", "nobody's page is made for that");
}

#[tokio::test]
async fn locations_are_of_the_same_origin_however_they_are_written() {
    for location in ["https://a.example/new", "http://A.example:80/new", "//a.example/new", "https://a.example:443/new"]
    {
        for (name, is_one) in [("location", true), ("content-location", true), ("x-location", false)] {
            let bench = Bench::new(Rule::new().ttl(TTL), move |request, _| async move {
                let fields = [(name, location)];
                Ok(response(200, if request.method() == "POST" { &fields } else { &[] }, "x"))
            });
            bench.get("http://a.example/new").await;
            bench.send("POST", "/", &[("host", "a.example")]).await;
            assert_eq!(bench.get("http://a.example/new").await.is_hit(), !is_one, "{name}: {location}");
        }
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_uri_that_was_rewritten_is_in_the_key_too() {
    use axum::extract::OriginalUri;

    let bench = Bench::new(Rule::new().ttl(TTL), |request, _| async move {
        Ok(response(200, &[], request.uri().path().to_owned()))
    });
    let get = async |rewritten: &str| {
        let mut asked = request("GET", rewritten, &[]);
        asked.extensions_mut().insert(OriginalUri(Uri::from_static("/page")));
        let got = bench.begin(asked).await.unwrap().into_body();
        let body = http_body_util::BodyExt::collect(got).await.unwrap().to_bytes();
        crate::harness::settle().await;
        body
    };
    for path in ["/de/page", "/en/page", "/de/page", "/en/page"] {
        assert_eq!(get(path).await, path);
    }
    assert_eq!(bench.calls(), 2);
    bench.layer.handle().purge_uri(&Uri::from_static("http://localhost/page")).await.unwrap();
    get("/de/page").await;
    assert_eq!(bench.calls(), 3, "purged by the URI that clients write");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn closures_of_rules_get_the_uri_that_paths_are_compared_with() {
    use axum::{Router, extract::Path, routing::get};
    use tower::ServiceExt;

    let rule = Rule::new()
        .path("/outer/{id}")
        .request_if(|parts| parts.uri.path().starts_with("/outer/"))
        .ttl(TTL)
        .tags(|parts| vec![format!("closure:{}", parts.uri.path())]);
    let cache = CacheLayer::builder().rule(rule).build();
    let inner = Router::new().route("/{id}", get(async |Path(id): Path<String>| id)).layer(cache);
    let app = Router::new().nest("/outer", inner);
    let status = async || {
        let response = app.clone().oneshot(request("GET", "/outer/7", &[])).await.unwrap();
        let status = response.headers()["cache-status"].to_str().unwrap().to_owned();
        assert_eq!(http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes(), "7");
        crate::harness::settle().await;
        status
    };
    status().await;
    assert_eq!(status().await, "cachekit; hit; ttl=60");
    cachekit_runtime::invalidate_tag("closure:/outer/7");
    assert_eq!(status().await, "cachekit; fwd=uri-miss; stored");
}
