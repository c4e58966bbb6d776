//! `cachekit invalidate` and `clear` with `--admin`.

use crate::{
    args::{ClearArgs, InvalidateArgs, Live},
    ask,
    failure::{Exit, Failure},
    output::{self, Out},
    progress,
    service::{self, Answer, Service, about},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// As long a service may ask for patience.
const PATIENCE: u64 = 60;

#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    caches: Vec<String>,
    keys: u64,
    /// Of a prefix: how many entries went from the memory.
    entries: Option<u64>,
    tags: &'a [String],
    /// Changes that a backend will hear of later.
    queued: u64,
}

pub(crate) fn invalidate(args: &InvalidateArgs, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let name = &service.name;
    let document = |caches| Document { service: name, caches, keys: 0, entries: None, tags: &args.tag, queued: 0 };
    if !args.tag.is_empty() {
        let how = if args.soft { "make stale" } else { "invalidate" };
        ask::confirm(&format!("{how} what has the tags {} in {name}", args.tag.join(", ")), args.yes)?;
        let bodies = args.tag.iter().map(|tag| json!({ "tag": tag, "soft": args.soft })).collect::<Vec<_>>();
        let queued = each(&service, "api/invalidate", &bodies, out.json)?;
        return told(
            &Document { queued, ..document(Vec::new()) },
            &output::many(args.tag.len() as u64, "tag", "tags"),
            out,
        );
    }
    let cache = service.cache(args.cache.as_deref().unwrap_or_default())?.name;
    let path = format!("{}/invalidate", about(&cache));
    if let Some(prefix) = &args.prefix {
        ask::confirm(
            &format!("invalidate all keys of the cache {cache} that begin with {prefix:?} in {name}"),
            args.yes,
        )?;
        let done: Value = service.post(&path, &json!({ "prefix": prefix }))?;
        let (entries, queued) = (done["entries"].as_u64(), u64::from(is_queued(&done)));
        let what = format!(
            "{} of {cache}",
            entries.map_or_else(|| "the entries".to_owned(), |entries| output::many(entries, "entry", "entries"))
        );
        return told(&Document { entries, queued, ..document(vec![cache]) }, &what, out);
    }
    if args.keys.is_empty() {
        return Err(Failure::usage("no key was named")
            .next(format_args!("name keys, or `--prefix`; `cachekit clear {cache}` removes all of the cache")));
    }
    ask::confirm(&format!("invalidate {} of the cache {cache} in {name}", args.keys.join(", ")), args.yes)?;
    let bodies = args.keys.iter().map(|key| json!({ "key": key })).collect::<Vec<_>>();
    let queued = each(&service, &path, &bodies, out.json)?;
    let keys = args.keys.len() as u64;
    told(&Document { keys, queued, ..document(vec![cache]) }, &output::many(keys, "key", "keys"), out)
}

fn told(document: &Document<'_>, what: &str, out: &mut Out) -> Result<Exit, Failure> {
    if out.json {
        out.document(document)?;
    } else {
        out.line(&format!("invalidated {what} in {}", document.service))?;
        remark_on_queued(document.queued);
    }
    Ok(Exit::Fine)
}

fn remark_on_queued(queued: u64) {
    if queued > 0 {
        output::remark(
            "note: a backend cannot be told now, and will be; until then this service reads nothing of it that is older",
        );
    }
}

#[derive(Serialize)]
struct Cleared<'a> {
    service: &'a str,
    cleared: &'a [String],
    queued: u64,
}

pub(crate) fn clear(args: &ClearArgs, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    if args.fingerprint.is_some() {
        return Err(Failure::usage("a service has entries of one shape alone")
            .next("leave `--fingerprint` out, or name the store with `--redis` or `--dir`"));
    }
    let service = service::open(live)?;
    let caches: Vec<String> =
        args.caches.iter().map(|cache| service.cache(cache).map(|cache| cache.name)).collect::<Result<_, _>>()?;
    ask::confirm(&format!("clear {} in {}", caches.join(", "), service.name), args.yes)?;
    let mut queued = 0;
    for cache in &caches {
        queued += each(&service, &format!("{}/clear", about(cache)), &[json!({})], out.json)?;
    }
    if out.json {
        out.document(&Cleared { service: &service.name, cleared: &caches, queued })?;
    } else {
        out.line(&format!("cleared {} in {}", caches.join(", "), service.name))?;
        remark_on_queued(queued);
    }
    Ok(Exit::Fine)
}

/// Sends changes one after the other, as fast as the service takes them. Gives how many of them a backend hears of later.
fn each(service: &Service, path: &str, bodies: &[Value], quiet: bool) -> Result<u64, Failure> {
    let bar = progress::bar(Some(bodies.len() as u64), "changes", quiet || bodies.len() < 2);
    let mut queued = 0;
    for body in bodies {
        let done: Value = loop {
            match service.send(path, body)? {
                // Those that went before are done already.
                Answer::Refused(refused) if refused.is("too_many") && bodies.len() > 1 => {
                    let wait = refused.retry_after.unwrap_or(1).clamp(1, PATIENCE);
                    bar.set_message(format!("the service wants {wait} s of patience"));
                    thread::sleep(Duration::from_secs(wait));
                }
                answer => break service.typed(path, answer)?,
            }
        };
        queued += u64::from(is_queued(&done));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(queued)
}

fn is_queued(done: &Value) -> bool {
    done["delivery"] == "queued"
}
