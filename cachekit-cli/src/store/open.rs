//! Opening the store that was said, or the one that is configured.

use super::{Inner, Store};
use crate::{
    args::{Kind, Source},
    failure::Failure,
};
use cachekit_runtime::{
    Error,
    backend::{FileBackend, redis::Settings},
    inspect::{self, Described, redacted_url},
};
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

/// What no store reaches: this command makes no room in a store, however small its owner's bound is.
const UNBOUNDED: u64 = u64::MAX;

/// How much of a file store may be in memory: little, so that a big store takes no more than a small one.
const PAGE_CACHE: usize = 16 << 20;

/// A store that could be opened.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Redis { url: String, namespace: String, from: &'static str },
    Dir { path: PathBuf, from: &'static str },
}

impl Place {
    /// Is it the one that was asked for by its kind?
    fn is_of(&self, kind: Option<Kind>) -> bool {
        match kind {
            None => true,
            Some(Kind::Redis) => matches!(self, Place::Redis { .. }),
            Some(Kind::File) => matches!(self, Place::Dir { .. }),
        }
    }

    /// Without secrets.
    pub(crate) fn name(&self) -> String {
        match self {
            Place::Redis { url, namespace, .. } => format!("{}, namespace {namespace}", redacted_url(url)),
            Place::Dir { path, .. } => path.display().to_string(),
        }
    }

    /// Who has said it.
    pub(crate) fn from(&self) -> &'static str {
        match self {
            Place::Redis { from, .. } | Place::Dir { from, .. } => from,
        }
    }

    pub(crate) fn open(&self, source: &Source) -> Result<Store, Failure> {
        let name = self.name();
        let inner = match self {
            Place::Redis { url, namespace, .. } => {
                let timeout = source.connect.timeout.max(Duration::from_millis(1));
                let settings =
                    Settings::new(url).namespace(namespace).response_timeout(timeout).connect_timeout(timeout);
                Inner::Redis(settings.open()?)
            }
            Place::Dir { path, .. } => {
                Inner::File { backend: open_dir(path, source.connect.create)?, file: path.clone() }
            }
        };
        Ok(Store { inner, name })
    }
}

/// The one store that a command works on.
pub(crate) fn open(source: &Source) -> Result<Store, Failure> {
    one(source)?.open(source)
}

fn one(source: &Source) -> Result<Place, Failure> {
    let mut places = places(source)?;
    places.retain(|place| place.is_of(source.kind));
    match (places.pop(), places.pop()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(Failure::usage("a Redis and a file store are configured, and this works on one of them")
            .next("say `--use redis` or `--use file`")),
        _ => Err(Failure::usage("no store was named").next(
            "say `--redis URL` or `--dir PATH`; or set CACHEKIT_REDIS_URL or CACHEKIT_DIR, or run this where `cachekit.toml` is",
        )),
    }
}

/// What there is, and what is to be said of the configuration.
pub(crate) struct All {
    pub(crate) places: Vec<Place>,
    pub(crate) mistakes: Vec<Error>,
    pub(crate) notes: Vec<String>,
}

/// Every store that is said or configured, for who looks at all of them; and what is wrong with the configuration.
pub(crate) fn describe_all(source: &Source) -> Result<All, Failure> {
    let described = inspect::described();
    let known = described.as_ref().cloned().unwrap_or_default();
    let mistakes = described.err().unwrap_or_default();
    if let Some(place) = said(source, &known)? {
        return Ok(All { places: vec![place], mistakes, notes: known.notes });
    }
    let mut places = configured(source, &known);
    places.retain(|place| place.is_of(source.kind));
    Ok(All { places, mistakes, notes: known.notes })
}

fn places(source: &Source) -> Result<Vec<Place>, Failure> {
    let described = inspect::described();
    let known = described.as_ref().cloned().unwrap_or_default();
    if let Some(place) = said(source, &known)? {
        return Ok(vec![place]);
    }
    let described = described.map_err(|mistakes| match mistakes.into_iter().next() {
        Some(mistake) => Failure::from(mistake),
        None => Failure::other("the configuration cannot be read"),
    })?;
    Ok(configured(source, &described))
}

/// By the arguments.
fn said(source: &Source, described: &Described) -> Result<Option<Place>, Failure> {
    let namespace = namespace(source, described);
    if let Some(url) = &source.redis {
        return Ok(Some(Place::Redis { url: url.0.clone(), namespace, from: "--redis" }));
    }
    if let Some(file) = &source.redis_file {
        return Ok(Some(Place::Redis { url: url_in(file)?, namespace, from: "--redis-file" }));
    }
    Ok(source.dir.clone().map(|path| Place::Dir { path, from: "--dir" }))
}

fn configured(source: &Source, described: &Described) -> Vec<Place> {
    let from = "the configuration";
    let redis = described.redis.clone();
    let redis = redis.map(|url| Place::Redis { url, namespace: namespace(source, described), from });
    let dir = described.directory.clone().map(|path| Place::Dir { path, from });
    redis.into_iter().chain(dir).collect()
}

fn namespace(source: &Source, described: &Described) -> String {
    let said = source.connect.namespace.as_ref().or(described.namespace.as_ref());
    said.cloned().unwrap_or_else(|| "default".to_owned())
}

fn url_in(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().read_to_string(&mut text).map(drop),
        false => fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| {
        Failure::other(format_args!("{}: {error}", file.display()))
            .next("write the URL of the Redis into it, on one line")
    })?;
    match text.trim() {
        "" => Err(Failure::other(format_args!("{} is empty", file.display()))
            .next("write the URL of the Redis into it, on one line")),
        url => Ok(url.to_owned()),
    }
}

fn open_dir(path: &Path, create: bool) -> Result<FileBackend, Failure> {
    if !create && inspect::store_in(path).is_none() {
        return Err(Failure::store(format_args!("there is no store in {}", path.display())).next(
            "name the folder that the program is given as `directory` or CACHEKIT_DIR; `--create` makes a new store",
        ));
    }
    Ok(FileBackend::builder(path).max_bytes(UNBOUNDED).page_cache(PAGE_CACHE).open())
}
