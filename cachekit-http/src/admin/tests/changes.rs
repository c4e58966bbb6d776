use super::*;
use cachekit_runtime::testing;
use log::events_of;
use std::time::Duration;

#[tokio::test]
async fn settings_are_changed_one_by_one_and_together() {
    let users = cache("c::settings");
    (0..50).for_each(|n| _ = users.insert(n.to_string(), n));
    let router = admin("setter");
    let set = async |body: &str| ok(&router, post("/api/caches/c::settings/settings", body)).await;
    assert_eq!(set(r#"{"strategy":"lru"}"#).await["configuration"]["strategy"], "lru");
    assert_eq!(users.strategy().name(), "lru");
    assert_eq!(set(r#"{"ttl_seconds":1.5}"#).await["configuration"]["ttl"]["seconds"], 1.5);
    assert!(set(r#"{"ttl_seconds":null}"#).await["configuration"]["ttl"].is_null());
    assert_eq!(set(r#"{"capacity":10}"#).await["configuration"]["bound"]["entries"], 10);
    assert!(users.len() <= 10);
    let said = set(r#"{"enabled":false,"strategy":"sieve"}"#).await;
    assert_eq!((&said["configuration"]["enabled"], users.strategy().name()), (&false.into(), "sieve"));
    users.get_or_compute("1", || 7);
    assert_eq!(users.stats().bypasses.disabled, 1);
}

#[tokio::test]
async fn a_setting_that_cannot_be_changes_nothing() {
    let users = cache("c::wrong");
    let router = admin("wrong");
    for body in [
        r#"{"strategy":"newest","capacity":5}"#,
        r#"{"strategy":"lru","capacity":0}"#,
        r#"{"strategy":"lru","capacity":-1}"#,
        r#"{"strategy":"lru","capacity":9007199254740991}"#,
        r#"{"strategy":"lru","ttl_seconds":0}"#,
        r#"{"strategy":"lru","ttl_seconds":1e300}"#,
        r#"{"strategy":"lru","ttl":5}"#,
        r#"{"strategy":"lru""#,
        "{}",
    ] {
        let said = refused(&router, post("/api/caches/c::wrong/settings", body)).await;
        assert_eq!(said, is(400, "bad_request"), "{body}");
    }
    assert_eq!(
        (users.strategy().name(), users.stats().capacity),
        (Cache::<u8, u8>::builder().build().strategy().name(), Some(100))
    );
    assert_eq!(events_of("wrong"), Vec::<String>::new());
}

#[tokio::test]
async fn a_change_says_where_it_comes_from_and_is_taken_back() {
    let users: Cache<u64, u64> = Cache::builder().name("c::sources").ttl(Duration::from_secs(60)).capacity(100).build();
    let router = admin("taker");
    let set = async |body: &str| ok(&router, post("/api/caches/c::sources/settings", body)).await;
    let body = r#"{"idle_seconds":5,"stale_while_revalidate_seconds":6,"stale_if_error_seconds":7,"timeout_seconds":0.5,"dry_run":true,"capacity":7}"#;
    let now = set(body).await["configuration"].clone();
    for (name, value) in [
        ("idle_seconds", 5.0),
        ("stale_while_revalidate_seconds", 6.0),
        ("stale_if_error_seconds", 7.0),
        ("timeout_seconds", 0.5),
    ] {
        assert_eq!(now[name], value, "{name}");
    }
    assert_eq!((&now["dry_run"], &now["sources"]["capacity"]), (&true.into(), &"live".into()));
    users.insert(1, 1);
    assert_eq!(users.get_or_compute(&1, || 2), 2, "a dry run computes");
    assert_eq!(users.dry_run_report().not_comparable, 1);
    let now = set(r#"{"take_back":["capacity","idle","dry_run"]}"#).await["configuration"].clone();
    assert_eq!((&now["bound"]["entries"], &now["sources"]["capacity"]), (&100.into(), &Value::Null));
    assert!(now["idle_seconds"].is_null() && now["dry_run"] == false);
    for body in [
        r#"{"take_back":["ttl_seconds"]}"#,
        r#"{"tiers":{"memory":false}}"#,
        r#"{"tiers":{"redis":true}}"#,
        r#"{"timeout_seconds":0}"#,
        r#"{"idle_seconds":0}"#,
        r#"{"stale_if_error_seconds":-1}"#,
        // Changed and taken back.
        r#"{"ttl_seconds":5,"take_back":["ttl"]}"#,
        r#"{"capacity":5,"take_back":["idle","capacity"]}"#,
        r#"{"tiers":{"memory":true},"take_back":["tiers.memory"]}"#,
    ] {
        let said = refused(&router, post("/api/caches/c::sources/settings", body)).await;
        assert_eq!(said, is(400, "bad_request"), "{body}");
    }
}

#[tokio::test]
async fn load_timeouts_are_changed_where_the_code_asks_for_them() {
    let second = Duration::from_secs(1);
    let both: Cache<u64, u64> =
        Cache::builder().name("c::timed").load_timeout_soft(second).load_timeout_hard(2 * second).build();
    let _hard: Cache<u64, u64> = Cache::builder().name("c::hard").load_timeout_hard(second).build();
    let router = admin("timer");
    let set =
        async |body: &str| ok(&router, post("/api/caches/c::timed/settings", body)).await["configuration"].clone();
    let now = set(r#"{"soft_load_timeout_seconds":0.25}"#).await;
    assert_eq!(
        (&now["soft_load_timeout_seconds"], &now["hard_load_timeout_seconds"], &now["sources"]["soft_load_timeout"]),
        (&0.25.into(), &2.0.into(), &"live".into()),
        "{now}"
    );
    assert!(now["sources"]["hard_load_timeout"].is_null(), "of the other nothing was said: {now}");
    let now = set(r#"{"soft_load_timeout_seconds":null,"hard_load_timeout_seconds":0.05}"#).await;
    assert!(now["soft_load_timeout_seconds"].is_null() && now["hard_load_timeout_seconds"] == 0.05, "{now}");
    // It is looked at by the next load.
    let never = both.try_get_or_refresh_async(&1, std::future::pending::<Result<u64, cachekit_runtime::Error>>);
    assert!(matches!(never.await, Err(cachekit_runtime::Error::LoadTimeout { .. })));
    let now = set(r#"{"take_back":["soft_load_timeout","hard_load_timeout"]}"#).await;
    assert_eq!((&now["soft_load_timeout_seconds"], &now["hard_load_timeout_seconds"]), (&1.0.into(), &2.0.into()));
    let events = events_of("timer").join("\n");
    assert!(events.contains("soft load timeout") && events.contains("hard load timeout"), "{events}");

    let now = ok(&router, get("/api/caches/c::hard")).await["configuration"].clone();
    assert_eq!((&now["has_soft_load_timeout"], &now["has_hard_load_timeout"]), (&false.into(), &true.into()));
    for (cache, body) in [
        ("hard", r#"{"soft_load_timeout_seconds":1}"#),
        ("hard", r#"{"soft_load_timeout_seconds":null}"#),
        ("timed", r#"{"soft_load_timeout_seconds":0}"#),
        ("timed", r#"{"hard_load_timeout_seconds":-1}"#),
        ("timed", r#"{"hard_load_timeout_seconds":1e300}"#),
    ] {
        let said = refused(&router, post(&format!("/api/caches/c::{cache}/settings"), body)).await;
        assert_eq!(said, is(400, "bad_request"), "{body}");
    }
}

#[tokio::test]
async fn a_capacity_in_bytes_is_taken_back_by_the_name_that_it_was_changed_by() {
    let _pages: Cache<u64, String> = Cache::builder().name("c::bytes").max_bytes(1_000).build();
    let router = admin("weigher");
    let set =
        async |body: &str| ok(&router, post("/api/caches/c::bytes/settings", body)).await["configuration"].clone();
    assert_eq!(set(r#"{"capacity":500}"#).await["sources"]["max_bytes"], "live");
    let now = set(r#"{"take_back":["capacity"]}"#).await;
    assert_eq!((&now["bound"]["weight"], &now["sources"]["max_bytes"]), (&1_000.into(), &Value::Null));
}

#[tokio::test]
async fn a_tier_is_switched_off_and_on() {
    use cachekit_runtime::{Place, backend::MemoryBytes};
    let places = [Place::memory(), Place::own(MemoryBytes::new())];
    let users: Cache<u64, u64> = Cache::builder().name("c::tiers").backends(places).build();
    let router = admin("tierer");
    let set = async |body: &str| ok(&router, post("/api/caches/c::tiers/settings", body)).await;
    let said = set(r#"{"tiers":{"own":false}}"#).await;
    let used: Vec<&Value> = said["tiers"].as_array().unwrap().iter().map(|tier| &tier["used"]).collect();
    assert_eq!(used, [&Value::from(true), &Value::from(false)]);
    assert_eq!(users.get_or_compute(&1, || 1), 1);
    assert_eq!(users.stats().far.stores, 0);
    let said = set(r#"{"tiers":{"own":true,"memory":false}}"#).await;
    assert_eq!(said["tiers"][0]["used"], false);
}

#[tokio::test]
async fn the_largest_capacity_ends_no_process() {
    let entries = cache("c::large");
    let weighed: Cache<u64, String> = Cache::builder().name("c::heavy").max_bytes(1_000).readable().build();
    let router = admin("large");
    for (uri, most) in
        [("/api/caches/c::large/settings", 1_u64 << 26), ("/api/caches/c::heavy/settings", (1 << 53) - 1)]
    {
        let of = |most: u64| post(uri, &format!(r#"{{"capacity":{most}}}"#));
        assert_eq!(refused(&router, of(most + 1)).await, is(400, "bad_request"));
        ok(&router, of(most)).await;
        for strategy in ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs"] {
            ok(&router, post(uri, &format!(r#"{{"strategy":"{strategy}"}}"#))).await;
            entries.insert("Ann".to_owned(), 1);
            weighed.insert(1, "Ann".to_owned());
        }
    }
}

#[tokio::test]
async fn entries_are_taken_away_by_key_prefix_tag_and_all() {
    let tagged: Cache<(u64, String), u64> = Cache::builder().name("c::gone").readable().build();
    let fill = || (0..4).for_each(|n| _ = tagged.insert((n % 2, n.to_string()), n));
    let router = admin("remover");
    fill();
    let said = ok(&router, post("/api/caches/c::gone/invalidate", r#"{"key":"1,\"3\""}"#)).await;
    assert_eq!((&said["delivery"], tagged.len()), (&"local".into(), 3));
    let said = ok(&router, post("/api/caches/c::gone/invalidate", r#"{"prefix":"0,"}"#)).await;
    assert_eq!((&said["entries"], tagged.len()), (&2.into(), 1));
    ok(&router, post("/api/caches/c::gone/clear", "")).await;
    assert_eq!(tagged.len(), 0);
    tagged.call(&(7, "x".to_owned())).tags(["team:c7"]).get_or_compute(|| 1);
    assert_eq!(tagged.get(&(7, "x".to_owned())), Some(1));
    ok(&router, post("/api/invalidate", r#"{"tag":"team:c7"}"#)).await;
    assert_eq!(tagged.get(&(7, "x".to_owned())), None);
    for body in ["{}", r#"{"key":"1","prefix":"1"}"#, r#"{"prefix":""}"#] {
        let said = refused(&router, post("/api/caches/c::gone/invalidate", body)).await;
        assert_eq!(said, is(400, "bad_request"), "{body}");
    }
    assert_eq!(refused(&router, post("/api/invalidate", r#"{"tag":""}"#)).await, is(400, "bad_request"));
}

#[tokio::test]
async fn a_soft_tag_leaves_stale_entries() {
    let _scope = testing::scope();
    let users: Cache<u64, u64> = Cache::builder()
        .name("c::soft")
        .ttl(Duration::from_secs(60))
        .stale_while_revalidate(Duration::from_secs(60))
        .readable()
        .build();
    users.call(&7).tags(["team:soft"]).get_or_compute(|| 1);
    ok(&admin("softener"), post("/api/invalidate", r#"{"tag":"team:soft","soft":true}"#)).await;
    assert_eq!(ok(&admin("softener"), post("/api/caches/c::soft/explain", r#"{"key":"7"}"#)).await["state"], "stale");
}

#[tokio::test]
async fn every_change_is_an_event_that_has_no_key() {
    let users = cache("c::audit");
    users.insert("Ann".to_owned(), 1);
    let router = admin("auditor");
    for (uri, body) in [
        ("/api/caches/c::audit/settings", r#"{"strategy":"lru","capacity":7,"ttl_seconds":5,"enabled":true}"#),
        ("/api/caches/c::audit/invalidate", r#"{"key":"\"Ann\""}"#),
        ("/api/caches/c::audit/invalidate", r#"{"prefix":"\"An"}"#),
        ("/api/caches/c::audit/clear", ""),
        ("/api/invalidate", r#"{"tag":"Ann"}"#),
        ("/api/invalidate", r#"{"tag":"Ann","soft":true}"#),
    ] {
        ok(&router, post(uri, body)).await;
    }
    let failed = post("/api/caches/c::audit/invalidate", r#"{"key":"Ann"}"#);
    assert_eq!(refused(&router, failed).await, is(400, "no_key"));
    let events = events_of("auditor");
    let all = events.join("\n");
    let changes = [
        "strategy",
        "capacity",
        "ttl",
        "enabled",
        "invalidate key",
        "invalidate prefix",
        "clear",
        "invalidate tag",
        "soften tag",
    ];
    for change in changes {
        assert!(all.contains(&format!("change=\"{change}\"")), "{change} in {all}");
    }
    assert_eq!(events.len(), changes.len() + 1, "{all}");
    assert!(events.last().unwrap().contains("outcome=\"failed\""), "{all}");
    assert!(all.contains("cache=\"c::audit\"") && !all.contains("Ann"), "{all}");
}

#[cfg(feature = "advice")]
#[tokio::test]
async fn advice_is_in_the_audit() {
    let _users = cache("c::advised");
    let router = admin("advice-auditor");
    ok(&router, post("/api/caches/c::advised/advice", "")).await;
    ok(&router, changing(Method::DELETE, "/api/caches/c::advised/advice", "")).await;
    assert_eq!(events_of("advice-auditor").len(), 2);
}
