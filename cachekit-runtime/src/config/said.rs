//! What a source says; anything may be left out.

use std::{fmt, path::PathBuf, time::Duration};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) namespace: Option<String>,
    pub(crate) max_value_bytes: Option<u64>,
    pub(crate) near_outage: Option<Duration>,
    pub(crate) strict: Option<bool>,
    pub(crate) trace_keys: Option<bool>,
    pub(crate) redis: Redis,
    pub(crate) file: File,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Redis {
    pub(crate) url: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) response_timeout: Option<Duration>,
}

/// Without the URL, which may have a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.url.as_ref().map(|_| "…"))
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) page_cache: Option<u64>,
}

impl Said {
    /// What this says, and what only the other one does.
    pub(crate) fn or(self, other: Said) -> Said {
        Said {
            namespace: self.namespace.or(other.namespace),
            max_value_bytes: self.max_value_bytes.or(other.max_value_bytes),
            near_outage: self.near_outage.or(other.near_outage),
            strict: self.strict.or(other.strict),
            trace_keys: self.trace_keys.or(other.trace_keys),
            redis: Redis {
                url: self.redis.url.or(other.redis.url),
                connect_timeout: self.redis.connect_timeout.or(other.redis.connect_timeout),
                response_timeout: self.redis.response_timeout.or(other.redis.response_timeout),
            },
            file: File {
                directory: self.file.directory.or(other.file.directory),
                max_bytes: self.file.max_bytes.or(other.file.max_bytes),
                page_cache: self.file.page_cache.or(other.file.page_cache),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_says_something_counts() {
        let program = Said { namespace: Some("program".into()), ..Said::default() };
        let file = Said {
            namespace: Some("file".into()),
            redis: Redis { url: Some("redis://file".into()), ..Redis::default() },
            ..Said::default()
        };
        let both = program.or(file);
        assert_eq!((both.namespace.as_deref(), both.redis.url.as_deref()), (Some("program"), Some("redis://file")));
    }

    #[test]
    fn a_url_is_not_shown() {
        let redis = Redis { url: Some("redis://user:secret@host".into()), ..Redis::default() };
        assert!(!format!("{:?}", Said { redis, ..Said::default() }).contains("secret"));
    }
}
