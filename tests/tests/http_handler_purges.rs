//! What purges the responses of a cached handler, and what its key is made of, by whatever URI it is asked.

use axum::{
    Form, Json, Router,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use cachekit::{cache, invalidate};
use cachekit_tests::responses::{App, Got, ask, ask_with, get as get_of};
use http::Request;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc};

#[cache(http, ttl = "30s", tags = ["purges::user:{id}"])]
async fn user(State(app): State<Arc<App>>, method: http::Method, Path(id): Path<u64>) -> String {
    format!("{method} {id}, run {}", app.run())
}

async fn body(router: &Router, uri: &str) -> String {
    get_of(router, uri).await.body
}

#[tokio::test]
async fn a_purge_of_a_path_reaches_it_whatever_its_host_and_query() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/users/{id}", get(user).post(user)).with_state(app);
    let all = ["/users/7?utm=1", "/users/7", "http://127.0.0.1/users/7", "/users/7?b&a"];
    let purges: [&str; 3] = ["http://a.example/users/7?x", "http://localhost/users/7", "/users/7"];
    let mut run = 0;
    for purged in purges {
        run += 1;
        for uri in all {
            assert_eq!(body(&router, uri).await, format!("GET 7, run {run}"), "{uri} {purged}");
        }
        user::handle().purge_uri(&purged.parse().expect("a URI")).await.expect("it has a path");
    }
    assert!(user::handle().purge_uri(&"a.example:80".parse().expect("a URI")).await.is_err(), "it has none");
    assert!(!get_of(&router, "/users/8").await.is_hit());
    // A request to the same handler that changes something, by whichever of its URIs.
    for uri in all {
        run += 2;
        assert_eq!(body(&router, "/users/7?utm=1").await, format!("GET 7, run {run}"), "{uri}");
        assert_eq!(ask(&router, Request::post(uri)).await.body, format!("POST 7, run {}", run + 1));
        assert!(get_of(&router, "/users/8").await.is_hit(), "another one");
    }
}

#[cache(http, ttl = "30s", stale_while_revalidate = "1m", tags = ["purges::page:{id}"])]
async fn page(State(app): State<Arc<App>>, Path(id): Path<u64>) -> String {
    format!("page {id}, run {}", app.run())
}

#[tokio::test]
async fn its_handle_purges_everything_and_softly() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/pages/{id}", get(page)).with_state(app.clone());
    let runs = || app.runs();
    let (handle, of_seven) = (page::handle(), "/pages/7".parse().expect("a URI"));
    for (purge, is_soft, is_of_both) in
        [("all", false, true), ("soft uri", true, false), ("soft tag", true, false), ("soft all", true, true)]
    {
        for uri in ["/pages/7", "/pages/8"] {
            get_of(&router, uri).await;
        }
        let stored = [body(&router, "/pages/7").await, body(&router, "/pages/8").await];
        let before = runs();
        match purge {
            "all" => handle.purge_all().await,
            "soft uri" => handle.soft_purge_uri(&of_seven).await.expect("it has a path"),
            "soft tag" => handle.soft_purge_tag("purges::page:7").await,
            _ => handle.soft_purge_all().await,
        };
        assert_eq!(runs(), before, "{purge}: nobody has asked yet");
        for ((uri, stored), is_purged) in ["/pages/7", "/pages/8"].iter().zip(stored).zip([true, is_of_both]) {
            let before = runs();
            let got = get_of(&router, uri).await;
            assert_eq!(got.is_hit(), is_soft || !is_purged, "{purge}, {uri}: {got:?}");
            assert_eq!(got.body == stored, is_soft || !is_purged, "{purge}, {uri}: {got:?}");
            // What is given for now is asked for anew meanwhile.
            while is_purged && runs() == before {
                tokio::task::yield_now().await;
            }
            while is_purged && body(&router, uri).await == stored {
                tokio::task::yield_now().await;
            }
            assert_eq!(runs(), before + u64::from(is_purged), "{purge}, {uri}");
        }
    }
}

