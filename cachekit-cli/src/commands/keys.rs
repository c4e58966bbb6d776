//! `cachekit keys`.

use crate::{
    args::KeysArgs,
    failure::{Exit, Failure},
    output::{self, Out},
    store,
};
use cachekit_runtime::envelope::Kind;
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Line<'a> {
    cache: &'a str,
    key: &'a str,
    fingerprint: String,
    bytes: u64,
    ttl_left_ms: Option<u64>,
    created: Option<u64>,
}

/// Lines as they are met, however many there are: for people in columns that fit most.
pub(crate) async fn run(args: KeysArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let cache = store::cache_name(&args.cache)?;
    let (prefix, most) = (args.prefix.unwrap_or_default(), args.limit.unwrap_or(u64::MAX));
    let mut shown = 0;
    let walked = store.walk(Some(&cache), |item| {
        let key = store::key_of(&item.address);
        if shown >= most {
            return Ok(false);
        }
        if item.kind != Some(Kind::Value) || !key.starts_with(&prefix) {
            return Ok(true);
        }
        if out.json {
            out.document(&Line {
                cache: &cache,
                key,
                fingerprint: item.address.fingerprint().to_string(),
                bytes: item.bytes,
                ttl_left_ms: item.ttl.and_then(|left| u64::try_from(left.as_millis()).ok()),
                created: item.created,
            })?;
        } else {
            if shown == 0 {
                out.line(&format!("{:>10}  {:>12}  {:>12}  {:16}  key", "bytes", "left", "age", "shape"))?;
            }
            let age =
                item.created.map(|created| Duration::from_millis(store.now(&item.address).saturating_sub(created)));
            out.line(&format!(
                "{:>10}  {:>12}  {:>12}  {}  {key}",
                output::bytes(item.bytes),
                output::left(item.ttl),
                age.map_or_else(|| "-".to_owned(), output::age),
                item.address.fingerprint(),
            ))?;
        }
        shown += 1;
        Ok(shown < most)
    });
    walked.await?;
    match shown {
        0 => Err(Failure::nothing(format_args!("no such keys of the cache {cache:?} in {}", store.name))
            .next("`cachekit list` shows the caches")),
        _ => Ok(Exit::Fine),
    }
}
