//! `cachekit set`.

use crate::{
    args::{Capacity, Change, SETTINGS, SetArgs, To},
    ask,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    service::{self, Configuration, Detail, about},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    cache: &'a str,
    before: &'a Configuration,
    after: &'a Configuration,
    evicted: u64,
    #[serde(skip)]
    changes: &'a [Change],
}

pub(crate) fn run(args: &SetArgs, out: &mut Out) -> Result<Exit, Failure> {
    let mut names: Vec<&str> = args.changes.iter().map(|change| change.setting.name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::usage(format_args!("{} is said twice", twice[0])).next("say each setting once"));
    }
    let service = service::open(args.service.live())?;
    let mut before = service.cache(&args.cache)?;
    let body = body(&args.changes, &before)?;
    if let Some(lost) = destroys(&args.changes, &before) {
        ask::confirm(&format!("{lost} in {}", service.name), args.yes)?;
        // What went while somebody thought about it was not evicted by this.
        before = service.cache(&before.name)?;
    }
    let after: Detail = service.post(&format!("{}/settings", about(&before.name)), &body)?;
    let evicted = |detail: &Detail| detail.stats.removals.get("evicted").copied().unwrap_or_default();
    let shrinks = size(&after.configuration) < size(&before.configuration);
    let document = Document {
        service: &service.name,
        cache: &before.name,
        before: &before.configuration,
        after: &after.configuration,
        // Without a smaller capacity those are the evictions of every moment.
        evicted: if shrinks { evicted(&after).saturating_sub(evicted(&before)) } else { 0 },
        changes: &args.changes,
    };
    if out.json {
        out.document(&document)?;
        return Ok(Exit::Fine);
    }
    show(&document, (before.stats.entries, after.stats.entries), out)?;
    Ok(Exit::Fine)
}

/// What the API takes.
fn body(changes: &[Change], of: &Detail) -> Result<Value, Failure> {
    let (mut body, mut taken_back) = (Map::new(), Vec::new());
    for Change { setting, to } in changes {
        let value = match to {
            To::Time(time) => json!(time.map(|time| time.as_secs_f64())),
            To::Capacity(capacity) => json!(amount(*capacity, of)?),
            To::Strategy(name) => json!(name),
            To::Switch(on) => json!(on),
            To::Configured => {
                taken_back.push(setting.said);
                continue;
            }
        };
        body.insert(setting.field.to_owned(), value);
    }
    if !taken_back.is_empty() {
        body.insert("take_back".to_owned(), json!(taken_back));
    }
    Ok(Value::Object(body))
}

/// Without a bound it is the largest.
fn size(of: &Configuration) -> u64 {
    of.bound["entries"].as_u64().or(of.bound["weight"].as_u64()).unwrap_or(u64::MAX)
}

fn is_of_bytes(of: &Detail) -> bool {
    !of.configuration.bound["weight"].is_null()
}

/// In what the cache counts.
fn amount(capacity: Capacity, of: &Detail) -> Result<u64, Failure> {
    match (capacity, is_of_bytes(of)) {
        (Capacity::Bytes(bytes), true) => Ok(bytes),
        (Capacity::Plain(entries), false) => Ok(entries),
        (Capacity::Bytes(_), false) => Err(Failure::usage(format_args!("{} counts entries, not bytes", of.name))
            .next("say how many, such as `capacity=10k`; a bound in bytes is of the code: `max_bytes`")),
        (Capacity::Plain(_), true) => {
            Err(Failure::usage(format_args!("{} counts bytes, and no unit was said", of.name))
                .next("say the unit, such as `capacity=64MiB`"))
        }
    }
}

/// Was its capacity changed in use?
fn is_changed(of: &Detail) -> bool {
    let said = if is_of_bytes(of) { "max_bytes" } else { "capacity" };
    of.configuration.sources.get(said).is_some_and(|source| source == "live")
}

