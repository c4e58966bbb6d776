//! `cachekit keys`, `get` and `explain` with `--admin`.

use crate::{
    args::{EntryArgs, GetArgs, KeysArgs, Live},
    failure::{Exit, Failure},
    output::{self, Out},
    service::{self, Entries, Entry, Explained, about, seconds},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// So many a page: the most that a service gives.
const PAGE: u64 = 500;

#[derive(Serialize)]
struct Line<'a> {
    cache: &'a str,
    key: &'a str,
    tier: &'a str,
    state: &'a str,
    age_seconds: Option<f64>,
    ttl_left_seconds: Option<f64>,
    tags: u64,
}

/// Lines as they are met, as of stores.
pub(crate) fn keys(args: &KeysArgs, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let cache = service.cache(&args.cache)?.name;
    let (prefix, most) = (args.prefix.as_deref().unwrap_or_default(), args.limit.unwrap_or(u64::MAX));
    let (mut shown, mut from) = (0, None::<String>);
    while shown < most {
        // A prefix is looked for here, so that a page may have none of it.
        let page = if prefix.is_empty() { PAGE.min(most - shown) } else { PAGE };
        let after = from.map(|from| format!("&from={from}")).unwrap_or_default();
        let path = format!("{}/entries?keys=true&limit={page}{after}", about(&cache));
        let found: Entries = service.get(&path)?;
        for entry in found.entries {
            let key = entry.key.as_deref().unwrap_or_default();
            if shown >= most || !key.starts_with(prefix) {
                continue;
            }
            if shown == 0 && !out.json {
                out.line(&format!("{:>12}  {:>12}  {:11}  {:6}  {:>4}  key", "left", "age", "state", "tier", "tags"))?;
            }
            shown += 1;
            let Entry { tier, state, age_seconds, ttl_left_seconds, tags, .. } = &entry;
            if out.json {
                let (age_seconds, ttl_left_seconds, tags) = (*age_seconds, *ttl_left_seconds, *tags);
                out.document(&Line { cache: &cache, key, tier, state, age_seconds, ttl_left_seconds, tags })?;
            } else {
                let age = age_seconds.map_or_else(|| "-".to_owned(), |age| output::age(seconds(age)));
                let left = output::left(ttl_left_seconds.map(seconds));
                out.line(&format!("{left:>12}  {age:>12}  {state:11}  {tier:6}  {tags:>4}  {key}"))?;
            }
        }
        match found.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    match shown {
        0 => {
            Err(Failure::nothing(format_args!("the cache {cache} has no such keys in the memory of {}", service.name))
                .next("what it has in a store alone is shown by `--redis` or `--dir`"))
        }
        _ => Ok(Exit::Fine),
    }
}

#[derive(Deserialize)]
struct Got {
    entry: Option<Entry>,
}

pub(crate) fn get(args: &GetArgs, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    if args.raw || args.fingerprint.is_some() {
        return Err(Failure::usage(
            "`--raw` and `--fingerprint` are for stores: a service gives the value of its own shape, as JSON",
        )
        .next("leave them out, or name the store with `--redis` or `--dir`"));
    }
    let service = service::open(live)?;
    let cache = service.cache(&args.entry.cache)?;
    let key = &args.entry.key;
    let Got { entry } = service.post(&format!("{}/get", about(&cache.name)), &json!({ "key": key }))?;
    let Some(entry) = entry else {
        return Err(Failure::nothing(format_args!("the cache {} has no entry {key} in {}", cache.name, service.name))
            .next(format_args!("`cachekit explain {} {key} --admin …` says what a call would meet", cache.name)));
    };
    let Some(value) = entry.value.as_deref() else {
        return Err(Failure::store(format_args!("the service cannot write values of {} as text", cache.value_type))
            .next("derive `serde::Serialize` for the type; in generic code `.readable()` on the builder (docs/guides/admin.md)"));
    };
    let parsed = if entry.is_cut { None } else { serde_json::from_str::<Value>(value).ok() };
    if out.json {
        out.document(&json!({
            "cache": cache.name, "key": entry.key, "tier": entry.tier, "state": entry.state,
            "age_seconds": entry.age_seconds, "ttl_left_seconds": entry.ttl_left_seconds, "tags": entry.tags,
            "is_cut": entry.is_cut, "value": parsed.unwrap_or_else(|| Value::from(value)),
        }))?;
        return Ok(Exit::Fine);
    }
    if entry.state != "fresh" {
        output::remark(&format!("note: {}", meaning(&entry.state)));
    }
    if entry.is_cut {
        output::remark("note: this is its beginning alone, because it is long");
    }
    let pretty = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
    out.line(pretty.as_deref().unwrap_or(value))?;
    Ok(Exit::Fine)
}

pub(crate) fn explain(args: &EntryArgs, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let cache = service.cache(&args.cache)?.name;
    let explained: Explained = service.post(&format!("{}/explain", about(&cache)), &json!({ "key": args.key }))?;
    let is_given = matches!(&*explained.state, "fresh" | "refresh due" | "stale");
    if out.json {
        out.document(&explained)?;
    } else {
        show(&explained, &args.key, &service.name, out)?;
    }
    Ok(if is_given { Exit::Fine } else { Exit::Found })
}

fn show(explained: &Explained, key: &str, service: &str, out: &mut Out) -> Result<(), Failure> {
    let Explained { cache, state, backends, .. } = explained;
    let key = if key.is_empty() { "of no parameters" } else { key };
    out.line(&format!("{cache}, key {key}, in {service}"))?;
    out.line(&format!("\n  {}", meaning(state)))?;
    let time = |time: Option<f64>| time.map(|time| output::age(seconds(time)));
    let is_there = !matches!(&**state, "absent");
    let facts = [
        ("age", time(explained.age_seconds)),
        ("left", is_there.then(|| output::left(explained.ttl_left_seconds.map(seconds)))),
        ("tags", (explained.tags > 0).then(|| explained.tags.to_string())),
        ("strategy", Some(explained.strategy.clone())),
        ("being loaded", explained.loading.then(|| "yes: a call would join".to_owned())),
        ("backends", (!backends.is_empty()).then(|| backends.join(", "))),
        ("address", explained.address.clone()),
        ("tied to a build", explained.tied_to_build.clone()),
    ];
    for (what, fact) in facts.into_iter().chain(explained.further()) {
        if let Some(fact) = fact {
            out.line(&format!("  {what:18} {fact}"))?;
        }
    }
    if !backends.is_empty() && !is_there {
        out.line(
            "\nIts backends were asked too: `cachekit explain` with `--redis` or `--dir` says why they give nothing.",
        )?;
    }
    Ok(())
}

/// A state in words.
fn meaning(state: &str) -> String {
    match state {
        "fresh" => "fresh: a call gets it".to_owned(),
        "refresh due" => "refresh due: a call gets it, and has it computed anew".to_owned(),
        "stale" => "stale: a call gets it while it is computed anew".to_owned(),
        "expired" => "expired: no call gets it".to_owned(),
        "invalidated" => "invalid: a tag or the cache was invalidated after it was made".to_owned(),
        "unsure" => "unsure: it is compared with the backend before a call gets it".to_owned(),
        "absent" => "absent: a call computes, or asks the backends. It was never stored here, or was evicted, expired or invalidated".to_owned(),
        other => other.to_owned(),
    }
}
