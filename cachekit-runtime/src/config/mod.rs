//! What is said beside the code: of the backends by the program, by the environment and by `cachekit.toml`, in this order; of caches by the environment
//! and the file.

#[cfg(all(feature = "config", feature = "registry"))]
mod current;
#[cfg(all(test, feature = "config"))]
mod document_tests;
mod environment;
#[cfg(feature = "config")]
mod file;
#[cfg(feature = "config")]
#[cfg_attr(not(feature = "registry"), expect(dead_code, reason = "without names of caches it is checked alone"))]
mod grammar;
mod links;
#[cfg(all(feature = "config", feature = "registry"))]
mod reload;
#[cfg(feature = "config")]
#[cfg_attr(not(feature = "registry"), expect(dead_code, reason = "without names of caches it is checked alone"))]
mod rules;
mod said;
mod sources;
#[cfg(feature = "config")]
mod suggest;
#[cfg(feature = "config")]
mod variables;
#[cfg(all(feature = "config", feature = "registry"))]
mod watch;

#[cfg(all(feature = "config", feature = "registry"))]
pub(crate) use current::{apply_to_all, apply_to_new};
#[cfg(feature = "config")]
pub use file::{Bytes, Span, parse_as, read_as};
pub(crate) use links::{described, is_described, limits, link, link_at};
#[cfg(all(feature = "config", feature = "registry"))]
pub use reload::{Reloaded, reload_configuration};
pub(crate) use sources::gather;
#[cfg(all(feature = "config", feature = "inspect"))]
pub(crate) use sources::notes;
#[cfg(feature = "config")]
pub use suggest::suggestion;

