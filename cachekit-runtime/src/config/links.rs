//! The backends that the configuration describes, one of each kind for all caches of the process.

use super::settled;
use crate::{
    Error,
    backend::{Backend, Failure},
    codec::DEFAULT_MAX_VALUE_BYTES,
    far::{Kind, Link},
    sync::lock,
    time::Clock,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

static FILE: OnceLock<Result<Arc<Link>, Error>> = OnceLock::new();
static REDIS: OnceLock<Result<Arc<Link>, Error>> = OnceLock::new();

/// What holds for all entries.
pub(crate) struct Limits {
    pub(crate) max_value_bytes: usize,
    pub(crate) near_outage: Option<Duration>,
}

pub(crate) fn limits() -> Limits {
    let said = settled();
    let bytes = said.max_value_bytes;
    Limits {
        near_outage: said.near_outage,
        max_value_bytes: bytes.map_or(DEFAULT_MAX_VALUE_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    }
}

/// The backend of that kind; where it cannot be had, one line in the log has said why.
pub(crate) fn link(kind: Kind) -> Option<Arc<Link>> {
    linked(kind).as_ref().ok().cloned()
}

/// Backends of those kinds elsewhere than the configuration describes them for all, by where that is.
static ELSEWHERE: Mutex<BTreeMap<Elsewhere, Result<Arc<Link>, Error>>> = Mutex::new(BTreeMap::new());

/// The kind, and a URL or a folder.
type Elsewhere = (&'static str, String);

/// As [`link`], at that URL or in that folder, with the other settings of its kind.
pub(crate) fn link_at(kind: Kind, elsewhere: &str) -> Option<Arc<Link>> {
    let is_described = match kind {
        Kind::File => settled().file.directory.as_deref() == Some(Path::new(elsewhere)),
        Kind::Redis => settled().redis.url.as_deref() == Some(elsewhere),
    };
    if is_described {
        return link(kind);
    }
    let mut failed = None;
    let linked = lock(&ELSEWHERE)
        .entry((kind.name(), elsewhere.to_owned()))
        .or_insert_with(|| {
            let opened = match kind {
                Kind::File => open_file(Some(elsewhere)),
                Kind::Redis => open_redis(Some(elsewhere)),
            };
            failed = opened.as_ref().err().cloned();
            opened.map(|backend| Link::new(backend, Clock::system()))
        })
        .as_ref()
        .ok()
        .cloned();
    // With no lock held: who logs may use a cache.
    if let Some(error) = failed {
        tracing::error!(backend = kind.name(), "{error}; calls run without it");
    }
    linked
}

fn linked(kind: Kind) -> &'static Result<Arc<Link>, Error> {
    let slot = match kind {
        Kind::File => &FILE,
        Kind::Redis => &REDIS,
    };
    slot.get_or_init(|| {
        let opened = open(kind);
        if let Err(error) = &opened {
            tracing::error!(backend = kind.name(), "{error}; calls run without it");
        }
        opened.map(|backend| Link::new(backend, Clock::system()))
    })
}

/// The kinds that somebody has described, as far as this build has them.
fn kinds() -> impl Iterator<Item = Kind> {
    let said = settled();
    let file = cfg!(feature = "file") && said.file.directory.is_some();
    let redis = cfg!(feature = "redis") && said.redis.url.is_some();
    [(Kind::File, file), (Kind::Redis, redis)].into_iter().filter(|(_, is_there)| *is_there).map(|(kind, _)| kind)
}

/// Has somebody said where the backend of that kind is?
pub(crate) fn is_described(kind: Kind) -> bool {
    kinds().any(|described| described == kind)
}

/// The backends that are described and can be used.
pub(crate) fn described() -> Vec<Arc<Link>> {
    let elsewhere: Vec<_> = lock(&ELSEWHERE).values().filter_map(|link| link.clone().ok()).collect();
    kinds().filter_map(link).chain(elsewhere).collect()
}

/// Can those be used that are described?
pub(super) fn check() -> Result<(), Error> {
    for kind in kinds() {
        match linked(kind) {
            Ok(link) => link.check()?,
            Err(error) => return Err(error.clone()),
        }
    }
    Ok(())
}

fn open(kind: Kind) -> Result<Arc<dyn Backend>, Error> {
    match kind {
        Kind::File => open_file(None),
        Kind::Redis => open_redis(None),
    }
}

fn missing(kind: Kind, program: &str, key: &str, variable: &str) -> Error {
    Error::backend(
        kind.name(),
        Failure::Misconfigured,
        format_args!(
            "nobody has said where it is: call `cachekit::configure().{program}(…).apply()` at the start, or write `{key} = …` in cachekit.toml, or set {variable}"
        ),
    )
}

#[cfg(feature = "file")]
fn open_file(elsewhere: Option<&str>) -> Result<Arc<dyn Backend>, Error> {
    let file = &settled().file;
    let Some(directory) = elsewhere.map(std::path::PathBuf::from).or_else(|| file.directory.clone()) else {
        return Err(missing(Kind::File, "directory", "directory", "CACHEKIT_DIR"));
    };
    Ok(Arc::new(file_settings(file, &directory).open()))
}

#[cfg(feature = "file")]
fn file_settings(said: &super::said::File, directory: &Path) -> crate::backend::FileBuilder {
    let mut builder = crate::backend::FileBackend::builder(directory);
    if let Some(bytes) = said.max_bytes {
        builder = builder.max_bytes(bytes);
    }
    if let Some(bytes) = said.page_cache {
        builder = builder.page_cache(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    builder
}

#[cfg(not(feature = "file"))]
fn open_file(_: Option<&str>) -> Result<Arc<dyn Backend>, Error> {
    Err(missing(Kind::File, "directory", "directory", "CACHEKIT_DIR"))
}

#[cfg(feature = "redis")]
fn open_redis(elsewhere: Option<&str>) -> Result<Arc<dyn Backend>, Error> {
    let said = settled();
    let Some(url) = elsewhere.or(said.redis.url.as_deref()) else {
        return Err(missing(Kind::Redis, "redis", "url", "CACHEKIT_REDIS_URL"));
    };
    Ok(Arc::new(redis_settings(said, url).open()?))
}

#[cfg(feature = "redis")]
fn redis_settings(said: &super::Said, url: &str) -> crate::backend::redis::Settings {
    let mut settings = crate::backend::redis::Settings::new(url);
    if let Some(namespace) = &said.namespace {
        settings = settings.namespace(namespace);
    }
    if let Some(timeout) = said.redis.connect_timeout {
        settings = settings.connect_timeout(timeout);
    }
    if let Some(timeout) = said.redis.response_timeout {
        settings = settings.response_timeout(timeout);
    }
    settings
}

#[cfg(not(feature = "redis"))]
fn open_redis(_: Option<&str>) -> Result<Arc<dyn Backend>, Error> {
    Err(missing(Kind::Redis, "redis", "url", "CACHEKIT_REDIS_URL"))
}

#[cfg(all(test, feature = "config", feature = "file", feature = "redis"))]
mod tests {
    use super::{
        super::{Said, file, variables},
        *,
    };
    use std::ffi::OsString;

    /// What the backends are opened with.
    fn settings(said: &Said) -> String {
        let (file, redis) = (file_settings(&said.file, Path::new("/d")), redis_settings(said, "redis://h"));
        format!("{file:?} {redis:?}")
    }

    #[test]
    fn what_is_said_of_connections_reaches_the_backends_from_the_file_and_from_variables() {
        let text = "[redis]\nconnect_timeout = '3s'\nresponse_timeout = '70ms'\n[file]\nmax_bytes = '8MiB'\npage_cache = '3MiB'";
        let of_file = file::parse(text, "cachekit.toml").expect("no mistake").said;
        let all = [
            ("CACHEKIT_REDIS_CONNECT_TIMEOUT", "4s"),
            ("CACHEKIT_REDIS_RESPONSE_TIMEOUT", "80ms"),
            ("CACHEKIT_FILE_MAX_BYTES", "16MiB"),
            ("CACHEKIT_FILE_PAGE_CACHE", "5MiB"),
        ];
        let all = all.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let of_variables = variables::read_from(all).expect("no mistake").said;
        let by_file = ["connect_timeout: 3s", "response_timeout: 70ms", "max_bytes: 8388608", "page_cache: 3145728"];
        let by_variables =
            ["connect_timeout: 4s", "response_timeout: 80ms", "max_bytes: 16777216", "page_cache: 5242880"];
        for (said, expected) in [
            (&of_file, by_file),
            (&of_variables, by_variables),
            (&of_variables.clone().or(of_file.clone()), by_variables),
        ] {
            let settings = settings(said);
            for one in expected {
                assert!(settings.contains(one), "no {one} in {settings}");
            }
        }
    }
}
