use super::*;

#[tokio::test]
async fn the_list_has_the_caches_and_who_asks() {
    let users = cache("a::list");
    users.get_or_compute("Ann", || 1);
    users.get_or_compute("Ann", || 1);
    users.call("Ann").bypass_if(true).get_or_compute(|| 1);
    let said = ok(&admin("lister"), get("/api/caches")).await;
    let row = said["caches"].as_array().unwrap().iter().find(|row| row["name"] == "a::list").unwrap();
    // Calls that went around the cache are no misses.
    assert_eq!((&row["calls"], &row["hits"], &row["misses"]), (&3.into(), &1.into(), &1.into()));
    assert_eq!(row["hit_ratio"], 1.0 / 3.0);
    assert_eq!((&row["entries"], &row["bound"]["entries"]), (&1.into(), &100.into()));
    assert_eq!(said["access"]["who"], "lister");
    assert_eq!(said["access"]["scopes"], serde_json::json!(["read", "operate", "destroy"]));
}

#[tokio::test]
async fn one_cache_is_told_whole() {
    let users = cache("a::one‹u64›");
    users.get_or_compute("Ann", || 1);
    // As a URL has it.
    let said = ok(&admin("reader"), get("/api/caches/a%3A%3Aone%E2%80%B9u64%E2%80%BA")).await;
    assert_eq!((&said["stats"]["misses"]["absent"], &said["stats"]["loads"]), (&1.into(), &1.into()));
    assert_eq!(said["stats"]["load_time"]["buckets"].as_array().unwrap().len(), 1);
    assert!(said["place"].as_str().unwrap().contains("admin/tests/mod.rs"), "{said}");
    assert_eq!(said["tiers"][0]["tier"], "memory");
    assert_eq!(refused(&admin("reader"), get("/api/caches/nobodys")).await, is(404, "no_cache"));
    assert_eq!(refused(&admin("reader"), get("/api/cache")).await, is(404, "no_route"));
    assert_eq!(refused(&admin("reader"), post("/api/caches", "")).await, is(405, "no_method"));
}

#[tokio::test]
async fn entries_come_page_by_page() {
    let users = cache("a::pages");
    (0..25).for_each(|n| _ = users.insert(format!("user {n}"), n));
    let router = admin("pager");
    let (mut from, mut keys, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let said = ok(&router, get(&format!("/api/caches/a::pages/entries?limit=10&keys=true{from}"))).await;
        let page = said["entries"].as_array().unwrap();
        assert!(page.iter().all(|entry| entry["value"].is_null()));
        keys.extend(page.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()));
        pages += 1;
        match said["next"].as_str() {
            Some(next) => from = format!("&from={next}"),
            None => break,
        }
    }
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), pages), (25, 3));
    assert_eq!(keys[0], "\"user 0\"");
    let asked = refused(&router, get("/api/caches/a::pages/entries?page=2")).await;
    assert_eq!(asked, is(400, "bad_request"));
}