/// What goes, or may go.
fn destroys(changes: &[Change], of: &Detail) -> Option<String> {
    let (held, bound) = (if is_of_bytes(of) { of.stats.weight } else { of.stats.entries }, size(&of.configuration));
    let shown = |amount: u64| if is_of_bytes(of) { output::bytes(amount) } else { output::count(amount) };
    let (what, name) = (if is_of_bytes(of) { "" } else { " entries" }, &of.name);
    let some = || Some(format!("perhaps evict some of the {}{what} of {name}", shown(held)));
    let capacity = changes.iter().find(|change| change.setting.said == "capacity").filter(|_| held > 0)?;
    match capacity.to {
        To::Capacity(Capacity::Plain(most) | Capacity::Bytes(most)) if most < bound => match held.checked_sub(most) {
            Some(lost @ 1..) => Some(format!("evict {} of the {}{what} of {name}", shown(lost), shown(held))),
            // Each part of a cache has its share of the room, and one may have more in it than the others.
            _ => some(),
        },
        // What it is then only the service knows.
        To::Configured if is_changed(of) => some(),
        _ => None,
    }
}

/// As people read it.
fn value(of: &Configuration, said: &str) -> String {
    let time = |seconds: f64| if seconds > 0.0 { output::age(service::seconds(seconds)) } else { "none".to_owned() };
    let or_none = |seconds: Option<f64>| seconds.map_or_else(|| "none".to_owned(), time);
    let state = |on: bool| if on { "on" } else { "off" }.to_owned();
    match said {
        "ttl" => service::ttl(&of.ttl),
        "idle" => or_none(of.idle_seconds),
        "stale_while_revalidate" => time(of.stale_while_revalidate_seconds),
        "stale_if_error" => time(of.stale_if_error_seconds),
        "capacity" => service::bound(&of.bound),
        "strategy" => of.strategy.clone(),
        "enabled" => state(of.enabled),
        "dry_run" => state(of.dry_run),
        "timeout" => or_none(of.timeout_seconds),
        "soft_load_timeout" => or_none(of.soft_load_timeout_seconds),
        _ => or_none(of.hard_load_timeout_seconds),
    }
}

fn show(document: &Document<'_>, entries: (u64, u64), out: &mut Out) -> Result<(), Failure> {
    let Document { service, cache, before, after, evicted, changes } = document;
    out.line(&format!("{cache} in {service}"))?;
    out.line("")?;
    let mut table = Table::new(&["", "before", "after"]);
    // What tells most of a cache, and what was changed.
    for setting in &SETTINGS {
        let is_main = ["ttl", "capacity", "strategy", "enabled"].contains(&setting.said);
        if is_main || changes.iter().any(|change| change.setting == setting) {
            let (was, is) = (value(before, setting.said), value(after, setting.said));
            let marks: &[usize] = if was == is { &[] } else { &[2] };
            table.marked([setting.name.to_owned(), was, is], marks);
        }
    }
    let marks: &[usize] = if entries.0 == entries.1 { &[] } else { &[2] };
    table.marked(["entries".to_owned(), output::count(entries.0), output::count(entries.1)], marks);
    out.table(&table)?;
    let mut notes = Vec::new();
    if *evicted > 0 {
        notes.push(format!("{} evicted.", output::many(*evicted, "entry was", "entries were")));
    }
    if before.ttl != after.ttl {
        notes.push("Entries that are there keep the times that they were stored with.".to_owned());
    }
    if !before.dry_run && after.dry_run {
        notes.push("Every call computes now, and what would have been a hit is compared with that: the log of the service tells of differences.".to_owned());
    }
    if before.enabled && !after.enabled {
        notes.push("Every call computes now; the entries stay for when it is switched on again.".to_owned());
    }
    notes.push("It holds until the process ends: the code and the configuration say what the next one has.".to_owned());
    out.line("")?;
    notes.iter().try_for_each(|note| out.line(note))
}