#[cache(http, ttl = "30s", skip(slug))]
async fn post_of(State(app): State<Arc<App>>, Path((id, slug)): Path<(u64, String)>) -> String {
    format!("{id} {slug}, run {}", app.run())
}

#[tokio::test]
async fn what_several_paths_lead_to_is_purged_by_each_of_them() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/posts/{id}/{slug}", get(post_of)).with_state(app.clone());
    let runs = || app.runs();
    // Whether a path was purged before its first request nobody knows: it asks once.
    for (path, run) in [("/posts/1/a", 1), ("/posts/1/b", 2), ("/posts/1/a", 2), ("/posts/1/b?x", 2)] {
        body(&router, path).await;
        assert_eq!(runs(), run, "{path}");
    }
    for purged in ["/posts/1/a", "/posts/1/b"] {
        post_of::handle().purge_uri(&purged.parse().expect("a URI")).await.expect("it has a path");
        let before = runs();
        for path in ["/posts/1/b", "/posts/1/a", "/posts/1/b"] {
            body(&router, path).await;
        }
        assert_eq!(runs(), before + 1, "both are known now: {purged}");
    }
    // So many that nobody counts them leave those in use alone: each asks the handler, and none of those that are known has to.
    let before = runs();
    for slug in 0..100 {
        body(&router, &format!("/posts/1/{slug}")).await;
        body(&router, "/posts/1/a").await;
        body(&router, "/posts/1/%62").await;
    }
    assert_eq!(runs(), before + 100);
    let before = runs();
    post_of::handle().purge_uri(&"/posts/1/a".parse().expect("a URI")).await.expect("it has a path");
    assert!(body(&router, "/posts/1/99").await.starts_with("1 99") && runs() == before + 1);
    assert!(get_of(&router, "/posts/1/a").await.is_hit());
}

/// Lets a test say when the body of a response ends.
struct Slow {
    app: App,
    go_on: tokio::sync::Semaphore,
}

#[cache(http, ttl = "30s")]
async fn slow(State(slow): State<Arc<Slow>>) -> Body {
    let run = slow.app.run();
    Body::from_stream(futures_util::stream::once(async move {
        slow.go_on.acquire().await.expect("it is not closed").forget();
        Ok::<_, Infallible>(format!("run {run}"))
    }))
}

#[tokio::test]
async fn nobody_joins_what_is_under_way_for_another_path() {
    let state = Arc::new(Slow { app: App::default(), go_on: tokio::sync::Semaphore::new(0) });
    let router = Router::new().route("/a", get(slow)).route("/b", get(slow)).with_state(state.clone());
    let ask_for = |path: &'static str| {
        let router = router.clone();
        tokio::spawn(async move { body(&router, path).await })
    };
    let until_all_wait = async || {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    let first = ask_for("/a");
    until_all_wait().await;
    slow::handle().purge_uri(&"/b".parse().expect("a URI")).await.expect("it has a path");
    // It begins after a purge of its path, which the fill of the other one has not seen.
    let (second, third) = (ask_for("/b"), ask_for("/a?x"));
    until_all_wait().await;
    state.go_on.add_permits(3);
    assert_eq!(first.await.expect("no panic"), "run 1");
    assert_eq!(second.await.expect("no panic"), "run 2");
    assert_eq!(third.await.expect("no panic"), "run 1");
}

#[cache(http, ttl = "30s", tags = ["purges::item:{id}"])]
async fn item(State(app): State<Arc<App>>, Path(id): Path<u64>) -> String {
    format!("item {id}, run {}", app.run())
}

async fn changed_unseen() -> &'static str {
    "changed"
}

#[invalidate(tags = ["purges::item:{id}"])]
async fn changed(Path(id): Path<u64>) -> String {
    format!("changed {id}")
}

