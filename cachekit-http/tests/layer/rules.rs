//! Which requests and responses rules are for, as clients see it.

use crate::harness::{Bench, request, response};
use cachekit_http::{CacheLayer, Rule};
use http::{HeaderName, StatusCode};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(60);

/// A handler that says what it was asked.
fn bench(rules: impl IntoIterator<Item = Rule>) -> Bench {
    let builder = rules.into_iter().fold(CacheLayer::builder(), |builder, rule| builder.rule(rule));
    Bench::built(builder, |request, call| async move {
        let field = |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let status = request.uri().path().trim_start_matches('/').parse().unwrap_or(200);
        Ok(response(status, &[], format!("{call} {}", field("x-tenant"))))
    })
}

async fn is_stored(bench: &Bench, uri: &str) -> bool {
    bench.get(uri).await;
    bench.get(uri).await.is_hit()
}

#[tokio::test]
async fn a_rule_is_for_its_host_however_that_is_written() {
    for host in ["a.example", "A.Example", "a.example:80"] {
        let bench = bench([Rule::new().host(host).ttl(TTL)]);
        for (uri, expected) in [
            ("http://a.example/x", true),
            ("http://A.example:80/x", true),
            ("http://a.example:8080/x", false),
            ("http://b.example/x", false),
        ] {
            assert_eq!(is_stored(&bench, uri).await, expected, "{host} {uri}");
        }
    }
    let by_https = CacheLayer::builder().scheme("https").hosts(["a.example:443"]).otherwise(Rule::new().ttl(TTL));
    let bench = Bench::built(by_https, |_, call| async move { Ok(response(200, &[], format!("{call}"))) });
    assert!(is_stored(&bench, "https://a.example/x").await && !is_stored(&bench, "https://b.example/x").await);
}

#[tokio::test]
async fn what_no_condition_can_be_read_of_stores_nothing() {
    // The one thing that such a rule must not do is to let through what it was to keep out.
    for bypass in [Rule::new().path("account/{*rest}"), Rule::new().path("/{a}-{b}"), Rule::new().host("a b")] {
        let bench = bench([bypass.bypass(), Rule::new().ttl(TTL)]);
        assert!(!is_stored(&bench, "/account/1").await);
    }
    for stores in [Rule::new().path("x"), Rule::new().host("a b")] {
        assert!(!is_stored(&bench([stores.ttl(TTL)]), "/x").await);
    }
    let served = CacheLayer::builder().hosts(["a b"]).otherwise(Rule::new().ttl(TTL));
    let bench = Bench::built(served, |_, call| async move { Ok(response(200, &[], format!("{call}"))) });
    assert!(!is_stored(&bench, "/x").await, "one host that is none is not every host");
}

#[tokio::test]
async fn a_rule_stores_its_statuses_alone() {
    let ttl_for = [200, 404, 410].map(|status| StatusCode::from_u16(status).unwrap());
    let rule = Rule::new().statuses([StatusCode::NOT_FOUND]).ttl(TTL).ttl_for(ttl_for);
    let bench = bench([rule]);
    for (uri, expected) in [("/404", true), ("/410", false), ("/200", false)] {
        assert_eq!(is_stored(&bench, uri).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn fields_of_the_key_tell_entries_apart_and_not_purges() {
    let bench = bench([Rule::new().ttl(TTL).key_headers([HeaderName::from_static("x-tenant")])]);
    let of = async |tenant: &str| bench.send("GET", "/x", &[("x-tenant", tenant)]).await;
    for (tenant, expected) in [("a", "1 a"), ("b", "2 b"), ("a", "1 a"), ("b\",\"", "3 b\",\""), ("b", "2 b")] {
        assert_eq!(of(tenant).await.body, expected, "{tenant}");
    }
    assert_eq!(bench.get("/x").await.body, "4 ");
    assert_eq!(bench.send("GET", "/x", &[("x-tenant", "")]).await.body, "5 ", "one that is empty is there");
    bench.layer.handle().purge_uri(&"http://localhost/x".parse().unwrap()).await.unwrap();
    assert_eq!((of("a").await.body, of("b").await.body), ("6 a".into(), "7 b".into()));
}

#[tokio::test]
async fn a_language_that_is_preferred_answers_whatever_else_is_accepted() {
    let speaks = |rule: Rule| {
        Bench::new(rule.ttl(TTL), |request, call| async move {
            let accepted = request.headers()["accept-language"].to_str().unwrap().to_owned();
            let language = if accepted.starts_with("de") { "de" } else { "en" };
            let fields = [("vary", "accept-language"), ("content-language", language)];
            Ok(response(200, &fields, format!("{language} {call}")))
        })
    };
    let (plain, selecting) = (speaks(Rule::new()), speaks(Rule::new().select_language()));
    for (bench, third) in [(&plain, "de 3"), (&selecting, "de 1")] {
        for (accepted, expected) in [("de, fr;q=0.5", "de 1"), ("en", "en 2"), ("de, it;q=0.7, en;q=0.1", third)] {
            let got = bench.send("GET", "/x", &[("accept-language", accepted)]).await;
            assert_eq!(got.body, expected, "{accepted}");
        }
    }
}

#[tokio::test]
async fn connect_is_not_touched_and_touches_nothing() {
    let bench = bench([Rule::new().ttl(TTL)]);
    assert!(is_stored(&bench, "http://a.example/").await);
    // In the form of a client, and in one that names what is stored.
    for uri in ["a.example:80", "http://a.example/"] {
        let passed = bench.begin(request("CONNECT", uri, &[("x-tenant", "t")])).await.unwrap();
        assert_eq!(passed.headers()["cache-status"], "cachekit; fwd=bypass");
        let body = http_body_util::BodyExt::collect(passed.into_body()).await.unwrap().to_bytes();
        assert!(body.ends_with(b" t"), "the handler's own answer");
        assert!(bench.get("http://a.example/").await.is_hit(), "the entry stays: {uri}");
    }
}
