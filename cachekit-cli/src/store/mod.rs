//! Where entries are: a Redis or a file store, behind one type.

mod entries;
mod listing;
mod open;

pub(crate) use entries::{Found, judged};
pub(crate) use listing::Item;
pub(crate) use open::{All, Place, describe_all, open};

use crate::failure::Failure;
use cachekit_runtime::{
    backend::{Address, Backend, FileBackend, Fingerprint, redis::RedisBackend},
    identity::text,
    inspect,
};
use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A store that was opened.
pub(crate) struct Store {
    pub(crate) inner: Inner,
    /// As messages call it, without secrets.
    pub(crate) name: String,
}

pub(crate) enum Inner {
    Redis(RedisBackend),
    File { backend: FileBackend, file: PathBuf },
}

impl Store {
    pub(crate) fn backend(&self) -> &dyn Backend {
        match &self.inner {
            Inner::Redis(redis) => redis,
            Inner::File { backend, .. } => backend,
        }
    }

    /// Which starts of which servers it is; of a file store nothing.
    pub(crate) async fn servers(&self, patience: Duration) -> Result<Vec<String>, Failure> {
        let Inner::Redis(redis) = &self.inner else { return Ok(Vec::new()) };
        let about =
            |server: inspect::Server| format!("{} {}", server.address, server.info("run_id").unwrap_or_default());
        let mut all: Vec<String> = redis.servers(patience).await?.into_iter().map(about).collect();
        all.sort_unstable();
        Ok(all)
    }

    /// By how many milliseconds the clock that dates the entry is ahead of this machine's.
    pub(crate) fn ahead(&self, address: &Address) -> i64 {
        self.backend().shared().map_or(0, |shared| shared.ahead(address))
    }

    /// The clock that dates the entry, in milliseconds since 1970.
    pub(crate) fn now(&self, address: &Address) -> u64 {
        now().saturating_add_signed(self.ahead(address))
    }
}

/// Milliseconds since 1970 by the clock of this machine.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The name of a cache as it stands in addresses, from a path of Rust or as tables show it.
pub(crate) fn cache_name(said: &str) -> Result<String, Failure> {
    let name = if said.contains("::") { text::cache_name(said) } else { said.to_owned() };
    match name.contains([':', '{', '}']) || name.chars().any(char::is_control) || name.is_empty() {
        true => Err(Failure::usage(format_args!("{said:?} is no name of a cache"))
            .next("`cachekit list` shows the names; paths of Rust are understood too, `app::users::find`")),
        false => Ok(name),
    }
}

/// The address of an entry of which a person has said the key.
pub(crate) fn address(cache: &str, key: &str) -> Result<Address, Failure> {
    if !text::is_hashed(key) && text::parse(key).is_none() {
        let hint = match key.contains('"') {
            false => format!(
                "texts stand in quotes, which the shell must not take: '\"{key}\"'; `cachekit keys {cache}` shows the keys"
            ),
            true => format!("`cachekit keys {cache}` shows the keys"),
        };
        return Err(Failure::usage(format_args!("{key:?} is no key")).next(hint));
    }
    Ok(inspect::address(cache, key, Fingerprint(0)))
}

/// The arguments of an address, as its text has them.
pub(crate) fn key_of(address: &Address) -> &str {
    address.id().get(address.cache().len() + 1..).unwrap_or_default()
}
