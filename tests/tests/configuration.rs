//! What `cachekit.toml`, the environment and live changes say of caches, and which of it counts. A process has one configuration, so each case is a child.

use cachekit::admin::{Access, Admin, Scope};
use cachekit_runtime::{
    Cache, OutcomeKind, Place, Setting, Tier,
    backend::MemoryBytes,
    policy::{Lru, Strategy},
    registry::{self, AnyCache, Bound, Configuration, Source, Ttl},
    reload_configuration,
};
use cachekit_tests::{child::is_configured, heard, waiting};
use http_body_util::BodyExt as _;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tower::ServiceExt as _;

const SECOND: Duration = Duration::from_secs(1);

fn write(file: &str) {
    fs::write("cachekit.toml", file).expect("the file");
}

/// Reloads what is expected to have no mistake.
fn reload(file: &str) -> cachekit_runtime::Reloaded {
    write(file);
    reload_configuration().expect("no mistake")
}

/// Reloads what is expected to have one.
fn mistake(file: &str) -> String {
    write(file);
    let mistakes = reload_configuration().expect_err(file);
    let [mistake] = &mistakes[..] else { panic!("{mistakes:#?}") };
    mistake.to_string()
}

fn there(name: &str) -> Arc<dyn AnyCache> {
    registry::find(name).unwrap_or_else(|| panic!("{name} is not in the registry"))
}

fn source(configuration: &Configuration, setting: Setting) -> Source {
    let said = configuration.sources.iter().find(|(said, _)| *said == setting);
    said.map_or(Source::Code, |(_, source)| *source)
}

/// A setting as text, so that all of them are compared alike.
fn in_force(cache: &dyn AnyCache, setting: Setting) -> String {
    let now = cache.configuration();
    match setting {
        Setting::Ttl => match now.ttl {
            Ttl::Fixed(ttl) => ttl.as_secs().to_string(),
            other => format!("{other:?}"),
        },
        Setting::Idle => now.idle.map_or("none".to_owned(), |idle| idle.as_secs().to_string()),
        Setting::StaleWhileRevalidate => now.stale_while_revalidate.as_secs().to_string(),
        Setting::StaleIfError => now.stale_if_error.as_secs().to_string(),
        Setting::Capacity | Setting::MaxBytes => match now.bound {
            Bound::Entries(most) | Bound::Weight(most) => most.to_string(),
            _ => "unbounded".to_owned(),
        },
        Setting::Strategy => now.strategy,
        Setting::Enabled => now.is_enabled.to_string(),
        Setting::DryRun => now.is_dry_run.to_string(),
        Setting::Timeout => now.timeout.as_secs().to_string(),
        Setting::SoftLoadTimeout => now.soft_load_timeout.map_or("none".to_owned(), |time| time.as_secs().to_string()),
        Setting::HardLoadTimeout => now.hard_load_timeout.map_or("none".to_owned(), |time| time.as_secs().to_string()),
        Setting::Tier(tier) => {
            let state = cache.tiers().into_iter().find(|state| state.tier == tier);
            state.expect("it has that tier").is_used.to_string()
        }
        other => panic!("{other}"),
    }
}

