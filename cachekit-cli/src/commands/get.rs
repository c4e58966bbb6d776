//! `cachekit get`.

use crate::{
    args::GetArgs,
    failure::{Exit, Failure},
    output::{self, Out},
    store::{self, Found},
};
use bytes::Bytes;
use cachekit_runtime::{codec::DEFAULT_MAX_VALUE_BYTES, envelope::Envelope};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;

#[derive(Serialize)]
struct Document<'a> {
    cache: &'a str,
    key: &'a str,
    fingerprint: String,
    codec: &'a str,
    judgement: String,
    /// The value is the digits of its bytes.
    is_bytes: bool,
    /// As JSON, where the codec says of itself what it has written; else in hexadecimal digits.
    value: Value,
}

pub(crate) async fn run(args: GetArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.entry.at.store)?;
    let cache = store::cache_name(&args.entry.cache)?;
    let address = store::address(&cache, &args.entry.key)?;
    let found = store.find(&address).await?;
    let mut readable: Vec<(Envelope, &Found)> =
        found.iter().filter_map(|found| Some((found.envelope().ok()?, found))).collect();
    if let Some(wanted) = args.fingerprint {
        readable.retain(|(envelope, _)| envelope.fingerprint() == wanted);
    }
    readable.sort_by_key(|(envelope, _)| envelope.freshness().created);
    let others = readable.len().saturating_sub(1);
    let Some((envelope, found)) = readable.pop() else {
        return Err(Failure::nothing(format_args!(
            "there is no entry {address_id} in {}",
            store.name,
            address_id = address.id()
        ))
        .next(format_args!(
            "`cachekit explain {cache} …` says what is there, `cachekit keys {cache}` which keys there are"
        )));
    };
    let payload = envelope
        .payload(DEFAULT_MAX_VALUE_BYTES)
        .map_err(|rejected| Failure::other(format_args!("the entry is {rejected}")))?;
    let judgement = store.judge(&envelope, found).await?;
    if args.raw && out.json {
        return Err(Failure::usage("`--raw` writes bytes, and `--json` a document").next("say one of them"));
    }
    if args.raw {
        out.write_all(&payload)?;
        return Ok(Exit::Fine);
    }
    if !judgement.is_given() {
        output::remark(&format!("note: {}", store::judged(&judgement)));
    }
    if others > 0 {
        output::remark(&format!("note: the newest of {} shapes; `--fingerprint` shows another", others + 1));
    }
    let read = value(envelope.codec(), &payload);
    let is_bytes = read.is_none();
    let value = read.unwrap_or_else(|| Value::from(hex(&payload)));
    if out.json {
        out.document(&Document {
            cache: &cache,
            key: store::key_of(&found.address),
            fingerprint: found.address.fingerprint().to_string(),
            codec: envelope.codec(),
            judgement: store::judged(&judgement),
            is_bytes,
            value,
        })?;
        return Ok(Exit::Fine);
    }
    match (envelope.codec(), &value) {
        (codec, Value::String(digits)) if is_bytes => {
            output::remark(&format!("note: {}: these are its bytes", unread(codec)));
            out.line(digits)?;
        }
        ("raw", Value::String(text)) => out.line(text)?,
        (_, value) => {
            let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
            out.line(&text)?;
        }
    }
    Ok(Exit::Fine)
}

/// Why only the bytes can be shown.
fn unread(codec: &str) -> String {
    match codec {
        "raw" => "this is no text".to_owned(),
        "json" => "this is not JSON, though its codec is".to_owned(),
        "msgpack" => "this has parts that JSON cannot show, such as bytes or keys that are no texts".to_owned(),
        codec => format!("{codec} does not say what it has written"),
    }
}

/// What the codec wrote, as far as that tells by itself. `None`: it does not, or JSON cannot have it.
fn value(codec: &str, payload: &Bytes) -> Option<Value> {
    match codec {
        "json" => serde_json::from_slice(payload).ok(),
        "msgpack" => rmp_serde::from_slice(payload).ok(),
        "raw" => std::str::from_utf8(payload).ok().map(Value::from),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