#[tokio::test]
async fn keys_and_values_are_hidden_unless_asked_for_and_allowed() {
    let users = cache("a::hidden");
    users.insert("Ann".to_owned(), 42);
    let uri = "/api/caches/a::hidden/entries";
    let said = ok(&admin("pager"), get(uri)).await;
    assert!(said["entries"][0]["key"].is_null() && said["entries"][0]["value"].is_null(), "{said}");
    let said = ok(&admin("pager"), get(&format!("{uri}?values=true"))).await;
    assert!(said["entries"][0]["key"].is_null() && said["entries"][0]["value"] == "42", "{said}");

    let other = Admin::new(|_| Some(Access::named("other").may(Scope::Read))).router();
    assert_eq!(ok(&other, get(uri)).await["entries"].as_array().unwrap().len(), 1);
    for query in ["keys=true", "values=true", "keys=true&values=true"] {
        assert_eq!(refused(&other, get(&format!("{uri}?{query}"))).await, is(403, "hidden"), "{query}");
    }
    assert_eq!(refused(&other, post("/api/caches/a::hidden/get", r#"{"key":"\"Ann\""}"#)).await, is(403, "hidden"));
}

#[tokio::test]
async fn a_key_is_got_and_explained() {
    let users = cache("a::key");
    users.insert("Ann".to_owned(), 42);
    let router = admin("reader");
    let ann = r#"{"key":"\"Ann\""}"#;
    assert_eq!(ok(&router, post("/api/caches/a::key/get", ann)).await["entry"]["value"], "42");
    assert!(ok(&router, post("/api/caches/a::key/get", r#"{"key":"\"Eve\""}"#)).await["entry"].is_null());
    let explained = ok(&router, post("/api/caches/a::key/explain", ann)).await;
    assert_eq!(explained["state"], "fresh");
    assert_eq!(
        (&explained["policy"]["queue"], &explained["policy"]["facts"]["hits"]),
        (&"main queue".into(), &0.into())
    );
    let wrong = refused(&router, post("/api/caches/a::key/explain", r#"{"key":"Ann"}"#)).await;
    assert_eq!(wrong, is(400, "no_key"));
    assert_eq!(users.stats().calls(), 0, "nothing of it is a use");
}

#[tokio::test]
async fn a_key_is_explained_with_what_the_backends_have_and_why_a_call_would_compute() {
    use cachekit_runtime::{Place, backend::MemoryBytes};
    let places = [Place::memory(), Place::own(MemoryBytes::new())];
    let users: Cache<u64, u64> = Cache::builder().name("a::far").backends(places).readable().build();
    users.insert_async(7, 42).await;
    users.retain(|_, _| false);
    let (router, before) = (admin("explainer"), users.stats().far);
    let explained =
        async |key: &str| ok(&router, post("/api/caches/a::far/explain", &format!(r#"{{"key":"{key}"}}"#))).await;
    let said = explained("7").await;
    assert_eq!((&said["state"], &said["tier"], &said["asked"]), (&"fresh".into(), &"own".into(), &true.into()));
    assert!(said["age_seconds"].is_number() && said["bypassed"].is_null(), "{said}");
    let said = explained("8").await;
    assert_eq!((&said["state"], &said["tier"], &said["asked"]), (&"absent".into(), &Value::Null, &true.into()));
    users.set_enabled(false);
    assert_eq!(explained("7").await["bypassed"], "disabled");
    users.set_enabled(true);
    users.set_dry_run(true);
    assert_eq!(explained("7").await["bypassed"], "dry_run");
    assert_eq!(users.stats().far, before, "nothing of it is a use");
    let far = ok(&router, get("/api/caches/a::far")).await["stats"]["far"].clone();
    for name in ["file_hits", "redis_hits", "stale_hits", "other_shape", "oversized"] {
        assert_eq!(far[name], 0, "{far}");
    }
}

#[tokio::test]
async fn a_key_is_explained_with_its_age_and_what_is_left_of_its_ttl() {
    use cachekit_runtime::{Place, backend::MemoryBytes, testing::TestClock};
    use std::time::Duration;
    let clock = TestClock::new();
    let places = [Place::memory(), Place::own(MemoryBytes::new().with_clock(clock.clock()))];
    let users = Cache::builder().name("a::left").clock(clock.clock()).ttl(Duration::from_secs(60)).backends(places);
    let users: Cache<u64, u64> = users.readable().build();
    let endless: Cache<u64, u64> = Cache::builder().name("a::endless").clock(clock.clock()).readable().build();
    users.insert_async(7, 42).await;
    endless.insert(7, 42);
    let router = admin("explainer");
    let explained = async |cache: &str| {
        let said = ok(&router, post(&format!("/api/caches/{cache}/explain"), r#"{"key":"7"}"#)).await;
        ["state", "tier", "age_seconds", "ttl_left_seconds"].map(|name| said[name].clone())
    };
    let is = |state: &str, tier: Value, age: f64, left: f64| [state.into(), tier, age.into(), left.into()];
    clock.advance(Duration::from_secs(20));
    assert_eq!(explained("a::left").await, is("fresh", "memory".into(), 20.0, 40.0));
    users.retain(|_, _| false);
    clock.advance(Duration::from_millis(5_500));
    assert_eq!(explained("a::left").await, is("fresh", "own".into(), 25.5, 34.5), "as a backend has it");
    clock.advance(Duration::from_millis(34_500));
    assert_eq!(explained("a::left").await[3], Value::Null, "nothing is left");
    let [state, _, _, left] = explained("a::endless").await;
    assert_eq!((state, left), ("fresh".into(), Value::Null), "it has no end");
}

#[tokio::test]
async fn responses_are_listed_with_what_they_are_and_their_bodies_to_who_asks() {
    use axum::{body::Body, routing::get as on};
    use http::{Request, header};
    use tower::ServiceExt as _;
    let pages = crate::layer::CacheLayer::builder().name("a::pages").build();
    let page =
        || async { ([(header::CACHE_CONTROL, "max-age=60"), (header::VARY, "accept-language")], "the secret page") };
    let served = Router::new().route("/of/ann", on(page)).layer(pages);
    let request = Request::get("/of/ann").header("host", "shop.example").body(Body::empty()).unwrap();
    served.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let (router, uri) = (admin("librarian"), "/api/caches/a::pages/entries");
    let listed = |uri: String| {
        let router = router.clone();
        async move {
            let mut entries = ok(&router, get(&uri)).await["entries"].as_array().unwrap().clone();
            entries.sort_by_key(|entry| entry["about"].to_string());
            entries
        }
    };
    // The body is stored by a task of its own.
    let mut hidden = listed(uri.to_owned()).await;
    for _ in 0..10_000 {
        if hidden.len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
        hidden = listed(uri.to_owned()).await;
    }
    assert_eq!(
        (&hidden[0]["about"], &hidden[1]["about"]),
        (&"200, 15 bytes".into(), &"varies by accept-language".into())
    );
    assert!(hidden[0]["age_seconds"].as_f64().is_some() && hidden[0]["ttl_left_seconds"].as_f64() <= Some(60.0));
    let text = format!("{hidden:?}");
    assert!(!text.contains("ann") && !text.contains("secret"), "{text}");
    let keys = listed(format!("{uri}?keys=true")).await;
    assert!(keys[0]["key"].as_str().unwrap().contains("http://shop.example/of/ann") && keys[0]["value"].is_null());
    let values = listed(format!("{uri}?values=true")).await;
    let value: Value = serde_json::from_str(values[0]["value"].as_str().unwrap()).unwrap();
    assert_eq!((&value["status"], &value["body"]), (&200.into(), &"the secret page".into()));
    assert_eq!(value["fields"]["vary"], "accept-language");
    let gone = r#"{"prefix": "\"http://shop.example/of/"}"#;
    assert_eq!(ok(&router, post("/api/caches/a::pages/invalidate", gone)).await["entries"], 2);
    assert!(listed(uri.to_owned()).await.is_empty());
}

#[tokio::test]
async fn it_may_be_nested_below_a_parameter() {
    let _users = cache("a::nested");
    let app = Router::new().nest("/of/{tenant}/caches", admin("nester"));
    assert_eq!(ok(&app, get("/of/seven/caches/api/caches/a::nested")).await["name"], "a::nested");
    assert_eq!(response(&app, get("/of/seven/caches")).await.status(), StatusCode::OK);
}

#[cfg(feature = "advice")]
#[tokio::test]
async fn advice_is_started_read_and_stopped() {
    let users = cache("a::advice");
    let (router, uri) = (admin("adviser"), "/api/caches/a::advice/advice");
    assert!(ok(&router, get(uri)).await["advice"].is_null());
    ok(&router, post(uri, "")).await;
    assert_eq!(ok(&router, get("/api/caches/a::advice")).await["advised"], true);
    assert!(ok(&router, get(uri)).await["advice"]["one_in"].as_f64().unwrap() > 24.0);
    assert_eq!(ok(&router, post(&format!("{uri}?thorough=true"), "")).await["thorough"], true);
    assert_eq!(ok(&router, get(uri)).await["advice"]["one_in"], 1.0);
    for wrong in ["?thorough=1", "?throrough=true"] {
        let refused = response(&router, post(&format!("{uri}{wrong}"), "")).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    (0..3_000_u64).for_each(|turn| _ = users.get_or_compute(&format!("{}", turn % 150), || turn));
    let said = ok(&router, get(uri)).await;
    assert_eq!((&said["advice"]["cache"], &said["advice"]["capacity"]), (&"a::advice".into(), &100.into()));
    assert!(said["advice"]["outlooks"].as_array().unwrap().len() > 10, "{said}");
    ok(&router, changing(Method::DELETE, uri, "")).await;
    assert_eq!(ok(&router, get("/api/caches/a::advice")).await["advised"], false);
}

#[cfg(feature = "advice")]
#[tokio::test]
async fn the_keys_that_are_looked_for_most_are_hidden_like_others() {
    let users = cache("a::top");
    let (router, uri) = (admin("counter"), "/api/caches/a::top/top");
    assert!(ok(&router, get(uri)).await["top"].is_null());
    assert_eq!(ok(&router, get("/api/caches/a::top")).await["counts_keys"], false);
    ok(&router, post(uri, "")).await;
    assert_eq!(ok(&router, get("/api/caches/a::top")).await["counts_keys"], true);
    (0..600_u64).for_each(|turn| _ = users.get_or_compute(if turn % 3 == 0 { "Eve" } else { "Ann" }, || turn));
    users.invalidate("Eve");
    let said = ok(&router, get(&format!("{uri}?keys=true&limit=5"))).await;
    let keys = said["top"]["keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[0]["key"], &keys[1]["key"]), (2, &"\"Ann\"".into(), &Value::Null), "{said}");
    assert_eq!((&keys[0]["in_memory"], &keys[1]["in_memory"]), (&true.into(), &false.into()));
    assert!((keys[0]["share"].as_f64().unwrap() - 0.66).abs() < 0.01, "{said}");
    let said = ok(&router, get(&format!("{uri}?limit=1"))).await;
    assert!(said["top"]["keys"][0]["key"].is_null() && said["top"]["keys"].as_array().unwrap().len() == 1, "{said}");
    let other = Admin::new(|_| Some(Access::named("other").may(Scope::Read))).router();
    assert!(ok(&other, get(uri)).await["top"]["keys"][0]["key"].is_null());
    assert_eq!(refused(&other, get(&format!("{uri}?keys=true"))).await, is(403, "hidden"));
    assert_eq!(refused(&other, get(&format!("{uri}?key=true"))).await.0, 400);
    ok(&router, changing(Method::DELETE, uri, "")).await;
    assert!(ok(&router, get(uri)).await["top"].is_null());
}

#[cfg(feature = "prometheus")]
#[tokio::test]
async fn a_scrape_wants_a_recorder() {
    use cachekit_runtime::metrics::Prometheus;
    let users = cache("a::scraped");
    users.get_or_compute("Ann", || 1);
    assert_eq!(refused(&admin("scraper"), get("/metrics")).await, is(404, "no_metrics"));
    let prometheus = Prometheus::install().unwrap();
    let router: Router = Admin::new(|_| Some(anybody("scraper"))).prometheus(prometheus).router();
    let response = response(&router, get("/metrics")).await;
    assert_eq!(response.headers()["content-type"], Prometheus::CONTENT_TYPE);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains(r#"cachekit_loads_total{cache="a::scraped"} 1"#), "{text}");
}
