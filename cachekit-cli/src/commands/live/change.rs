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
        let change = |tag: &String| ("api/invalidate".to_owned(), json!({ "tag": tag, "soft": args.soft }));
        let queued = each(&service, &args.tag.iter().map(change).collect::<Vec<_>>(), out.json)?;
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
    let sorted = doubtful_first(&service, &cache, &args.keys)?;
    let change = |key: &String| (path.clone(), json!({ "key": key }));
    let queued = each(&service, &sorted.into_iter().map(change).collect::<Vec<_>>(), out.json)?;
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
    let change = |cache: &String| (format!("{}/clear", about(cache)), json!({}));
    let queued = each(&service, &caches.iter().map(change).collect::<Vec<_>>(), out.json)?;
    if out.json {
        out.document(&Cleared { service: &service.name, cleared: &caches, queued })?;
    } else {
        out.line(&format!("cleared {} in {}", caches.join(", "), service.name))?;
        remark_on_queued(queued);
    }
    Ok(Exit::Fine)
}

/// Sends changes one after the other, as fast as the service takes them. Gives how many of them a backend hears of later.
fn each(service: &Service, changes: &[(String, Value)], quiet: bool) -> Result<u64, Failure> {
    let bar = progress::bar(Some(changes.len() as u64), "changes", quiet || changes.len() < 2);
    let mut queued = 0;
    for (done, (path, body)) in changes.iter().enumerate() {
        let told: Result<Value, Failure> = service.post(path, body);
        let told = told.map_err(|failure| match done {
            0 => failure,
            done => failure.after(format_args!("{done} of {} were done before", changes.len())),
        })?;
        queued += u64::from(is_queued(&told));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(queued)
}

/// Those first that the service may refuse, so that it does so before the entry of another is gone.
fn doubtful_first<'a>(service: &Service, cache: &str, keys: &'a [String]) -> Result<Vec<&'a String>, Failure> {
    if keys.len() < 2 {
        return Ok(keys.iter().collect());
    }
    let path = format!("{}/explain", about(cache));
    let (mut doubtful, mut sure) = (Vec::new(), Vec::new());
    for key in keys {
        match service.send(&path, &json!({ "key": key }))? {
            // Or one that is not in the memory, and of a type that cannot be read: backends are told of that.
            Answer::Refused(refused) if refused.is("no_key") => doubtful.push(key),
            answer => service.typed::<Value>(&path, answer).map(|_| sure.push(key))?,
        }
    }
    doubtful.append(&mut sure);
    Ok(doubtful)
}

fn is_queued(done: &Value) -> bool {
    done["delivery"] == "queued"
}
