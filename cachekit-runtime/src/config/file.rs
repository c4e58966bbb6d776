//! What `cachekit.toml` says.

use super::said::{File, Redis, Said};
use crate::Error;
use bytesize::ByteSize;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use std::{io::ErrorKind, path::PathBuf, time::Duration};

/// Where it is looked for, unless `CACHEKIT_CONFIG` says otherwise.
const NAME: &str = "cachekit.toml";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Whole {
    namespace: Option<String>,
    max_value_bytes: Option<Bytes>,
    near_outage: Option<Span>,
    strict: Option<bool>,
    redis: RedisPart,
    file: FilePart,
    /// For caches of responses, which read it themselves.
    #[serde(rename = "http")]
    _http: Option<de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RedisPart {
    url: Option<String>,
    connect_timeout: Option<Span>,
    response_timeout: Option<Span>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FilePart {
    directory: Option<PathBuf>,
    max_bytes: Option<Bytes>,
    page_cache: Option<Bytes>,
}

/// `"250ms"`.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = humantime::parse_duration(&text);
        parsed.map(Span).map_err(|error| de::Error::custom(format!("{error}: write a time like \"250ms\" or \"2s\"")))
    }
}

/// `"16MiB"`, or a number of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

#[derive(Deserialize)]
#[serde(untagged, expecting = "write a number of bytes, or a size like \"16MiB\"")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(bytes) => Ok(Bytes(bytes)),
            NumberOrText::Text(text) => match text.parse::<ByteSize>() {
                Ok(size) => Ok(Bytes(size.as_u64())),
                Err(error) => Err(de::Error::custom(format!("{error}: write a size like \"16MiB\""))),
            },
        }
    }
}

/// Says nothing where there is no such file, unless `CACHEKIT_CONFIG` names it.
pub(super) fn read() -> Result<Said, Error> {
    read_as::<Whole>().map(said)
}

/// The file as something else; what that is where there is no file.
///
/// # Errors
/// It cannot be read, or has a mistake.
pub fn read_as<T: DeserializeOwned + Default>() -> Result<T, Error> {
    let named = std::env::var_os("CACHEKIT_CONFIG").filter(|value| !value.is_empty());
    let path = named.clone().map_or_else(|| PathBuf::from(NAME), PathBuf::from);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse_as(&text, &path.display().to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(T::default()),
        Err(error) => Err(Error::configuration(path.display(), error)),
    }
}

/// The text of a file as something.
///
/// # Errors
/// It has a mistake.
pub fn parse_as<T: DeserializeOwned>(text: &str, path: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        // The whole message shows the line, in which a password may be.
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Error::configuration(path, format_args!("{place}{}", error.message()))
    })
}

fn said(whole: Whole) -> Said {
    Said {
        namespace: whole.namespace,
        max_value_bytes: whole.max_value_bytes.map(|bytes| bytes.0),
        near_outage: whole.near_outage.map(|span| span.0),
        strict: whole.strict,
        redis: Redis {
            url: whole.redis.url,
            connect_timeout: whole.redis.connect_timeout.map(|span| span.0),
            response_timeout: whole.redis.response_timeout.map(|span| span.0),
        },
        file: File {
            directory: whole.file.directory,
            max_bytes: whole.file.max_bytes.map(|bytes| bytes.0),
            page_cache: whole.file.page_cache.map(|bytes| bytes.0),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, path: &str) -> Result<Said, Error> {
        parse_as::<Whole>(text, path).map(said)
    }

    #[test]
    fn everything_can_be_said_and_left_out() {
        assert_eq!(parse("", "x").unwrap(), Said::default());
        let text = "namespace = 'shop'\nmax_value_bytes = '16MiB'\nnear_outage = '1m'\n[redis]\nurl = 'redis://h'\nresponse_timeout = '50ms'\n[file]\ndirectory = '/d'\nmax_bytes = 7\n[http.pages]\nrules = []";
        let said = parse(text, "x").unwrap();
        assert_eq!((said.max_value_bytes, said.file.max_bytes), (Some(16 << 20), Some(7)));
        assert_eq!(said.near_outage, Some(Duration::from_secs(60)));
        assert_eq!(said.redis.response_timeout, Some(Duration::from_millis(50)));
        assert_eq!((said.redis.url.as_deref(), said.namespace.as_deref()), (Some("redis://h"), Some("shop")));
    }

    #[test]
    fn a_mistake_names_its_line_and_what_to_write() {
        for (text, expected) in [
            (
                "namespace = 'a'\n[redis]\nulr = 'redis://user:secret@h'",
                "line 3: unknown field `ulr`, expected one of `url`",
            ),
            ("[file]\nmax_bytes = 'lots'", "write a size like \"16MiB\""),
            ("[file]\nmax_bytes = [1]", "write a number of bytes, or a size like \"16MiB\""),
            ("[redis]\nresponse_timeout = '5 parsecs'", "write a time like \"250ms\" or \"2s\""),
            ("[redis]\nurl = 'redis://user:secret@h", "line 2"),
        ] {
            let mistake = parse(text, "cachekit.toml").unwrap_err().to_string();
            assert!(mistake.contains(expected) && mistake.contains("cachekit.toml"), "{mistake}");
            assert!(!mistake.contains("secret"), "{mistake}");
        }
    }
}
