//! `cachekit set`.

use crate::{
    args::{Capacity, Change, SetArgs},
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
}

pub(crate) fn run(args: &SetArgs, out: &mut Out) -> Result<Exit, Failure> {
    let mut names: Vec<&str> = args.changes.iter().map(Change::name).collect();
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
    let mut body = Map::new();
    for change in changes {
        let (name, value) = match change {
            Change::Ttl(ttl) => ("ttl_seconds", json!(ttl.map(|ttl| ttl.as_secs_f64()))),
            Change::Capacity(capacity) => ("capacity", json!(amount(*capacity, of)?)),
            Change::Strategy(name) => ("strategy", json!(name)),
            Change::Enabled(enabled) => ("enabled", json!(enabled)),
        };
        body.insert(name.to_owned(), value);
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

/// What goes, or may go.
fn destroys(changes: &[Change], of: &Detail) -> Option<String> {
    let (held, bound) = (if is_of_bytes(of) { of.stats.weight } else { of.stats.entries }, size(&of.configuration));
    let most = changes.iter().find_map(|change| match change {
        Change::Capacity(Capacity::Plain(most) | Capacity::Bytes(most)) => Some(*most),
        _ => None,
    });
    let most = most.filter(|most| *most < bound && held > 0)?;
    let shown = |amount: u64| if is_of_bytes(of) { output::bytes(amount) } else { output::count(amount) };
    let (what, name) = (if is_of_bytes(of) { "" } else { " entries" }, &of.name);
    Some(match held.checked_sub(most) {
        Some(lost @ 1..) => format!("evict {} of the {}{what} of {name}", shown(lost), shown(held)),
        // Each part of a cache has its share of the room, and one may have more in it than the others.
        _ => format!("perhaps evict some of the {}{what} of {name}", shown(held)),
    })
}

fn show(document: &Document<'_>, entries: (u64, u64), out: &mut Out) -> Result<(), Failure> {
    let Document { service, cache, before, after, evicted } = document;
    out.line(&format!("{cache} in {service}"))?;
    out.line("")?;
    let mut table = Table::new(&["", "before", "after"]);
    let state = |enabled: bool| if enabled { "on" } else { "off" }.to_owned();
    for (what, was, is) in [
        ("ttl", service::ttl(&before.ttl), service::ttl(&after.ttl)),
        ("capacity", service::bound(&before.bound), service::bound(&after.bound)),
        ("strategy", before.strategy.clone(), after.strategy.clone()),
        ("enabled", state(before.enabled), state(after.enabled)),
        ("entries", output::count(entries.0), output::count(entries.1)),
    ] {
        let marks: &[usize] = if was == is { &[] } else { &[2] };
        table.marked([what.to_owned(), was, is], marks);
    }
    out.table(&table)?;
    let mut notes = Vec::new();
    if *evicted > 0 {
        notes.push(format!("{} evicted.", output::many(*evicted, "entry was", "entries were")));
    }
    if before.ttl != after.ttl {
        notes.push("Entries that are there keep the times that they were stored with.".to_owned());
    }
    if before.enabled && !after.enabled {
        notes.push("Every call computes now; the entries stay for when it is switched on again.".to_owned());
    }
    notes.push("It holds until the process ends: the code and the configuration say what the next one has.".to_owned());
    out.line("")?;
    notes.iter().try_for_each(|note| out.line(note))
}
