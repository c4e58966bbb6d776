//! Where `cachekit.toml` and the environment say that the backends are.

use crate::{Error, config};
use std::{fmt, path::PathBuf, time::Duration};

/// What `cachekit.toml` and the environment say of the backends. Anything may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// What keeps applications apart that share a Redis.
    pub namespace: Option<String>,
    /// The URL of the Redis, perhaps with a password.
    pub redis: Option<String>,
    /// How long an attempt to connect to it may take.
    pub connect_timeout: Option<Duration>,
    /// How long it may take to answer.
    pub response_timeout: Option<Duration>,
    /// The folder of the file store.
    pub directory: Option<PathBuf>,
    /// The bound of the file store, in bytes.
    pub max_bytes: Option<u64>,
    /// The most bytes of an entry.
    pub max_value_bytes: Option<u64>,
    /// What is said of caches and can be right or wrong, as only the program knows: strategies that are not cachekit's.
    pub notes: Vec<String>,
}

/// Reads them anew, and leaves what caches of this process use as it is.
///
/// # Errors
/// [`Error::Configuration`] with each mistake of the file and of the environment.
pub fn described() -> Result<Described, Vec<Error>> {
    let (said, mistakes) = config::gather(None);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(Described {
        namespace: said.namespace,
        redis: said.redis.url,
        connect_timeout: said.redis.connect_timeout,
        response_timeout: said.redis.response_timeout,
        directory: said.file.directory,
        max_bytes: said.file.max_bytes,
        max_value_bytes: said.max_value_bytes,
        #[cfg(feature = "config")]
        notes: config::notes(),
        #[cfg(not(feature = "config"))]
        notes: Vec::new(),
    })
}

/// Without the URL, which may have a password.
impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described")
            .field("namespace", &self.namespace)
            .field("redis", &self.redis.as_ref().map(|_| "…"))
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
