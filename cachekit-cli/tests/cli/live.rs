//! The commands on a live service: what they show is what its caches are, and what they change its caches have.

use crate::{
    service::{Service, anybody, router},
    shop::numbers,
    terminal::Terminal,
    traces,
};
use axum::{
    Json, Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::{get, post},
};
use cachekit_runtime::{Cache, Place, backend::redis::Settings, flush, registry};
use cachekit_tests::{eventually, redis_server::RedisServer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{fs, process::Stdio, time::Duration};

fn row<'a>(of: &'a Value, name: &str) -> &'a Value {
    let rows = of["caches"].as_array().expect("caches");
    let is_it = |row: &&Value| row["name"] == name || row["cache"] == name;
    rows.iter().find(is_it).unwrap_or_else(|| panic!("no {name}: {of}"))
}

#[test]
fn a_service_can_be_looked_at() {
    let service = Service::start("look");
    service.call(7);
    let listed = service.json(&["list"]);
    let users = row(&listed, "look::user");
    assert_eq!((&users["calls"], &users["hits"], &users["entries"]), (&201.into(), &1.into(), &200.into()), "{users}");
    let table = service.said(&["list"]);
    assert!(table.contains("look::user") && table.contains("1.0 MiB") && table.contains("s3-tinylfu"), "{table}");

    let stats = service.json(&["stats", "look::user"]);
    assert_eq!(stats["caches"][0]["stats"]["misses"]["absent"], 200, "{stats}");
    let text = service.said(&["stats", "look::user"]);
    assert!(text.contains("u64 -> alloc::string::String") && text.contains("200 absent"), "{text}");
    assert!(service.said(&["stats"]).contains("look::page"));

    let keys = service.said(&["keys", "look::user", "--json"]);
    assert_eq!(numbers(&keys), (0..200).collect());
    assert_eq!(service.said(&["keys", "look::user", "--prefix", "19", "--json"]).lines().count(), 11);
    assert_eq!(service.said(&["keys", "look::user", "--limit", "5", "--json"]).lines().count(), 5);
    let keys = service.said(&["keys", "look::page"]);
    assert!(keys.contains("\"/index\"") && keys.contains("no end"), "{keys}");

    assert_eq!(service.said(&["get", "look::user", "7"]), "\"user 7\"\n");
    assert_eq!(service.json(&["get", "look::user", "7"])["value"], "user 7");
    // As stores name it.
    assert_eq!(service.said(&["get", "look/page", "\"/index\""]), "\"a page\"\n");
    let explained = service.said(&["explain", "look::user", "7"]);
    assert!(explained.contains("fresh: a call gets it") && explained.contains("tags"), "{explained}");
    let policy = explained.lines().find_map(|line| line.trim().strip_prefix("policy ")).unwrap_or_default();
    assert!(policy.trim().starts_with("in the "), "{explained}");
    assert!(explained.lines().any(|line| line.split_whitespace().eq(["in", "memory"])), "{explained}");
    let explained = service.json(&["explain", "look::user", "7"]);
    assert!(explained["policy"]["queue"].is_string() && explained["policy"]["facts"].is_object(), "{explained}");
    let (code, _) = service.failed(&["explain", "look::user", "999"]);
    assert_eq!(code, 1);
    let (code, told) = service.failed(&["get", "look::user", "999"]);
    assert!(code == 1 && told.contains("cachekit explain look::user 999"), "{told}");
    let (code, told) = service.failed(&["get", "look::user", "x"]);
    assert!(code == 2 && told.contains("cachekit keys"), "{code} {told}");
    let (code, told) = service.failed(&["get", "look::user", "7", "--raw"]);
    assert!(code == 2 && told.contains("--redis"), "{code} {told}");
}

