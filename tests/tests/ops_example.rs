//! The example `ops`, scraped by a real Prometheus with its token. A process has one recorder, so that it is a test of its own.

use cachekit_tests::{eventually, receivers::PrometheusServer};
use std::net::SocketAddr;

#[path = "../../examples/ops/main.rs"]
#[expect(dead_code, reason = "its own `main` and what that asks")]
mod ops;

#[test]
fn a_real_prometheus_scrapes_the_example() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let app = ops::app().expect("the example").into_make_service_with_connect_info::<SocketAddr>();
    runtime.spawn(async move { axum::serve(listener, app).await });
    eventually("it is under load", || {
        cachekit::registry::find("shop::user").is_some_and(|cache| cache.stats().loads > 10)
    });
    let stranger = PrometheusServer::scraping_at(port, "/caches/metrics", Some("a guess"));
    stranger.answers("up", "\"0\"]");
    drop(stranger);
    let server = PrometheusServer::scraping_at(port, "/caches/metrics", Some(ops::TOKEN));
    server.answers("up", "\"1\"]");
    for cache in ["shop::user", "shop::price", "shop::page", "shop::scan", "shop::rate"] {
        server.answers(&format!("cachekit_loads_total%7Bcache%3D%22{cache}%22%7D%20%3E%200"), cache);
    }
    // It goes on counting, as a rate shows.
    server.answers("rate(cachekit_loads_total%7Bcache%3D%22shop::user%22%7D%5B5s%5D)%20%3E%200", "shop::user");
}
