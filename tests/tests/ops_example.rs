//! The example `ops`, scraped by a real Prometheus with its token, and looked at in a real browser. A process has one recorder, so that it is a test of its own.

use cachekit_tests::{browser::Browser, eventually, receivers::PrometheusServer};
use std::{net::SocketAddr, path::Path};

#[path = "../../examples/ops/main.rs"]
#[expect(dead_code, reason = "its own `main` and what that asks")]
mod ops;

/// What the example calls.
const CACHES: [&str; 5] = ["shop::user", "shop::price", "shop::page", "shop::scan", "shop::rate"];

#[test]
fn the_example_is_scraped_by_a_real_prometheus_and_shown_by_a_real_browser() {
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
    for cache in CACHES {
        server.answers(&format!("cachekit_loads_total%7Bcache%3D%22{cache}%22%7D%20%3E%200"), cache);
    }
    // It goes on counting, as a rate shows.
    server.answers("rate(cachekit_loads_total%7Bcache%3D%22shop::user%22%7D%5B5s%5D)%20%3E%200", "shop::user");
    shown(&Browser::open(), port);
}

/// The page of the example. With `CACHEKIT_TEST_PICTURES` it leaves the picture of the README, `admin-caches.png`, in that folder.
fn shown(browser: &Browser, port: u16) {
    browser.go(&format!("http://127.0.0.1:{port}/caches"));
    browser.until("!document.getElementById('sign').hidden");
    browser.write("#token", ops::TOKEN);
    browser.click("#sign button");
    browser.until("document.getElementById('live').textContent === 'live'");
    // The library of the tests has cached functions too.
    browser.write("#filter", "shop::");
    browser.until(&format!("document.querySelectorAll('#caches tbody tr').length === {}", CACHES.len()));
    let shown = browser.text("#caches");
    assert!(CACHES.iter().all(|cache| shown.contains(cache)), "{shown}");
    // All of them are called, as the curves of the last minutes show.
    browser.until("[...document.querySelectorAll('#caches tbody tr')].every(row => [...row.querySelectorAll('svg.spark path')].some(path => path.getAttribute('d').includes('L')))");
    if let Some(folder) = std::env::var_os("CACHEKIT_TEST_PICTURES") {
        browser.until("past.get('shop::user').length > 40");
        browser.screenshot(&Path::new(&folder).join("admin-caches.png"));
    }
}