#[tokio::test]
async fn another_handler_of_the_uri_says_what_it_invalidates() {
    let app = Arc::new(App::default());
    let of = |other| Router::new().route("/items/{id}", other).with_state(app.clone());
    let (unseen, seen) = (of(get(item).post(changed_unseen)), of(get(item).post(changed)));
    assert_eq!(body(&unseen, "/items/1").await, "item 1, run 1");
    assert_eq!(ask(&unseen, Request::post("/items/1")).await.body, "changed");
    assert_eq!(body(&unseen, "/items/1").await, "item 1, run 1", "the other one knows nothing of a cache");
    assert_eq!(ask(&seen, Request::post("/items/1")).await.body, "changed 1");
    assert_eq!(body(&seen, "/items/1").await, "item 1, run 2");
}

#[derive(Serialize, Deserialize)]
struct Search {
    words: Vec<String>,
}

#[cache(http, ttl = "30s")]
async fn by_json(State(app): State<Arc<App>>, Json(search): Json<Search>) -> Json<(Vec<String>, u64)> {
    Json((search.words, app.run()))
}

#[cache(http, ttl = "30s")]
async fn by_form(State(app): State<Arc<App>>, form: Form<Vec<(String, String)>>) -> String {
    format!("{:?}, run {}", form.0, app.run())
}

#[tokio::test]
async fn bodies_are_keys_by_their_content() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/json", any(by_json)).route("/form", get(by_form)).with_state(app);
    let search = async |text: &'static str| {
        ask_with(&router, Request::get("/json").header("content-type", "application/json"), text).await.body
    };
    assert_eq!(search(r#"{"words":["a","b"]}"#).await, r#"[["a","b"],1]"#);
    assert_eq!(search(r#"{ "words" : ["a","b"], "more": 1 }"#).await, r#"[["a","b"],1]"#, "however it is written");
    assert_eq!(search(r#"{"words":["b","a"]}"#).await, r#"[["b","a"],2]"#);
    assert_eq!(body(&router, "/form?a=1&b=2").await, r#"[("a", "1"), ("b", "2")], run 3"#);
    assert_eq!(body(&router, "/form?a=%31&b=2").await, r#"[("a", "1"), ("b", "2")], run 3"#);
    assert_eq!(body(&router, "/form?b=2&a=1").await, r#"[("b", "2"), ("a", "1")], run 4"#);
}

/// Something that cannot be a part of a key after all.
struct Odd(u64);

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => Err(serde::ser::Error::custom("expected by a test")),
            number => serializer.serialize_u64(number),
        }
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Odd)
    }
}

#[derive(Serialize, Deserialize)]
struct Numbered {
    number: Odd,
}

#[cache(http(client_ttl = "10s", surrogate_keys = ["odd"], vary = "x-y"), ttl = "30s")]
async fn odd(State(app): State<Arc<App>>, Query(Numbered { number }): Query<Numbered>) -> Response {
    let said = [("cachekit-cache-control", "max-age=100"), ("vary", "x")];
    (said, format!("{}, run {}", number.0, app.run())).into_response()
}

#[tokio::test]
async fn what_goes_past_is_told_and_told_apart() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/odd", get(odd)).with_state(app);
    let numbered = async |number| get_of(&router, &format!("/odd?number={number}")).await;
    let fields = |got: &Got| {
        let vary: Vec<_> = got.fields.get_all("vary").iter().cloned().collect();
        let said = ["cache-status", "cache-control", "surrogate-key", "cachekit-cache-control"];
        (vary, said.map(|name| got.field(name).to_owned()))
    };
    for run in 1..=2 {
        let past = numbered(0).await;
        assert_eq!(past.body, format!("0, run {run}"));
        let said = ["cachekit; fwd=bypass", "no-cache", "odd", ""].map(str::to_owned);
        assert_eq!(fields(&past), (vec!["x".parse().expect("a value"), "x-y".parse().expect("a value")], said));
    }
    numbered(1).await;
    let stored = numbered(1).await;
    let said = ["cachekit; hit; ttl=100", "max-age=10", "odd", ""].map(str::to_owned);
    assert_eq!((&*stored.body, fields(&stored).1), ("1, run 3", said));
}
