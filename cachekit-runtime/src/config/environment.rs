//! What the environment says.

use super::said::{File, Redis, Said};
use crate::Error;
use std::ffi::OsString;

/// Of connections. A variable that is empty says nothing.
pub(super) fn read() -> Result<Said, Error> {
    read_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn read_from(get: impl Fn(&str) -> Option<OsString>) -> Result<Said, Error> {
    let text = |name: &str| {
        get(name).map(|value| value.into_string().map_err(|_| Error::configuration(name, "it is no UTF-8"))).transpose()
    };
    let max_value_bytes = text("CACHEKIT_MAX_VALUE_BYTES")?
        .map(|value| {
            value.parse().map_err(|_| {
                Error::configuration("CACHEKIT_MAX_VALUE_BYTES", "write a number of bytes, for example 16777216")
            })
        })
        .transpose()?;
    Ok(Said {
        namespace: text("CACHEKIT_NAMESPACE")?,
        max_value_bytes,
        near_outage: None,
        strict: None,
        trace_keys: None,
        redis: Redis { url: text("CACHEKIT_REDIS_URL")?, ..Redis::default() },
        file: File { directory: get("CACHEKIT_DIR").map(Into::into), ..File::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_and_checked() {
        let said = read_from(|name| match name {
            "CACHEKIT_DIR" => Some("/var/cache/shop".into()),
            "CACHEKIT_MAX_VALUE_BYTES" => Some("1024".into()),
            _ => None,
        });
        let said = said.unwrap();
        assert_eq!((said.max_value_bytes, said.redis.url), (Some(1_024), None));
        assert_eq!(said.file.directory, Some("/var/cache/shop".into()));

        let mistake = read_from(|name| (name == "CACHEKIT_MAX_VALUE_BYTES").then(|| "16MB".into())).unwrap_err();
        assert!(mistake.to_string().contains("CACHEKIT_MAX_VALUE_BYTES: write a number of bytes"), "{mistake}");
    }
}