use crate::{Error, sync::lock};
pub(crate) use said::Said;
use std::{
    fmt,
    path::PathBuf,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What the program said before the first use.
static PROGRAM: Mutex<Option<Said>> = Mutex::new(None);

/// Whether the program has asked for keys in spans.
static SHOWS_KEYS: AtomicBool = AtomicBool::new(false);

/// What all sources say together of backends, from the first use on.
static SETTLED: OnceLock<Said> = OnceLock::new();

/// Says where the backends are that `backend = "redis"` and `backend = "file"` stand for, before the first call of a function that names them.
///
/// What is not said here comes from the environment (`CACHEKIT_REDIS_URL`, `CACHEKIT_DIR`, `CACHEKIT_NAMESPACE`, `CACHEKIT_MAX_VALUE_BYTES` and more with the
/// feature `config`), and what is not said there from `cachekit.toml` (in the working directory, or where `CACHEKIT_CONFIG` says; feature `config`). A backend
/// that nobody has described is one line in the log at its first use, and the calls run without it.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// # fn start() -> Result<(), cachekit::Error> {
/// cachekit::configure().namespace("shop").directory("/var/cache/shop").redis("redis://cache.example:6379").apply()?;
/// # Ok(())
/// # }
/// # start().unwrap();
/// ```
///
/// `cachekit.toml`, in which everything can be left out:
///
/// ```toml
/// namespace = "shop"
/// max_value_bytes = "256MiB"
/// near_outage = "0s"         # for so long memory stands in for a Redis that is not heard
/// strict = false             # for `configure().apply()`
///
/// [redis]
/// url = "redis://cache.example:6379"
/// connect_timeout = "1s"
/// response_timeout = "250ms"
///
/// [file]
/// directory = "/var/cache/shop"
/// max_bytes = "1GiB"
/// page_cache = "16MiB"
///
/// [defaults]                 # of all caches; more in docs/configuration.md
/// stale_if_error = "1m"
///
/// [caches."app::*"]          # of some, by name
/// ttl = "30s"
///
/// [[http.pages.rules]]       # of a cache of HTTP responses that is named `pages`
/// path = "/users/{id}"
/// ttl = "30s"
/// ```
#[must_use = "a configuration does nothing until `apply`"]
pub fn configure() -> Configure {
    Configure { said: Said::default() }
}

/// What a program says of its backends; made by [`configure`].
#[must_use = "a configuration does nothing until `apply`"]
pub struct Configure {
    said: Said,
}

impl Configure {
    /// What keeps applications apart that share a Redis. Default: `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.said.namespace = Some(namespace.into());
        self
    }

    /// The URL of the Redis: `redis://[user:password@]host[:port][/database]`, `rediss://…` (feature `redis-tls`), `redis+unix:///path`.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.said.redis.url = Some(url.into());
        self
    }

    /// How long an attempt to connect to Redis may take. Default: 1 s.
    pub fn redis_connect_timeout(mut self, timeout: Duration) -> Self {
        self.said.redis.connect_timeout = Some(timeout);
        self
    }

    /// How long Redis may take to answer one request. Default: 250 ms; the `timeout` of a cache ends a call earlier.
    pub fn redis_response_timeout(mut self, timeout: Duration) -> Self {
        self.said.redis.response_timeout = Some(timeout);
        self
    }

    /// The folder of the file store. It is made if it is not there.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.said.file.directory = Some(directory.into());
        self
    }

    /// The most bytes of the file store. Default: 1 GiB.
    pub fn directory_max_bytes(mut self, bytes: u64) -> Self {
        self.said.file.max_bytes = Some(bytes);
        self
    }

    /// The memory for pages of the file store. Default: 16 MiB.
    pub fn directory_page_cache(mut self, bytes: u64) -> Self {
        self.said.file.page_cache = Some(bytes);
        self
    }

    /// The most bytes of an entry in a backend, and the most that reading one may allocate: up to sixteen times its bytes for JSON, five for the other
    /// formats. What is larger is not stored, and counts as missing where it is found. Default: 256 MiB.
    pub fn max_value_bytes(mut self, bytes: u64) -> Self {
        self.said.max_value_bytes = Some(bytes);
        self
    }

    /// How long the memory of this process goes on to give what it has of a shared backend after that was heard last, while it does not answer. Others may
    /// have invalidated it meanwhile. Default: not at all: calls compute.
    pub fn near_outage(mut self, outage: Duration) -> Self {
        self.said.near_outage = Some(outage);
        self
    }

    /// Whether [`apply`](Self::apply) fails where a backend that is described cannot be used. Default: no: it is a line in the log, and calls run
    /// without it until it can.
    pub fn strict(mut self, strict: bool) -> Self {
        self.said.strict = Some(strict);
        self
    }

    /// Whether spans of `tracing` have keys, which may be personal data, beside their hashes. Default: no. Only the program can say so: who sets a variable or writes a file need not be
    /// who answers for what is in its logs. Keys that serde does not know have no text.
    pub fn trace_keys(mut self, keys: bool) -> Self {
        self.said.trace_keys = Some(keys);
        self
    }

    /// Puts it in place, for the rest of the process.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a backend was used before or this was called already, or if `cachekit.toml` or the environment has mistakes; with
    /// `strict` the failure of the first backend that cannot be used, for which this waits for up to a second each.
    pub fn apply(self) -> Result<(), Error> {
        {
            let mut program = lock(&PROGRAM);
            if program.is_some() || SETTLED.get().is_some() {
                return Err(Error::configuration(
                    "the program",
                    "`configure()` was called twice, or after the first use of a backend: call it once, at the start of `main`",
                ));
            }
            *program = Some(self.said.clone());
            SHOWS_KEYS.store(self.said.trace_keys == Some(true), Ordering::Relaxed);
        }
        let (said, mistakes) = gather(Some(self.said));
        if let Some(mistake) = mistakes.into_iter().next() {
            return Err(mistake);
        }
        if said.strict == Some(true) { links::check() } else { Ok(()) }
    }
}

impl fmt::Debug for Configure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.fmt(f)
    }
}

/// Are there to be keys in spans?
pub(crate) fn shows_keys() -> bool {
    SHOWS_KEYS.load(Ordering::Relaxed)
}

/// What all sources say, settled at the first use. Mistakes are a line in the log each.
fn settled() -> &'static Said {
    // Before: it may log, and who logs may use a cache.
    let first = sources::first();
    SETTLED.get_or_init(|| {
        let program = lock(&PROGRAM).clone();
        first.said(program)
    })
}