/// Of each setting: as built, what the file, the environment and a live change say, and how the two write it.
type Levels = (Setting, [&'static str; 4], &'static str, &'static str, fn(&dyn AnyCache));

const LEVELS: [Levels; 15] = [
    (Setting::Ttl, ["1", "2", "3", "4"], "'2s'", "3s", |cache| cache.set_ttl(Some(4 * SECOND))),
    (Setting::Idle, ["1", "2", "3", "4"], "'2s'", "3s", |cache| cache.set_idle(Some(4 * SECOND))),
    (Setting::StaleWhileRevalidate, ["1", "2", "3", "4"], "'2s'", "3s", |cache| {
        cache.set_stale_while_revalidate(4 * SECOND);
    }),
    (Setting::StaleIfError, ["1", "2", "3", "4"], "'2s'", "3s", |cache| cache.set_stale_if_error(4 * SECOND)),
    (Setting::Capacity, ["100", "200", "unbounded", "400"], "200", "unbounded", |cache| cache.set_capacity(400)),
    (Setting::MaxBytes, ["100", "200", "3072", "400"], "200", "3KiB", |cache| cache.set_capacity(400)),
    (Setting::Strategy, ["lru", "lfu", "fifo", "sieve"], "'lfu'", "fifo", |cache| {
        cache.set_strategy("sieve").expect("there is one");
    }),
    (Setting::Enabled, ["true", "false", "true", "false"], "false", "on", |cache| cache.set_enabled(false)),
    (Setting::DryRun, ["false", "true", "false", "true"], "true", "off", |cache| cache.set_dry_run(true)),
    (Setting::Timeout, ["1", "2", "3", "4"], "'2s'", "3s", |cache| cache.set_timeout(4 * SECOND)),
    (Setting::SoftLoadTimeout, ["1", "2", "3", "4"], "'2s'", "3s", |cache| {
        cache.set_soft_load_timeout(Some(4 * SECOND));
    }),
    (Setting::HardLoadTimeout, ["1", "2", "none", "4"], "'2s'", "never", |cache| {
        cache.set_hard_load_timeout(Some(4 * SECOND));
    }),
    (Setting::Tier(Tier::Memory), ["true", "false", "true", "false"], "false", "on", |cache| {
        cache.set_tier(Tier::Memory, false).expect("there are others");
    }),
    (Setting::Tier(Tier::Own), ["true", "false", "true", "false"], "false", "on", |cache| {
        cache.set_tier(Tier::Own, false).expect("there are others");
    }),
    (Setting::Tier(Tier::File), ["true", "false", "true", "false"], "false", "on", |cache| {
        cache.set_tier(Tier::File, false).expect("there are others");
    }),
];

fn built(name: String, setting: Setting) -> Cache<u64, u64> {
    let builder = Cache::builder()
        .name(name)
        .ttl(SECOND)
        .idle(SECOND)
        .stale_while_revalidate(SECOND)
        .stale_if_error(SECOND)
        .strategy(Strategy::Lru)
        .load_timeout_soft(SECOND)
        .load_timeout_hard(SECOND)
        .backends([Place::memory(), Place::own(MemoryBytes::new()), Place::file()])
        .timeout(SECOND);
    if setting == Setting::MaxBytes { builder.max_bytes(100) } else { builder.capacity(100) }.build()
}

#[test]
fn code_then_file_then_environment_then_live_for_every_setting() {
    let name = |setting: Setting| format!("level::{}", setting.name().replace('.', "-"));
    let variable = |setting: Setting| {
        let plain: String = name(setting).to_uppercase().replace([':', '-'], "_");
        format!("CACHEKIT_CACHE_{plain}_{}", setting.name().to_uppercase().replace('.', "_"))
    };
    let text = |levels: &[&Levels]| -> String {
        let table = |(setting, _, file, ..): &&Levels| format!("[caches.'{}']\n{setting} = {file}\n", name(*setting));
        format!("[file]\ndirectory = 'store'\n{}", levels.iter().map(table).collect::<String>())
    };
    let all: Vec<&Levels> = LEVELS.iter().collect();
    let test = "code_then_file_then_environment_then_live_for_every_setting";
    let is_child = is_configured(test, &text(&all), |command, _| {
        for (setting, _, _, environment, _) in LEVELS {
            command.env(variable(setting), environment);
        }
    });
    if !is_child {
        return;
    }
    for (setting, [_, _, environment, live], _, _, change) in LEVELS {
        let _cache = built(name(setting), setting);
        let any = there(&name(setting));
        assert_eq!(in_force(&*any, setting), environment, "{setting}: the environment counts before the file");
        assert_eq!(source(&any.configuration(), setting), Source::Environment);
        change(&*any);
        assert_eq!(in_force(&*any, setting), live, "{setting}: a live change counts before the environment");
        assert_eq!(source(&any.configuration(), setting), Source::Live);
        reload(&text(&all));
        assert_eq!(in_force(&*any, setting), live, "{setting}: also after a reload");
        any.take_back(setting);
        assert_eq!(in_force(&*any, setting), environment, "{setting}: until it is taken back");
    }
}

#[test]
fn what_leaves_the_file_is_as_the_code_has_it() {
    let name = |setting: Setting| format!("left::{}", setting.name().replace('.', "-"));
    let text: String = LEVELS
        .iter()
        .map(|(setting, _, file, ..)| format!("[caches.'{}']\n{setting} = {file}\n", name(*setting)))
        .collect();
    let text = format!("[file]\ndirectory = 'store'\n{text}");
    if !is_configured("what_leaves_the_file_is_as_the_code_has_it", &text, |_, _| {}) {
        return;
    }
    for (setting, [code, file, ..], ..) in LEVELS {
        let cache = built(name(setting), setting);
        let any = there(&name(setting));
        assert_eq!((in_force(&*any, setting), source(&any.configuration(), setting)), (file.to_owned(), Source::File));
        let reloaded = reload("[file]\ndirectory = 'store'\n");
        assert_eq!(reloaded.changed, [(name(setting), vec![setting])]);
        assert_eq!((in_force(&*any, setting), source(&any.configuration(), setting)), (code.to_owned(), Source::Code));
        let reloaded = reload(&text);
        assert_eq!(reloaded.changed, [(name(setting), vec![setting])], "and it comes back");
        assert_eq!(in_force(&*any, setting), file, "{setting}");
        drop(cache);
    }
}

#[test]
fn the_last_good_configuration_stays_in_force() {
    if !is_configured("the_last_good_configuration_stays_in_force", "[caches.kept]\nttl = '7s'\n", |_, _| {}) {
        return;
    }
    let _cache: Cache<u64, u64> = Cache::builder().name("kept").build();
    let any = there("kept");
    for (file, expected) in [
        (
            "[caches.kept]\nttl = '8s'\ncapcity = 5",
            "line 3: `capcity` is no setting of `[caches.\"kept\"]`: did you mean `capacity`?",
        ),
        ("[caches.kept]\nttl = '8s'\nttl", "line 3"),
        ("[caches.kept]\nttl = '8s'\nstrategy = 'lur'", "line 3: there is no strategy `lur`: did you mean `lru`?"),
        ("[caches.kept]\nttl = '8s'\nmax_bytes = '1MiB'", "line 3: `kept` is bounded by entries: write `capacity`"),
        (
            "[caches.kept]\nttl = '8s'\n[caches.kept.tiers]\nredis = true",
            "line 4: `kept` has no tier `redis`, and a configuration adds none: its code declares `memory`",
        ),
        ("[caches.kept]\nttl = '8s'\n[caches.kept.tiers]\nfile = '/elsewhere'", "line 4: `kept` has no tier `file`"),
        (
            "[caches.kept]\nttl = '8s'\n[caches.kept.tiers]\nmemory = false",
            "line 4: this switches off the last tier of `kept`: write `enabled = false`",
        ),
    ] {
        let mistake = mistake(file);
        assert!(mistake.contains("cachekit.toml: ") && mistake.contains(expected), "{mistake}, not {expected}");
        assert_eq!(in_force(&*any, Setting::Ttl), "7", "{file}");
    }
    // Of many it is said as far as it can hold.
    reload("[defaults]\nttl = '9s'\nmax_bytes = 100\n[caches.'k*'.tiers]\nredis = false");
    assert_eq!(in_force(&*any, Setting::Ttl), "9");
    assert_eq!(any.configuration().bound, Bound::Entries(10_000));
    let late: Cache<u64, u64> = Cache::builder().name("late").build();
    assert_eq!(there("late").configuration().ttl, Ttl::Fixed(9 * SECOND), "what comes later has it too");
    drop(late);
    let notes = reload("[caches.kpet]\nttl = '9s'\n[redis]\nurl = 'redis://h'").notes;
    assert!(notes[0].contains("line 1: no cache is called `kpet` so far: did you mean `kept`?"), "{notes:?}");
    assert!(notes[1].contains("it takes a restart"), "{notes:?}");
}

#[test]
fn a_file_that_changes_is_read_again() {
    let first = "reload_every = '50ms'\n[caches.watched]\nttl = '1s'\n";
    if !is_configured("a_file_that_changes_is_read_again", first, |_, _| {}) {
        return;
    }
    let _cache: Cache<u64, u64> = Cache::builder().name("watched").build();
    let any = there("watched");
    let becomes = |ttl: &str| waiting::eventually(ttl, || in_force(&*any, Setting::Ttl) == ttl);
    assert_eq!(in_force(&*any, Setting::Ttl), "1");
    write("reload_every = '50ms'\n[caches.watched]\nttl = '20s'\n");
    becomes("20");
    write("reload_every = '50ms'\n[caches.watched]\nttl = 'twenty'\n");
    thread::sleep(Duration::from_millis(300)); // sleeps: what is not to happen has to have had its time
    assert_eq!(in_force(&*any, Setting::Ttl), "20", "a mistake changes nothing");
    write("reload_every = '50ms'\n[caches.watched]\nttl = '300s'\n");
    becomes("300");
    fs::remove_file("cachekit.toml").expect("it is there");
    becomes("Never");
}

#[test]
fn a_strategy_of_the_programs_own_is_found_by_its_name() {
    let file = "[caches.own]\nstrategy = 'Lru'\nttl = '7s'";
    if !is_configured("a_strategy_of_the_programs_own_is_found_by_its_name", file, |_, _| {}) {
        return;
    }
    let cache: Cache<u64, u64> = Cache::builder().name("own").build();
    let any = there("own");
    assert_eq!(
        (any.configuration().strategy.as_str(), any.configuration().ttl),
        ("s3-tinylfu", Ttl::Fixed(7 * SECOND))
    );
    registry::add_strategy(Strategy::of::<Lru>());
    assert_eq!(cache.strategy().name(), "Lru", "as soon as it is known");
    reload("");
    assert_eq!(cache.strategy().name(), "s3-tinylfu");
    reload(file);
    assert_eq!(cache.strategy().name(), "Lru");
}

#[test]
fn a_stale_value_is_refreshed_by_one_caller_where_the_code_asks_for_no_refresh() {
    use cachekit::cache;

    #[cache(name = "rates", ttl = "10s")]
    fn rate(id: u64, now: u64) -> u64 {
        _ = id;
        now
    }

    // In a scope only live changes count, so that tests are what their code says.
    let scope = cachekit::testing::scope();
    assert_eq!(rate(1, 1), 1);
    rate::cache().set_stale_while_revalidate(10 * SECOND);
    scope.advance(11 * SECOND);
    assert_eq!(rate::cache().get(&(1, 1)), Some(1), "it is stale, and given");
    assert_eq!(rate(1, 1), 1);
    assert_eq!(rate::stats().loads, 2, "the one caller computes");
    assert_eq!(rate::traced(1, 1).1.kind, OutcomeKind::Hit);
}

static NEAR_AND_FAR: std::sync::LazyLock<MemoryBytes> = std::sync::LazyLock::new(MemoryBytes::new);

fn bytes() -> &'static MemoryBytes {
    &NEAR_AND_FAR
}

#[test]
fn a_dry_run_computes_every_call_and_compares_what_any_tier_has() {
    use cachekit::cache;

    #[cache(name = "dry", skip(now), backend = ["memory", bytes()])]
    fn dry(id: u64, now: u64) -> u64 {
        id + now
    }

    #[cache(name = "dry-async", skip(now), backend = ["memory", bytes()])]
    async fn dry_async(id: u64, now: u64) -> u64 {
        id + now
    }

    let test = "a_dry_run_computes_every_call_and_compares_what_any_tier_has";
    if !is_configured(test, "", |_, _| {}) {
        return;
    }
    // With a thread of its own, which stores while this one waits for that.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let forget = || {
        cachekit::flush().wait();
        dry::cache().retain(|_, _| false);
        dry_async::cache().retain(|_, _| false);
    };
    let both = |id: u64, now: u64| {
        let computed = (dry(id, now), runtime.block_on(dry_async(id, now)));
        assert_eq!(computed.0, computed.1);
        computed.0
    };
    assert_eq!((both(1, 0), both(1, 5)), (1, 1));
    forget();
    reload("[caches.'dry*']\ndry_run = true");
    assert_eq!(both(1, 5), 6, "computed, although a backend has a value");
    assert_eq!(both(1, 0), 1, "and although memory has it now");
    assert_eq!(both(2, 0), 2, "what nobody has is stored");
    assert_eq!(both(2, 7), 9);
    for cache in [&*there("dry"), &*there("dry-async")] {
        let report = cache.dry_run_report();
        assert_eq!((report.agreed, report.diverged.len(), report.more_diverged), (1, 2, 0), "{}", cache.name());
        assert_eq!(report.diverged[0].cached.as_deref(), Some("1"));
        assert_eq!(report.diverged[0].computed.as_deref(), Some("6"));
    }
    reload("");
    assert_eq!(both(1, 9), 1, "cached as before");
    assert_eq!(there("dry").dry_run_report().diverged.len(), 2, "what it found is still there");
}

