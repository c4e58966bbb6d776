//! Caches of responses with rules from `cachekit.toml`.

use bytes::Bytes;
use cachekit::http::{CacheBody, CacheLayer, CacheLayerBuilder};
use cachekit_tests::{
    child,
    responses::{ask, get},
};
use http::{Request, Response};
use http_body_util::Full;
use std::{convert::Infallible, fs};
use tower::{Layer, Service, service_fn};

const RULES: &str = "
    [[http.pages.rules]]
    path = '/account/{*rest}'
    bypass = true
    [[http.pages.rules]]
    path = '/users/{id}'
    ttl = '30s'
    tags = ['configured:{id}']
    key_headers = ['x-tenant']
    without_query = ['utm_source']
    [[http.pages.rules]]
    path = '/spoken'
    ttl = '30s'
    normalise = { accept-language = ['de', 'en'] }";

fn pages() -> CacheLayerBuilder {
    CacheLayer::builder().name("pages")
}

fn app(
    builder: CacheLayerBuilder,
) -> impl Service<Request<Full<Bytes>>, Response = Response<CacheBody>, Error = Infallible> + Clone {
    builder.build().layer(service_fn(async |_: Request<Full<Bytes>>| {
        Ok(Response::builder()
            .header("vary", "accept-language")
            .body(Full::new(Bytes::from_static(b"page")))
            .expect("it is one"))
    }))
}

/// In a child whose `CACHEKIT_CONFIG` names a file with this text.
fn is_child(test: &str, text: &str) -> bool {
    let is_child = child::role().is_some();
    if !is_child {
        child::run_configured(test, "child", Some("[http"), |command, folder| {
            fs::write(folder.join("other.toml"), text).expect("the file");
            command.env("CACHEKIT_CONFIG", folder.join("other.toml"));
        });
    }
    is_child
}

#[tokio::test]
async fn the_rules_of_the_file_hold() {
    if !is_child("the_rules_of_the_file_hold", RULES) {
        return;
    }
    let app = app(pages().configured().expect("the file is good"));
    let is_hit = async |uri: &str, fields: &[(&str, &str)]| {
        let request = fields.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        ask(&app, request).await.is_hit()
    };
    assert!(!is_hit("/users/7", &[]).await && is_hit("/users/7?utm_source=x", &[]).await);
    assert!(!is_hit("/users/7", &[("x-tenant", "a")]).await, "another key");
    cachekit::invalidate_tag("configured:8");
    assert!(is_hit("/users/7", &[]).await);
    cachekit::invalidate_tag("configured:7");
    assert!(!is_hit("/users/7", &[]).await && !is_hit("/users/7", &[("x-tenant", "a")]).await);
    for uri in ["/account/1", "/elsewhere"] {
        assert!(!is_hit(uri, &[]).await && !is_hit(uri, &[]).await, "{uri}");
    }
    assert_eq!(get(&app, "/account/1").await.field("cache-status"), "cachekit; fwd=bypass");
    let speaks = |language| [("accept-language", language)];
    assert!(!is_hit("/spoken", &speaks("DE-ch, de;q=0.9")).await && is_hit("/spoken", &speaks("fr, de;q=0.1")).await);
    assert!(!is_hit("/spoken", &speaks("en")).await);
}

#[tokio::test]
async fn a_mistake_is_no_rule_less() {
    let text = format!("{RULES}\n[[http.pages.rules]]\npath = 'account'\nbypass = true");
    if !is_child("a_mistake_is_no_rule_less", &text) {
        return;
    }
    let mistake = pages().configured().expect_err("the path is none").to_string();
    assert!(mistake.contains("other.toml") && mistake.contains("`account` is no pattern"), "{mistake}");
    let misspelt = CacheLayer::builder().name("page").configured().expect_err("it stops at the path").to_string();
    assert!(misspelt.contains("`account` is no pattern"), "{misspelt}");
}

#[tokio::test]
async fn a_name_that_is_nearly_the_one_of_the_cache_is_a_mistake() {
    if !is_child("a_name_that_is_nearly_the_one_of_the_cache_is_a_mistake", &RULES.replace("pages", "pagez")) {
        return;
    }
    let mistake = pages().configured().expect_err("nothing is for it").to_string();
    assert!(mistake.contains("`[http.pagez]`") && mistake.contains("write `[http.pages]`"), "{mistake}");
    let other = CacheLayer::builder().name("articles").configured().expect("it has no rules, and needs none");
    assert!(!get(&app(other), "/users/7").await.is_hit());
}
