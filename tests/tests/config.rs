//! Where backends are: said by the program, by the environment, by `cachekit.toml`. It is settled once in a process, so each case is a child.

use cachekit_runtime::{Cache, Delivery, Error, Place, backend::Failure, configure};
use cachekit_tests::{child, redis_server::RedisServer};
use std::{
    fmt::{Debug, Write},
    fs,
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The lines of the log that a person is meant to read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Of this process, from now on.
    fn of_all() -> Self {
        let log = Log::default();
        tracing::subscriber::set_global_default(log.clone()).expect("the only one");
        log
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).ok();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn cache(name: &'static str, place: Place) -> Cache<u64, u64> {
    Cache::builder().name(name).ttl(Duration::from_secs(60)).backends([place]).build()
}

/// It computes every time: there is nothing that it could store in.
fn runs_uncached(cache: &Cache<u64, u64>) {
    for value in 0..3 {
        assert_eq!(cache.get_or_compute(&1, || value), value);
    }
    assert_eq!(cache.get(&1), None);
    cache.invalidate(&1);
    cache.insert(1, 7);
    assert_eq!(cache.get(&1), None);
}

/// One line says what is wrong, whatever is called how often; it says it in these words and keeps the secret.
fn one_line(log: &Log, words: &[&str]) {
    let lines = log.lines();
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    for word in words {
        assert!(line.contains(word), "no {word:?} in {line}");
    }
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn the_program_counts_before_the_environment_and_the_environment_before_the_file() {
    let test = "the_program_counts_before_the_environment_and_the_environment_before_the_file";
    let Some(role) = child::role() else {
        let server = RedisServer::start();
        let url = server.url();
        for role in ["program", "environment", "file"] {
            // Where the environment has a say; elsewhere nobody is there.
            let by_file = if role == "file" { url.clone() } else { "redis://127.0.0.1:1".to_owned() };
            let file =
                format!("namespace = 'of_the_file'\n[redis]\nurl = '{by_file}'\n[file]\ndirectory = 'by_the_file'");
            child::run_configured(test, role, Some(&file), |command, folder| {
                if role != "file" {
                    command.env("CACHEKIT_NAMESPACE", "of_the_environment").env("CACHEKIT_REDIS_URL", &url);
                    command.env("CACHEKIT_DIR", folder.join("by_the_environment"));
                }
            });
            let keys = server.cli(&["KEYS", "ck:*:d:*"]);
            assert_eq!(keys.lines().count(), 1, "{keys}");
            assert!(keys.starts_with(&format!("ck:of_the_{role}:d:")), "{role}: {keys}");
            server.cli(&["FLUSHALL"]);
        }
        return;
    };
    let log = Log::of_all();
    if role == "program" {
        let program = configure().namespace("of_the_program").directory("by_the_program");
        program.apply().expect("nothing was said before");
    }
    let (redis, file) = (cache("config::redis", Place::redis()), cache("config::file", Place::file()));
    for cache in [&redis, &file] {
        assert_eq!(cache.get_or_compute(&1, || 7), 7);
        assert_eq!(cache.get_or_compute(&1, || 8), 7);
    }
    assert_eq!(redis.stats().far.stores, 1);
    let folders: Vec<_> = fs::read_dir(".").expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    let made: Vec<_> = folders.iter().filter(|name| name.to_string_lossy().starts_with("by_the_")).collect();
    assert_eq!(made, [&*format!("by_the_{role}")]);
    assert_eq!(log.lines(), [""; 0]);
}

#[test]
fn who_says_how_long_a_connection_may_take_is_obeyed() {
    let test = "who_says_how_long_a_connection_may_take_is_obeyed";
    let long = Duration::from_millis(2_500);
    let Some(role) = child::role() else {
        // The system takes connections, and nobody says anything on them.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("redis://{}", silent.local_addr().expect("its address"));
        for role in ["file", "environment", "program"] {
            let by_file = if role == "file" { "2500ms" } else { "20ms" };
            let file = format!("[redis]\nurl = '{url}'\nresponse_timeout = '20s'\nconnect_timeout = '{by_file}'");
            child::run_configured(test, role, Some(&file), |command, _| {
                if role != "file" {
                    let by_variable = if role == "environment" { "2500ms" } else { "30ms" };
                    command.env("CACHEKIT_REDIS_CONNECT_TIMEOUT", by_variable);
                }
            });
        }
        return;
    };
    if role == "program" {
        configure().redis_connect_timeout(long).apply().expect("nothing was said before");
    }
    let patient = Cache::builder().name("config::silent").timeout(Duration::from_secs(20));
    let cache: Cache<u64, u64> = patient.backends([Place::redis()]).build();
    let begun = Instant::now();
    assert_eq!(cache.get_or_compute(&1, || 7), 7);
    assert!(begun.elapsed() >= long, "{role}: {:?}", begun.elapsed());
}

#[test]
fn another_file_can_be_named() {
    if child::role().is_some() {
        let cache = cache("config::named", Place::file());
        assert_eq!((cache.get_or_compute(&1, || 7), cache.get_or_compute(&1, || 8)), (7, 7));
        assert!(Path::new("there").is_dir());
        return;
    }
    child::run_configured(
        "another_file_can_be_named",
        "child",
        Some("[file]\ndirectory = 'wrong'"),
        |command, folder| {
            fs::write(folder.join("other.toml"), "[file]\ndirectory = 'there'").expect("the file");
            command.env("CACHEKIT_CONFIG", folder.join("other.toml"));
        },
    );
}

#[test]
fn nothing_is_said_of_a_backend() {
    let Some(role) = child::role() else {
        for role in ["redis", "file"] {
            child::run_configured("nothing_is_said_of_a_backend", role, None, |_, _| {});
        }
        return;
    };
    let log = Log::of_all();
    let is_redis = role == "redis";
    let place = || if is_redis { Place::redis() } else { Place::file() };
    runs_uncached(&cache("config::nothing", place()));
    runs_uncached(&cache("config::nothing_either", place()));
    let variable = if is_redis { "CACHEKIT_REDIS_URL" } else { "CACHEKIT_DIR" };
    one_line(
        &log,
        &["ERROR", &role, "nobody has said where it is", "cachekit::configure()", "cachekit.toml", variable],
    );
    // The memory in front of it is none the worse.
    let near = Cache::<u64, u64>::builder().name("config::near").backends([Place::memory(), place()]).build();
    assert_eq!((near.get_or_compute(&1, || 7), near.get_or_compute(&1, || 8), near.get(&1)), (7, 7, Some(7)));
    assert_eq!(near.invalidate(&1), Delivery::Local);
}

/// What people get wrong, and what the line says of it.
const MISTAKES: [(&str, &str, &[&str]); 4] = [
    ("bad URL", "[redis]\nurl = 'redis://app:hunter2@'", &["redis", "ERROR"]),
    ("scheme", "[redis]\nurl = 'http://app:hunter2@127.0.0.1'", &["redis", "ERROR"]),
    ("folder", "[file]\ndirectory = 'a_file/below'", &["file", "a_file"]),
    (
        "toml",
        "[redis]\nulr = 'redis://app:hunter2@h'",
        &["cachekit.toml", "line 2", "`ulr` is no setting of `[redis]`: did you mean `url`?"],
    ),
];

#[test]
fn a_mistake_is_one_line_and_calls_run_uncached() {
    let Some(role) = child::role() else {
        for (role, file, _) in MISTAKES {
            child::run_configured("a_mistake_is_one_line_and_calls_run_uncached", role, Some(file), |_, folder| {
                fs::write(folder.join("a_file"), "in the way").expect("a file");
            });
        }
        return;
    };
    let log = Log::of_all();
    let (_, _, words) = MISTAKES.iter().find(|(mistake, ..)| *mistake == role).expect("it is one of them");
    let place = || if role == "folder" { Place::file() } else { Place::redis() };
    runs_uncached(&cache("config::mistake", place()));
    runs_uncached(&cache("config::mistake_too", place()));
    if role == "toml" {
        // The file says nothing then, which is another line.
        let lines = log.lines();
        assert!(lines.len() == 2 && words.iter().all(|word| lines[0].contains(word)), "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("hunter2")), "{lines:#?}");
    } else {
        one_line(&log, words);
    }
}

#[test]
fn a_wrong_password_is_one_line() {
    if child::role().is_none() {
        let server = RedisServer::options().password("right").start();
        let file = format!("[redis]\nurl = 'redis://:hunter2@127.0.0.1:{}'", server.port());
        return child::run_configured("a_wrong_password_is_one_line", "child", Some(&file), |_, _| {});
    }
    let log = Log::of_all();
    runs_uncached(&cache("config::password", Place::redis()));
    one_line(&log, &["redis"]);
}

#[test]
fn strict_fails_at_the_start() {
    let Some(role) = child::role() else {
        for (role, file, _) in MISTAKES {
            child::run_configured("strict_fails_at_the_start", role, Some(file), |_, folder| {
                fs::write(folder.join("a_file"), "in the way").expect("a file");
            });
        }
        let server = RedisServer::options().password("right").start();
        for (role, password) in [("password", "hunter2"), ("well", "right")] {
            let file = format!("[redis]\nurl = 'redis://:{password}@127.0.0.1:{}'", server.port());
            child::run_configured("strict_fails_at_the_start", role, Some(&file), |_, _| {});
        }
        let file = "[redis]\nurl = 'redis://:hunter2@127.0.0.1:1'";
        return child::run_configured("strict_fails_at_the_start", "unreachable", Some(file), |_, _| {});
    };
    let applied = configure().strict(true).apply();
    if role == "well" {
        return assert_eq!(applied, Ok(()));
    }
    let error = applied.expect_err(&role);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let as_expected = match (&*role, &error) {
        ("toml", Error::Configuration { .. }) => true,
        ("unreachable", Error::Backend { failure, .. }) => *failure == Failure::Unreachable,
        ("folder", Error::Backend { .. }) => true,
        (_, Error::Backend { failure, .. }) => *failure == Failure::Misconfigured,
        _ => false,
    };
    assert!(as_expected, "{role}: {error:?}");
}

#[test]
fn it_is_said_once() {
    let Some(role) = child::role() else {
        for role in ["twice", "late"] {
            child::run_configured("it_is_said_once", role, None, |_, _| {});
        }
        return;
    };
    if role == "twice" {
        assert_eq!(configure().directory("one").apply(), Ok(()));
    } else {
        assert_eq!(cache("config::early", Place::file()).get(&1), None);
    }
    let error = configure().directory("two").apply().expect_err("it is too late");
    assert!(matches!(error, Error::Configuration { .. }) && error.to_string().contains("call it once"), "{error}");
}

#[test]
fn a_tag_reaches_a_described_backend_that_this_process_has_not_used() {
    let test = "a_tag_reaches_a_described_backend_that_this_process_has_not_used";
    let Some(role) = child::role() else {
        let (server, folder) = (RedisServer::start(), tempfile::tempdir().expect("a folder"));
        // The same backends, one process after the other.
        for role in ["stores", "invalidates", "looks"] {
            child::run_configured(test, role, None, |command, _| {
                command.env("CACHEKIT_REDIS_URL", server.url()).env("CACHEKIT_DIR", folder.path());
            });
        }
        return;
    };
    let tagged = |name: &'static str, place: Place| -> Cache<u64, u64> {
        Cache::builder()
            .name(name)
            .ttl(Duration::from_secs(600))
            .backends([place])
            .tags_with(|_| vec!["all".to_owned()])
            .build()
    };
    if role == "invalidates" {
        assert_eq!(cachekit_runtime::invalidate_tag("all"), cachekit_runtime::Delivery::Shared);
        return;
    }
    let caches = [tagged("config::tagged_redis", Place::redis()), tagged("config::tagged_file", Place::file())];
    for cache in &caches {
        let loaded = if role == "stores" { 1 } else { 2 };
        assert_eq!(cache.get_or_compute(&1, || loaded), loaded, "{role}");
        assert_eq!(cache.get_or_compute(&1, || 3), loaded, "{role}");
    }
    cachekit_runtime::flush().wait();
}
