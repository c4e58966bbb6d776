//! `#[cache(http(…))]`: handlers of Axum whose responses are cached.

use axum::{
    Json, Router,
    body::Body,
    extract::{FromRequestParts, Path, Query, State},
    response::{Html, IntoResponse, Response, Sse, sse::Event},
    routing::get,
};
use cachekit::{cache, invalidate_tag};
use cachekit_tests::responses::{App, ask, get as get_of};
use http::{HeaderMap, Request, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc};

#[derive(Serialize)]
struct User {
    id: u64,
    run: u64,
}

#[derive(Debug)]
struct Missing;

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, "nobody").into_response()
    }
}

mod users {
    use super::*;

    /// A user.
    #[cache(http(surrogate_keys = ["user-{id}"]), ttl = "30s", tags = ["handlers::user:{id}"])]
    pub(super) async fn user(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Result<impl IntoResponse, Missing> {
        if id == 0 {
            app.run();
            return Err(Missing);
        }
        Ok(Json(User { id, run: app.run() }))
    }
}

fn users() -> (Arc<App>, Router) {
    let app = Arc::new(App::default());
    (app.clone(), Router::new().route("/users/{id}", get(users::user).post(async || "changed")).with_state(app))
}

#[tokio::test]
async fn a_response_is_made_once_with_all_that_caches_need() {
    let (app, router) = users();
    let first = get_of(&router, "/users/7").await;
    assert_eq!((first.status, &*first.body), (StatusCode::OK, r#"{"id":7,"run":1}"#));
    assert_eq!(first.field("cache-status"), "cachekit; fwd=uri-miss; stored");
    let again = get_of(&router, "/users/7").await;
    assert_eq!((&again.body, again.field("content-type")), (&first.body, "application/json"));
    assert!(again.field("cache-status").starts_with("cachekit; hit; ttl="), "{again:?}");
    assert_eq!((again.field("age"), again.field("surrogate-key")), ("0", "user-7"));
    assert_eq!((again.field("cache-control"), first.field("cache-control")), ("no-cache", "no-cache"));
    assert_eq!((again.field("etag"), again.field("etag").len()), (first.field("etag"), 36));
    let other = get_of(&router, "/users/8").await;
    assert!(other.body.contains(r#""run":2"#) && other.field("etag") != first.field("etag"), "{other:?}");
    // Whoever has it already gets no body.
    let known = ask(&router, Request::get("/users/7").header("if-none-match", first.field("etag"))).await;
    assert_eq!((known.status, &*known.body), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.field("cache-control"), "no-cache");
    let part = ask(&router, Request::get("/users/7").header("range", "bytes=1-4")).await;
    assert_eq!((part.status, &*part.body), (StatusCode::PARTIAL_CONTENT, "\"id\""));
    assert_eq!(app.runs(), 2);
    assert_eq!(users::user::handle().stats().entries, 2);
}

#[tokio::test]
async fn errors_and_rejections_are_not_stored() {
    let (app, router) = users();
    for run in 1..=2 {
        let missing = get_of(&router, "/users/0").await;
        assert_eq!((missing.status, app.runs(), missing.is_hit()), (StatusCode::NOT_FOUND, run, false));
        assert!(missing.fields.get("cachekit-cache-control").is_none(), "{missing:?}");
        let rejected = get_of(&router, "/users/ada").await;
        assert_eq!((rejected.status, app.runs()), (StatusCode::BAD_REQUEST, run));
    }
}

#[tokio::test]
async fn an_invalidation_reaches_it_by_tag_and_by_uri() {
    let (app, router) = users();
    let run = async |router: &Router| get_of(router, "http://a.example/users/21").await.body;
    assert_eq!(
        (run(&router).await, run(&router).await),
        (r#"{"id":21,"run":1}"#.into(), r#"{"id":21,"run":1}"#.into())
    );
    invalidate_tag("handlers::user:21");
    assert_eq!(run(&router).await, r#"{"id":21,"run":2}"#);
    let uri = "http://a.example/users/21".parse().expect("a URI");
    users::user::handle().purge_uri(&uri).await.expect("it is absolute");
    assert_eq!(run(&router).await, r#"{"id":21,"run":3}"#);
    users::user::handle().purge_tag("handlers::user:21").await;
    assert_eq!(run(&router).await, r#"{"id":21,"run":4}"#);
    assert_eq!(app.runs(), 4);
}

#[tokio::test]
async fn two_routers_over_one_handler_share_nothing_unasked() {
    let ((one, one_router), (other, other_router)) = (users(), users());
    assert!(get_of(&one_router, "/users/31").await.body.contains(r#""run":1"#));
    assert!(get_of(&other_router, "/users/31").await.body.contains(r#""run":1"#));
    assert!(get_of(&one_router, "/users/31").await.is_hit());
    assert_eq!((one.runs(), other.runs()), (1, 1));
    // A state that is gone gives its place to none that comes later.
    drop((one, one_router));
    for run in 0..50 {
        let (app, router) = users();
        let got = get_of(&router, "/users/31").await;
        assert!(!got.is_hit() && app.runs() == 1, "{run}: {got:?}");
    }
}

#[derive(Clone)]
struct Tenant {
    name: String,
    app: Arc<App>,
}

#[cache(http, ttl = "30s", scope = tenant.name)]
async fn by_name(State(tenant): State<Tenant>) -> String {
    format!("{} {}", tenant.name, tenant.app.run())
}

#[cache(http, ttl = "30s", skip(tenant))]
async fn shared(State(tenant): State<Tenant>) -> String {
    format!("{} {}", tenant.name, tenant.app.run())
}

#[tokio::test]
async fn operators_see_which_responses_there_are() {
    use cachekit::registry::{self, Values};
    #[cache(http, ttl = "30s", name = "handlers::operated")]
    async fn operated(Path(id): Path<u64>) -> String {
        format!("page {id}")
    }
    let app = Router::new().route("/operated/{id}", get(operated));
    assert_eq!(get_of(&app, "/operated/7").await.body, "page 7");
    let stored = || {
        let cache = registry::find("handlers::operated").expect("it was called");
        cache.entries(None, 10, Values::Hidden).entries
    };
    while stored().is_empty() {
        tokio::task::yield_now().await;
    }
    let entries = stored();
    assert_eq!((entries.len(), entries[0].about.as_deref(), &entries[0].value), (1, Some("200, 6 bytes"), &None));
    assert!(entries[0].key.contains('7'), "{}", entries[0].key);
}

#[tokio::test]
async fn a_state_says_what_tells_it_apart() {
    let app = Arc::new(App::default());
    let router = |name: &str| {
        let tenant = Tenant { name: name.to_owned(), app: app.clone() };
        Router::new().route("/name", get(by_name)).route("/shared", get(shared)).with_state(tenant)
    };
    let (ada, bob, ada_too) = (router("ada"), router("bob"), router("ada"));
    assert_eq!(get_of(&ada, "/name").await.body, "ada 1");
    assert_eq!(get_of(&bob, "/name").await.body, "bob 2");
    assert_eq!(get_of(&ada_too, "/name").await.body, "ada 1");
    assert_eq!(get_of(&ada, "/shared").await.body, "ada 3");
    assert_eq!(get_of(&bob, "/shared").await.body, "ada 3", "as was asked for");
}

#[derive(Deserialize, Serialize)]
struct Page {
    page: u32,
    #[serde(default)]
    size: u32,
}

#[cache(http, ttl = "30s")]
async fn bound(State(app): State<Arc<App>>, Query(Page { page, .. }): Query<Page>) -> String {
    format!("page {page}, run {}", app.run())
}

#[cache(http, ttl = "30s")]
async fn whole(State(app): State<Arc<App>>, query: Query<Page>, id: Option<Path<u64>>) -> String {
    format!("page {} of {} for {:?}, run {}", query.page, query.size, id.map(|id| *id), app.run())
}

#[cache(http, ttl = "30s", key = "{page:02}", skip(headers))]
async fn written(State(app): State<Arc<App>>, headers: HeaderMap, Query(Page { page, size }): Query<Page>) -> String {
    format!("page {page} of {size} for {}, run {}", headers.len(), app.run())
}

#[tokio::test]
async fn the_key_is_what_the_handler_takes() {
    let app = Arc::new(App::default());
    let router = Router::new()
        .route("/bound", get(bound))
        .route("/whole", get(whole))
        .route("/whole/{id}", get(whole))
        .route("/written", get(written))
        .with_state(app.clone());
    let body = async |uri: &str| get_of(&router, uri).await.body;
    assert_eq!(body("/bound?page=1&size=5").await, "page 1, run 1");
    assert_eq!(body("/bound?size=6&page=1&utm=x").await, "page 1, run 1", "what it does not take is no part of it");
    assert_eq!(body("/bound?page=2").await, "page 2, run 2");
    assert_eq!(body("/whole?page=1&size=5").await, "page 1 of 5 for None, run 3");
    assert_eq!(body("/whole?page=1&size=6").await, "page 1 of 6 for None, run 4");
    assert_eq!(body("/whole/3?size=5&page=1").await, "page 1 of 5 for Some(3), run 5");
    assert_eq!(body("/whole/3?page=1&size=5").await, "page 1 of 5 for Some(3), run 5");
    assert_eq!(body("/written?page=1&size=1").await, "page 1 of 1 for 0, run 6");
    assert_eq!(body("/written?page=1&size=2").await, "page 1 of 1 for 0, run 6");
}

/// Tells who asks, if somebody says so.
struct Caller(Option<String>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Caller(parts.headers.get("x-user").and_then(|user| user.to_str().ok()).map(str::to_owned)))
    }
}

#[cache(http(private = caller, client_ttl = "10s"), ttl = "30s")]
async fn mine(State(app): State<Arc<App>>, Caller(caller): Caller, Path(id): Path<u64>) -> String {
    format!("{id} of {caller:?}, run {}", app.run())
}

#[tokio::test]
async fn what_is_private_is_for_one_and_who_is_nobody_gets_nothing_stored() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/mine/{id}", get(mine)).with_state(app);
    let of = async |user: &str| ask(&router, Request::get("/mine/1").header("x-user", user)).await;
    let ada = of("ada").await;
    assert_eq!((&*ada.body, ada.field("cache-control")), (r#"1 of Some("ada"), run 1"#, "private, max-age=10"));
    assert_eq!(of("bob").await.body, r#"1 of Some("bob"), run 2"#);
    assert_eq!((of("ada").await.body, of("bob").await.is_hit()), (ada.body, true));
    for run in 3..=4 {
        let nobody = get_of(&router, "/mine/1").await;
        assert_eq!(nobody.body, format!("1 of None, run {run}"));
        assert_eq!(nobody.field("cache-status"), "cachekit; fwd=bypass");
    }
}

#[cache(http(vary = "accept-language", etag = false, cache_control = "public, max-age=60"), ttl = "30s", bypass_if = *draft, skip(headers))]
async fn spoken(State(app): State<Arc<App>>, headers: HeaderMap, Path(draft): Path<bool>) -> Html<String> {
    let language = headers.get("accept-language").and_then(|value| value.to_str().ok()).unwrap_or("none");
    Html(format!("{language} {draft} {}", app.run()))
}

#[tokio::test]
async fn fields_of_requests_select_a_variant() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/spoken/{draft}", get(spoken)).with_state(app);
    let of = async |language: &str, draft: &str| {
        ask(&router, Request::get(format!("/spoken/{draft}")).header("accept-language", language)).await
    };
    let german = of("de", "false").await;
    assert_eq!((&*german.body, german.field("vary"), german.field("etag")), ("de false 1", "accept-language", ""));
    assert_eq!(german.field("cache-control"), "public, max-age=60");
    assert_eq!(of("fr", "false").await.body, "fr false 2");
    assert_eq!((of("de", "false").await.body, of("fr", "false").await.is_hit()), (german.body, true));
    for run in 3..=4 {
        let past = of("de", "true").await;
        assert_eq!((&*past.body, past.field("vary")), (&*format!("de true {run}"), "accept-language"));
        assert_eq!((past.field("cache-status"), past.field("cache-control")), ("cachekit; fwd=bypass", "no-cache"));
    }
}

#[cache(http(statuses = [200, 404], max_body = "16 B"), ttl = "30s", errors = "10s")]
async fn odd(State(app): State<Arc<App>>, Path(kind): Path<String>) -> Result<Response, Missing> {
    let run = app.run();
    Ok(match kind.as_str() {
        "missing" => (StatusCode::NOT_FOUND, format!("run {run}")).into_response(),
        "gone" => (StatusCode::GONE, format!("run {run}")).into_response(),
        "long" => format!("run {run}, and much more than sixteen bytes").into_response(),
        "uncacheable" => ([("cache-control", "no-store")], format!("run {run}")).into_response(),
        "longer" => ([("cachekit-cache-control", "max-age=100")], format!("run {run}")).into_response(),
        "cookie" => ([("set-cookie", "a=b")], format!("run {run}")).into_response(),
        "streamed" => {
            let parts = ["run ", "some"].map(Ok::<_, Infallible>);
            Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
        "events" => {
            let event = futures_util::stream::iter([Ok::<_, Infallible>(Event::default().data(format!("run {run}")))]);
            Sse::new(event).into_response()
        }
        "panic" => panic!("expected by a test"),
        _ => return Err(Missing),
    })
}

#[tokio::test]
async fn what_is_stored_is_said_of_responses() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/odd/{kind}", get(odd)).with_state(app.clone());
    for (kind, is_stored) in [
        ("missing", true),
        ("gone", false),
        ("long", false),
        ("uncacheable", false),
        ("longer", true),
        ("cookie", false),
        ("streamed", true),
        ("events", false),
        ("an error", true),
    ] {
        let uri = format!("/odd/{}", kind.replace(' ', "%20"));
        let before = app.runs();
        let (first, again) = (get_of(&router, &uri).await, get_of(&router, &uri).await);
        assert_eq!((first.status, again.is_hit()), (again.status, is_stored), "{kind}: {again:?}");
        assert_eq!(first.field("cachekit-cache-control"), "", "it is between the handler and its cache");
        if kind != "an error" {
            assert_eq!(app.runs() - before, if is_stored { 1 } else { 2 }, "{kind}");
        }
    }
    // Nobody who streams waits for a tag, and what is stored is as it came.
    let (streamed, whole) = (get_of(&router, "/odd/streamed").await, get_of(&router, "/odd/longer").await);
    assert!(streamed.is_hit() && streamed.body == "run some" && streamed.field("etag").is_empty(), "{streamed:?}");
    assert!(!whole.field("etag").is_empty());
    let longer = get_of(&router, "/odd/longer").await;
    assert_eq!(longer.field("cache-status"), "cachekit; hit; ttl=100");
}

#[tokio::test]
async fn a_panic_is_its_callers() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/odd/{kind}", get(odd)).with_state(app.clone());
    for run in 1..=2 {
        let router = router.clone();
        let asked = tokio::spawn(async move { get_of(&router, "/odd/panic").await }).await;
        assert!(asked.expect_err("it panics").is_panic());
        assert_eq!(app.runs(), run, "and keeps nobody out");
    }
}

/// A handler that a test lets go on.
struct Slow {
    app: App,
    begun: tokio::sync::Notify,
    go_on: tokio::sync::Semaphore,
}

#[cache(http, ttl = "30s")]
async fn slow(State(slow): State<Arc<Slow>>, Path(id): Path<u64>) -> String {
    let run = slow.app.run();
    slow.begun.notify_one();
    slow.go_on.acquire().await.expect("it is not closed").forget();
    format!("{id}, run {run}")
}

fn slow_router() -> (Arc<Slow>, Router) {
    let slow_state = Arc::new(Slow {
        app: App::default(),
        begun: tokio::sync::Notify::new(),
        go_on: tokio::sync::Semaphore::new(0),
    });
    (slow_state.clone(), Router::new().route("/slow/{id}", get(slow)).with_state(slow_state))
}

#[tokio::test]
async fn a_crowd_asks_the_handler_once() {
    let (state, router) = slow_router();
    let ask_once = |with_cookie: bool| {
        let router = router.clone();
        let request = Request::get("/slow/1");
        // A handler that takes no cookies gives the same whoever asks.
        let request = if with_cookie { request.header("cookie", "session=1") } else { request };
        tokio::spawn(async move { ask(&router, request).await.body })
    };
    let crowd: Vec<_> = (0..50).map(|caller| ask_once(caller % 2 == 0)).collect();
    state.begun.notified().await;
    state.go_on.add_permits(50);
    for caller in crowd {
        assert_eq!(caller.await.expect("no panic"), "1, run 1");
    }
    assert_eq!(state.app.runs(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_stops_no_fill() {
    let (state, router) = slow_router();
    let gone = tokio::spawn({
        let router = router.clone();
        async move { get_of(&router, "/slow/2").await }
    });
    state.begun.notified().await;
    gone.abort();
    assert!(gone.await.expect_err("it was aborted").is_cancelled());
    state.go_on.add_permits(1);
    assert_eq!(get_of(&router, "/slow/2").await.body, "2, run 1");
    assert_eq!(state.app.runs(), 1);
}

trait Greeting: Send + Sync + 'static {
    const WORD: &'static str;
}

struct Hello;
struct Bonjour;

impl Greeting for Hello {
    const WORD: &'static str = "hello";
}

impl Greeting for Bonjour {
    const WORD: &'static str = "bonjour";
}

#[cache(http, ttl = "30s")]
async fn greet<G: Greeting>(Path(name): Path<String>) -> String {
    format!("{} {name}", G::WORD)
}

#[cache(http, ttl = "30s", companion = false)]
#[axum::debug_handler]
async fn inner(State(app): State<Arc<App>>, method: http::Method) -> String {
    format!("{method}, run {}", app.run())
}

#[tokio::test]
async fn forms_of_handlers() {
    let router: Router =
        Router::new().route("/hello/{name}", get(greet::<Hello>)).route("/bonjour/{name}", get(greet::<Bonjour>));
    assert_eq!(get_of(&router, "/hello/ada").await.body, "hello ada");
    assert_eq!(get_of(&router, "/bonjour/ada").await.body, "bonjour ada", "of one name, and of two types");
    assert!(get_of(&router, "/hello/ada").await.is_hit());

    let app = Arc::new(App::default());
    let within = Router::new().route("/x", get(inner).post(inner));
    let router: Router = Router::new().nest("/a", within.clone()).nest("/b", within).with_state(app.clone());
    assert_eq!(get_of(&router, "/a/x").await.body, "GET, run 1");
    assert_eq!(get_of(&router, "/b/x").await.body, "GET, run 2", "nobody has said what it is purged by there");
    assert_eq!(get_of(&router, "/a/x").await.body, "GET, run 2", "it takes nothing that tells them apart");
    // What has changed something makes what its URI has given invalid.
    assert_eq!(ask(&router, Request::post("/a/x")).await.body, "POST, run 3");
    assert_eq!(get_of(&router, "/b/x").await.body, "GET, run 4");
    assert_eq!(get_of(&router, "/a/x").await.body, "GET, run 4");
    assert_eq!(app.runs(), 4);
}

#[tokio::test]
async fn the_handler_is_there_without_its_cache() {
    let app = Arc::new(App::default());
    for run in 1..=2 {
        let response = users::user::uncached(State(app.clone()), Path(41)).await.into_response();
        assert_eq!((response.status(), app.runs()), (StatusCode::OK, run));
    }
}

mod far {
    use super::*;

    /// Twice the same, as in two processes.
    macro_rules! process {
        ($name:ident) => {
            #[cache(http, ttl = "30s", name = "handlers::far", backend = ["memory", LENT.clone()], scope = "app", timeout = "5s")]
            pub(crate) async fn $name(State(app): State<Arc<App>>, Path(id): Path<u64>) -> String {
                format!("{id}, run {}", app.run())
            }
        };
    }

    process!(one);
    process!(other);
}

static LENT: std::sync::LazyLock<Arc<cachekit::backend::MemoryBytes>> = std::sync::LazyLock::new(Arc::default);

#[tokio::test]
async fn what_is_in_a_backend_is_there_for_the_next_process() {
    let app = Arc::new(App::default());
    let one = Router::new().route("/far/{id}", get(far::one)).route("/also/{id}", get(far::one));
    let other = Router::new().route("/far/{id}", get(far::other)).route("/also/{id}", get(far::other));
    let (one, other) = (one.with_state(app.clone()), other.with_state(app.clone()));
    let first = get_of(&one, "/far/1").await;
    cachekit::flush().await;
    let there = get_of(&other, "/far/1?x").await;
    assert_eq!((&there.body, there.is_hit(), app.runs()), (&first.body, true, 1));
    assert_eq!(there.field("etag"), first.field("etag"));
    // What one process is asked by one path and another one by another is soon known to both.
    for round in 0..4 {
        let (first, second) = (get_of(&one, "/far/1").await, get_of(&other, "/also/1").await);
        cachekit::flush().await;
        assert!(round == 0 || first.is_hit() && second.is_hit(), "{round}: {first:?} {second:?}");
    }
    assert_eq!(app.runs(), 2);
}

/// Without `http`: the value is kept, and made into a response each time.
#[cache(ttl = "30s", skip(app))]
async fn value(State(app): State<Arc<App>>, Path(id): Path<u64>, Query(Page { page, .. }): Query<Page>) -> String {
    format!("{id}, page {page}, run {}", app.run())
}

#[tokio::test]
async fn a_plain_cache_keeps_what_a_handler_returns() {
    let app = Arc::new(App::default());
    let router = Router::new().route("/value/{id}", get(value)).with_state(app.clone());
    assert_eq!(get_of(&router, "/value/1?page=2&size=3").await.body, "1, page 2, run 1");
    let again = get_of(&router, "/value/1?page=2&size=4").await;
    assert_eq!((&*again.body, again.field("cache-status")), ("1, page 2, run 1", ""));
    assert_eq!(get_of(&router, "/value/1?page=3").await.body, "1, page 3, run 2");
    assert_eq!(app.runs(), 2);
}