#[test]
fn idle_and_capacity_hold_for_a_live_cache() {
    if !is_configured("idle_and_capacity_hold_for_a_live_cache", "", |_, _| {}) {
        return;
    }
    let test = cachekit_runtime::time::TestClock::new();
    let cache: Cache<u64, u64> = Cache::builder().name("live").capacity(100).clock(test.clock()).build();
    (0..100).for_each(|key| _ = cache.insert(key, key));
    reload("[caches.live]\ncapacity = 10\nidle = '5s'");
    assert!(cache.len() <= 10, "what is over it has gone");
    reload("[caches.live]\ncapacity = 'unbounded'\nidle = '5s'");
    (0..1_000).for_each(|key| _ = cache.insert(key, key));
    assert_eq!(cache.len(), 1_000);
    test.advance(3 * SECOND);
    assert_eq!(cache.get(&1), Some(1));
    test.advance(3 * SECOND);
    assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), None), "used three seconds ago, and six");
    reload("");
    assert_eq!(cache.stats().capacity, Some(100));
    assert!(cache.len() <= 100);
    test.advance(100 * SECOND);
    cache.insert(2_000, 1);
    test.advance(100 * SECOND);
    assert_eq!(cache.get(&2_000), Some(1));
}

#[test]
fn reloads_and_calls_and_registrations_go_on_together() {
    if !is_configured("reloads_and_calls_and_registrations_go_on_together", "", |_, _| {}) {
        return;
    }
    let cache: Cache<u64, u64> = Cache::builder().name("busy").capacity(1_000).build();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=100_u64 {
                let strategy = ["lru", "sieve", "adaptive", "s3-fifo"][round as usize % 4];
                let capacity = round * 10;
                reload(&format!("[defaults]\nttl = '{round}s'\ncapacity = {capacity}\nstrategy = '{strategy}'"));
            }
            is_over.store(true, Ordering::Release);
        });
        for thread in 0..2_u64 {
            let (cache, is_over) = (&cache, &is_over);
            scope.spawn(move || {
                let mut key = thread;
                while !is_over.load(Ordering::Acquire) {
                    key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let id = key >> 52;
                    assert_eq!(cache.get_or_compute(&id, || id * 2), id * 2);
                    let late: Cache<u64, u64> = Cache::builder().name(format!("late-{thread}")).build();
                    late.insert(1, 1);
                }
            });
        }
    });
    let (busy, late): (_, Cache<u64, u64>) = (there("busy"), Cache::builder().name("late").build());
    for any in [&*busy, &*there("late")] {
        let now = any.configuration();
        assert_eq!((now.ttl, now.bound, &*now.strategy), (Ttl::Fixed(100 * SECOND), Bound::Entries(1_000), "lru"));
    }
    drop(late);
}