/// What `explain` says of a key, for people and for programs, whether a call would get it or not.
fn explained(service: &Service, cache: &str, key: &str) -> (Value, Vec<String>) {
    let of = |more: &[&str]| service.output(&[&["explain", cache, key], more].concat());
    let document = serde_json::from_slice(&of(&["--json"]).stdout).expect("a document");
    let text = String::from_utf8(of(&[]).stdout).expect("text");
    (document, text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

#[test]
fn a_service_says_why_a_call_computes_whatever_there_is() {
    let service = Service::start("bypass");
    let users = &service.users;
    let why = || {
        let (document, lines) = explained(&service, "bypass::user", "7");
        let line = lines.iter().find_map(|line| line.strip_prefix("calls compute ")).map(str::to_owned);
        (document["bypassed"].as_str().map(str::to_owned), line)
    };
    let said = |word: &str, text: &str| (Some(word.to_owned()), Some(text.to_owned()));
    assert_eq!(why(), (None, None));
    users.set_enabled(false);
    assert_eq!(why(), said("disabled", "the cache is switched off"));
    users.set_enabled(true);
    users.set_dry_run(true);
    assert_eq!(why(), said("dry_run", "it is a dry run, which compares"));
    users.set_dry_run(false);
    assert_eq!(why(), (None, None));
}

#[test]
fn a_service_says_which_backend_is_not_asked() {
    let (service, mut server) = (Service::start("mute"), RedisServer::start());
    let backend = Settings::new(server.url()).response_timeout(Duration::from_secs(20)).open().expect("a backend");
    let places = [Place::memory(), Place::own(backend)];
    let orders = Cache::builder().name("mute::order").timeout(Duration::from_secs(20)).backends(places).readable();
    let orders: Cache<u64, u64> = orders.build();
    orders.get_or_compute(&7, || 14);
    flush().wait();
    orders.retain(|_, _| false);
    let (document, lines) = explained(&service, "mute::order", "7");
    assert_eq!((&document["state"], &document["not_asked"]), (&"fresh".into(), &json!([])), "{document}");
    assert!(lines.iter().any(|line| line == "in own"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("not asked now")), "{lines:?}");
    server.kill();
    eventually("its breaker opens", || {
        (100..110).for_each(|id| _ = orders.get_or_compute(&id, || id));
        orders.retain(|_, _| false);
        !orders.explain(&7).far.not_asked.is_empty()
    });
    let (document, lines) = explained(&service, "mute::order", "7");
    assert_eq!((&document["state"], &document["not_asked"]), (&"absent".into(), &json!(["redis"])), "{document}");
    assert!(lines.iter().any(|line| line == "not asked now redis: the breaker is open"), "{lines:?}");
}

#[test]
fn what_a_backend_had_is_a_hit_and_no_miss() {
    let of = json!({
        "name": "far::a",
        "stats": { "calls": 100, "hit_ratio": 0.9, "hits": 60, "misses": { "absent": 40 }, "far": { "hits": 30, "misses": 10 } },
    });
    let one = of.clone();
    let api = Router::new()
        .route("/api/caches", get(|| async { Json(json!({ "caches": [{ "name": "far::a" }] })) }))
        .route("/api/caches/{cache}", get(|| async { Json(one) }));
    let service = Service::with("far", api);
    let table = service.said(&["stats"]);
    let row = table.lines().find(|line| line.starts_with("far::a")).unwrap_or_else(|| panic!("{table}"));
    assert_eq!(row.split_whitespace().take(5).collect::<Vec<_>>(), ["far::a", "90.0", "%", "90", "10"], "{table}");
    let text = service.said(&["stats", "far::a"]);
    assert!(text.contains("40: 40 absent; a backend had 30 of them"), "{text}");
}

#[test]
fn programs_are_told_what_people_are() {
    let all =
        json!({ "caches": [{ "name": "told::a" }], "conflicts": [{ "name": "told::a", "message": "two have it" }] });
    let entry = json!({ "entry": { "key": "7", "value": null, "state": "fresh" } });
    let api = Router::new()
        .route("/api/caches", get(|| async { Json(all) }))
        .route("/api/caches/{cache}", get(|| async { Json(json!({ "name": "told::a" })) }))
        .route("/api/caches/{cache}/get", post(|| async { Json(entry) }));
    let service = Service::with("told", api);
    for more in [&[][..], &["--json"]] {
        let (code, told) = service.failed(&[&["get", "told::a", "7"], more].concat());
        assert!(code == 3 && told.contains("serde::Serialize"), "{more:?}: {code} {told}");
    }
    assert_eq!(service.json(&["list"])["conflicts"], json!([{ "name": "told::a", "message": "two have it" }]));
    let (code, told) = service.failed(&["doctor", "--unused-for", "1m"]);
    assert!(code == 2 && told.contains("cannot be used with"), "{code} {told}");
}

#[test]
fn more_keys_than_a_page_has_are_all_there_once() {
    let service = Service::start("paged");
    service.users.set_capacity(5_000);
    (0..1_234).for_each(|id| service.call(id));
    let keys = service.said(&["keys", "paged::user", "--json"]);
    let distinct: std::collections::BTreeSet<&str> = keys.lines().collect();
    assert_eq!((keys.lines().count(), distinct.len()), (1_234, 1_234));
}

#[test]
fn a_name_may_have_any_letters() {
    let service = Service::start("odd");
    let name = "odd::of<u64, é>/a?b#c%2F";
    let odd: cachekit_runtime::Cache<u64, u64> = cachekit_runtime::Cache::builder().name(name).readable().build();
    odd.get_or_compute(&7, || 14);
    assert_eq!(service.said(&["get", name, "7"]), "14\n");
    service.said(&["clear", name, "--yes"]);
    assert!(!odd.contains(&7));
}

#[test]
fn the_doctor_says_what_is_wrong_with_a_service() {
    let service = Service::start("ill");
    let report = |service: &Service| {
        let output = service.output(&["doctor", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).expect("a document")
    };
    let of = |report: &Value, what: &str| {
        let checks = report["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("no {what}: {report}"))
    };
    let well = report(&service);
    assert_eq!(of(&well, "ill::user")["verdict"], "fine", "{well}");
    assert!(
        of(&well, "rights")["found"].as_str().is_some_and(|found| found.contains("ann may read, operate, destroy")),
        "{well}"
    );
    service.users.set_enabled(false);
    for id in 0..3 {
        service.pages.try_get_or_compute(&format!("/no/{id}"), || Err::<String, _>("no page")).expect_err("an error");
    }
    let ill = report(&service);
    assert_eq!(of(&ill, "ill::user")["next"], "`cachekit set ill::user enabled=on` switches it on", "{ill}");
    assert_eq!((&of(&ill, "ill::page")["verdict"], &ill["healthy"]), (&"wrong".into(), &false.into()), "{ill}");
    let (code, _) = service.failed(&["doctor"]);
    assert_eq!(code, 1);
}

#[test]
fn a_service_loses_nothing_without_a_yes_and_then_what_was_said() {
    let service = Service::start("lose");
    let there = |id: u64| service.users.contains(&id);
    for arguments in [
        vec!["invalidate", "lose::user", "7"],
        vec!["invalidate", "lose::user", "--prefix", "1"],
        vec!["invalidate", "--tag", "lose::user-team:1"],
        vec!["clear", "lose::user"],
        vec!["set", "lose::user", "capacity=10"],
    ] {
        let (code, told) = service.failed(&arguments);
        assert!(code == 4 && told.contains("--yes"), "{arguments:?}: {code} {told}");
    }
    assert!((0..200).all(there));
    assert!(service.said(&["invalidate", "lose::user", "7", "8", "--yes"]).contains("invalidated 2 keys"));
    assert!(!there(7) && !there(8) && there(9));
    for wrong in ["x", "\"x\""] {
        let (code, told) = service.failed(&["invalidate", "lose::user", "42", wrong, "43", "--yes"]);
        assert!(code == 2 && told.contains("is no key") && !told.contains("before"), "{wrong}: {code} {told}");
        assert!(there(42) && there(43), "{wrong}");
    }
    // One that nothing in memory has.
    service.said(&["invalidate", "lose::user", "44", "#00000000000000ab", "--yes"]);
    assert!(!there(44));
    let text = service.said(&["invalidate", "lose::user", "--prefix", "19", "--yes"]);
    assert!(text.contains("11 entries of lose::user"), "{text}");
    assert!(!there(19) && !there(199) && there(18));
    service.said(&["invalidate", "--tag", "lose::user-team:1", "--yes"]);
    assert!(service.users.get(&1).is_none() && service.users.get(&2).is_some());
    let (code, told) = service.failed(&["clear", "lose::user", "--fingerprint", "00000000000000ab", "--yes"]);
    assert!(code == 2 && told.contains("--redis"), "{code} {told}");
    service.said(&["clear", "lose::user", "--yes"]);
    assert!((0..200).all(|id| !there(id)) && service.pages.contains(&"/index".to_owned()));
}

#[test]
fn settings_are_changed_and_shown_before_and_after() {
    let service = Service::start("change");
    let changed = service.json(&["set", "change::user", "ttl=30s", "capacity=100", "strategy=lru", "--yes"]);
    assert_eq!(
        (&changed["before"]["strategy"], &changed["after"]["strategy"]),
        (&"s3-tinylfu".into(), &"lru".into()),
        "{changed}"
    );
    assert_eq!(
        (&changed["after"]["ttl"]["seconds"], &changed["after"]["bound"]["entries"]),
        (&30.0.into(), &100.into()),
        "{changed}"
    );
    assert_eq!(changed["evicted"], 100, "{changed}");
    assert_eq!((service.users.len(), service.users.strategy().name()), (100, "lru"));
    // There is room for them, if they are spread as the room is.
    let (code, told) = service.failed(&["set", "change::user", "capacity=99", "--json"]);
    assert!(code == 4 && told.contains("evict 1 of the 100 entries"), "{code} {told}");
    let pages = service.json(&["stats", "change::page"])["caches"][0]["stats"]["weight"].as_u64().expect("bytes");
    let (code, told) = service.failed(&["set", "change::page", &format!("capacity={}KiB", pages.div_ceil(1_024) + 1)]);
    assert!(code == 4 && told.contains("perhaps evict some"), "{code} {told}");
    // Nothing goes, and nobody is asked.
    let text = service.said(&["set", "change::user", "capacity=2k", "ttl=none", "enabled=off"]);
    let line = |what: &str| {
        let found = text.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{what}: {text}"));
        found.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([line("capacity"), line("ttl"), line("enabled")], ["100 2000", "30.0 s none", "on off"], "{text}");
    let of = registry::find("change::user").expect("the cache").configuration();
    assert!(!of.is_enabled && of.ttl == registry::Ttl::Never, "{of:?}");
    service.said(&["set", "change::page", "capacity=2MiB"]);
    assert_eq!(
        registry::find("change::page").expect("the cache").configuration().bound,
        registry::Bound::Weight(2 << 20)
    );
    for (arguments, what) in [
        (vec!["set", "change::page", "capacity=10k"], "capacity=64MiB"),
        (vec!["set", "change::user", "capacity=1MiB"], "max_bytes"),
        (vec!["set", "change::user", "strategy=newest"], "s3-fifo"),
        (vec!["set", "change::user", "ttl=1s", "ttl=2s"], "once"),
        (vec!["set", "change::user", "size=1"], "ttl, idle, stale-while-revalidate"),
        (vec!["set", "change::user"], "NAME=VALUE"),
    ] {
        let (code, told) = service.failed(&arguments);
        assert!(code == 2 && told.contains(what), "{arguments:?}: {code} {told}");
    }
}

#[test]
fn every_setting_is_changed_and_taken_back() {
    let service = Service::start("every");
    let slow: Cache<u64, u64> = Cache::builder()
        .name("every::slow")
        .capacity(100)
        .load_timeout_soft(Duration::from_millis(500))
        .load_timeout_hard(Duration::from_secs(2))
        .readable()
        .build();
    let values = ["idle=10m", "stale-while-revalidate=10s", "stale_if_error=5m", "timeout=100ms", "dry-run=on"];
    let timeouts = ["soft-load-timeout=250ms", "hard-load-timeout=none", "capacity=200", "ttl=1h"];
    let text = service.said(&[["set", "every::slow"].as_slice(), &values, &timeouts].concat());
    for line in [
        "idle none 10 m",
        "stale-while-revalidate none 10.0 s",
        "stale-if-error none 5 m",
        "dry-run off on",
        "soft-load-timeout 500 ms 250 ms",
        "hard-load-timeout 2.0 s none",
        "capacity 100 200",
        "ttl none 1 h",
    ] {
        let is_there = text.lines().any(|shown| shown.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(is_there, "{line}: {text}");
    }
    let now = registry::find("every::slow").expect("the cache").configuration();
    assert_eq!((now.timeout, now.hard_load_timeout, now.is_dry_run), (Duration::from_millis(100), None, true));
    slow.insert(1, 1);
    // It may evict: what the configuration says is not known here.
    let (code, told) = service.failed(&["set", "every::slow", "capacity=configured"]);
    assert!(code == 4 && told.contains("perhaps evict some of the 1 entries"), "{code} {told}");
    let back = ["hard-load-timeout=configured", "dry-run=configured", "capacity=configured", "idle=none", "--yes"];
    let changed = service.json(&[["set", "every::slow"].as_slice(), &back].concat());
    let after = &changed["after"];
    assert_eq!(
        (&after["hard_load_timeout_seconds"], &after["dry_run"], &after["bound"]["entries"], &after["idle_seconds"]),
        (&2.0.into(), &false.into(), &100.into(), &Value::Null),
        "{changed}"
    );
    assert_eq!((&after["sources"]["idle"], &after["sources"]["dry_run"]), (&"live".into(), &Value::Null), "{changed}");
    let (code, told) = service.failed(&["set", "every::user", "hard-load-timeout=1s"]);
    assert!(code == 2 && told.contains("load_timeout = (hard = "), "{code} {told}");
}

#[test]
fn what_went_while_somebody_thought_about_it_is_not_counted() {
    let service = Service::start("slow");
    let mut terminal = Terminal::new();
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
        .args(["set", "slow::user", "capacity=100", "--json", "--admin", &service.url, "--timeout", "60s"])
        .env("CACHEKIT_ADMIN_TOKEN", crate::service::TOKEN)
        .stdin(terminal.side())
        .stdout(Stdio::piped())
        .stderr(terminal.side())
        .spawn()
        .expect("it runs");
    terminal.shows("This will evict 100 of the 200 entries of slow::user");
    (0..3_000).for_each(|id| service.call(id));
    let evicted = || registry::find("slow::user").expect("the cache").stats().removals.evicted;
    let before = evicted();
    assert!(before > 0);
    terminal.types("y\n");
    let output = child.wait_with_output().expect("its end");
    let told: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(told["evicted"], evicted() - before, "{told}");
}

#[test]
fn advice_comes_from_the_calls_of_a_service() {
    let service = Service::start("asked").under_load();
    let is_advised = || registry::find("asked::user").is_some_and(|cache| cache.is_advised());
    let (code, told) = service.failed(&["advise", "asked::user"]);
    assert!(code == 1 && told.contains("--for 1m"), "{code} {told}");
    let folder = tempfile::tempdir().expect("a folder");
    let plot = folder.path().join("advice.svg");
    let advice = service.json(&["advise", "asked::user", "--for", "2s", "--svg", plot.to_str().expect("a path")]);
    assert!(!is_advised(), "what was begun is ended");
    let (now, knee) = (&advice["now"], &advice["knee"]);
    assert_eq!((&now["strategy"], &now["capacity"]), (&"s3-tinylfu".into(), &1_000.into()), "{advice}");
    assert!(knee["capacity"].as_u64().is_some_and(|capacity| capacity > 0), "{advice}");
    let (accesses, difference) = (
        advice["accesses"].as_f64().expect("calls"),
        knee["hit_ratio"].as_f64().expect("one") - now["hit_ratio"].as_f64().expect("one"),
    );
    let saved = advice["saved_loads"].as_f64().expect("loads");
    assert!((saved - accesses * difference).abs() < 1.0, "{advice}");
    let svg = fs::read_to_string(plot).expect("a plot");
    assert!(svg.starts_with("<svg") && svg.contains("now: 1000 entries") && svg.contains("asked::user"), "{svg}");
    let outlooks = advice["outlooks"].as_array().expect("outlooks");
    let wanted = [
        "lru",
        "s3-tinylfu",
        knee["strategy"].as_str().expect("a name"),
        advice["same_room"]["strategy"].as_str().expect("a name"),
    ];
    let points =
        |name: &str| (wanted.contains(&name)).then(|| outlooks.iter().filter(|one| one["strategy"] == name).count());
    let curves = traces::curves(&svg);
    assert!(
        curves.iter().all(|(name, count)| points(name) == Some(*count) && *count > 2),
        "{curves:?} of {wanted:?}: {svg}"
    );
    assert!(wanted.iter().all(|name| curves.contains_key(name)), "{curves:?} of {wanted:?}");

    registry::find("asked::user").expect("the cache").start_thorough_advice();
    eventually("it has seen some", || {
        registry::find("asked::user").and_then(|cache| cache.advice()).is_some_and(|advice| advice.sampled > 10_000)
    });
    let text = service.said(&["advise", "asked::user"]);
    assert!(text.contains("the knee") && text.contains("The cache itself has hit"), "{text}");
    service.said(&["advise", "asked::user", "--for", "100ms"]);
    assert!(is_advised(), "what others have begun goes on");
}

#[test]
fn what_advice_prints_is_taken_by_set() {
    let service = Service::start("line");
    let user = || registry::find("line::user").expect("the cache");
    user().start_thorough_advice();
    // Room for three times as many as there are.
    (0..30_000).for_each(|turn| service.call(turn % 300));
    eventually("it has seen some", || user().advice().is_some_and(|advice| advice.sampled > 1_000));
    let text = service.said(&["advise", "line::user"]);
    let line = text.lines().find_map(|line| line.strip_prefix("Set: cachekit ")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.starts_with("set line::user ") && line.ends_with(&format!(" --admin {}", service.url)), "{line}");
    let knee = service.json(&["advise", "line::user"])["knee"].clone();
    let (said, admin) = line.split_once(" --admin").expect("a service");
    assert!(!admin.is_empty());
    let said: Vec<&str> = said.split_whitespace().collect();
    service.said(&[&said[..], &["--yes"]].concat());
    let now = user().configuration();
    assert_eq!(knee["strategy"], now.strategy.as_str(), "{text}");
    assert_eq!(registry::Bound::Entries(knee["capacity"].as_u64().expect("entries")), now.bound, "{text}");
}

/// It samples for an hour, unless somebody ends it.
fn adviser(service: &Service, cache: &str, timeout: &str) -> std::process::Child {
    std::process::Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
        .args(["advise", cache, "--for", "1h", "--admin", &service.url, "--timeout", timeout])
        .env("CACHEKIT_ADMIN_TOKEN", crate::service::TOKEN)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

#[test]
fn sampling_ends_when_somebody_has_seen_enough() {
    let service = Service::start("enough").under_load();
    let is_advised = || registry::find("enough::user").is_some_and(|cache| cache.is_advised());
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let child = adviser(&service, "enough::user", "60s");
        eventually("it samples", is_advised);
        eventually("it has seen some", || {
            registry::find("enough::user").and_then(|cache| cache.advice()).is_some_and(|advice| advice.sampled > 1_000)
        });
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(130), "{signal:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("the knee"), "{output:?}");
        assert!(!is_advised(), "{signal:?}");
    }
    // Before there was a call.
    let child = adviser(&service, "enough::page", "60s");
    let pages = || registry::find("enough::page").is_some_and(|cache| cache.is_advised());
    eventually("it samples", pages);
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(!pages());
}

#[test]
fn sampling_of_which_nothing_was_heard_is_ended_too() {
    let late = router(anybody).layer(from_fn(|request: Request, next: Next| async move {
        let is_start = request.method() == "POST" && request.uri().path().ends_with("/advice");
        let answer = next.run(request).await;
        if is_start {
            std::future::pending::<()>().await;
        }
        answer
    }));
    let service = Service::with("late", late);
    let child = adviser(&service, "late::user", "2s");
    let is_advised = || registry::find("late::user").is_some_and(|cache| cache.is_advised());
    eventually("it samples", is_advised);
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(!is_advised());
}