#[test]
fn a_variable_about_all_caches_counts_before_a_line_about_one() {
    let file = "[caches.exact]\nttl = '7s'\ncapacity = 5\n";
    let test = "a_variable_about_all_caches_counts_before_a_line_about_one";
    if !is_configured(test, file, |command, _| _ = command.env("CACHEKIT_DEFAULTS_TTL", "9s")) {
        return;
    }
    let _cache: Cache<u64, u64> = Cache::builder().name("exact").ttl(SECOND).build();
    let any = there("exact");
    assert_eq!((in_force(&*any, Setting::Ttl), in_force(&*any, Setting::Capacity)), ("9".to_owned(), "5".to_owned()));
    assert_eq!(source(&any.configuration(), Setting::Ttl), Source::Environment);
    assert_eq!(source(&any.configuration(), Setting::Capacity), Source::File);
}

#[test]
fn the_admin_api_reloads_what_has_changed_and_says_what_is_wrong() {
    let test = "the_admin_api_reloads_what_has_changed_and_says_what_is_wrong";
    if !is_configured(test, "[caches.reloaded]\nttl = '7s'\n", |_, _| {}) {
        return;
    }
    heard::listen();
    let _cache: Cache<u64, u64> = Cache::builder().name("reloaded").build();
    let any = there("reloaded");
    let reloads = |access: Access| -> (u16, serde_json::Value) {
        let router: axum::Router = Admin::new(move |_| Some(access.clone())).router();
        let request = http::Request::post("/api/configuration/reload")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("x-cachekit-admin", "1")
            .body(axum::body::Body::empty());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let response = router.oneshot(request.expect("a request")).await.expect("an answer");
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.expect("its body").to_bytes();
            (status, serde_json::from_slice(&body).expect("JSON"))
        })
    };
    let ann = Access::named("ann").may(Scope::Operate);
    write("[caches.reloaded]\nttl = '8s'\n[caches.nobodys]\nttl = '1s'\n");
    assert_eq!(in_force(&*any, Setting::Ttl), "7");
    let (status, said) = reloads(ann.clone());
    assert_eq!((status, &said["changed"]), (200, &serde_json::json!([{ "cache": "reloaded", "settings": ["ttl"] }])));
    assert!(said["notes"][0].as_str().is_some_and(|note| note.contains("nobodys")), "{said}");
    assert_eq!(in_force(&*any, Setting::Ttl), "8");
    write("[caches.reloaded]\nttl = '9s'\ncapcity = 5\n");
    let (status, said) = reloads(ann.clone());
    let message = said["error"]["message"].as_str().unwrap_or_default();
    assert!(status == 422 && message.contains("line 3") && message.contains("did you mean `capacity`?"), "{said}");
    assert_eq!(in_force(&*any, Setting::Ttl), "8", "what was in force still is");
    assert_eq!(reloads(Access::named("reader").may(Scope::Read)).0, 403);
    let audit: Vec<[String; 2]> = heard::all()
        .iter()
        .filter(|one| one.target == "cachekit::admin" && one.field("change") == "reload")
        .map(|one| ["who", "outcome"].map(|field| one.field(field).to_owned()))
        .collect();
    assert_eq!(audit, [["ann", "done"], ["ann", "failed"]]);
}
