//! `cachekit stats --admin`.

use super::mean;
use crate::{
    args::Live,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    service::{self, Detail, Service, seconds},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    caches: Vec<&'a Value>,
}

pub(crate) fn stats(cache: Option<&str>, live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let details = match cache {
        Some(cache) => vec![service.cache(cache)?],
        None => every(&service)?,
    };
    if out.json {
        let caches = details.iter().map(|detail| &detail.whole).collect();
        out.document(&Document { service: &service.name, caches })?;
        return Ok(Exit::Fine);
    }
    match (cache, details.first()) {
        (Some(_), Some(detail)) => one(detail, &service, out)?,
        _ => all(&details, &service, out)?,
    }
    Ok(Exit::Fine)
}

/// All of them, but for those that went while the others were asked for.
pub(super) fn every(service: &Service) -> Result<Vec<Detail>, Failure> {
    let details = service.caches()?.caches.into_iter().map(|row| service.cache(&row.name));
    details.filter(|detail| !matches!(detail, Err(failure) if failure.exit() == Exit::Found)).collect()
}

fn all(details: &[Detail], service: &Service, out: &mut Out) -> Result<(), Failure> {
    out.line(&service.name)?;
    out.line("")?;
    let columns = [
        "cache",
        "#hit ratio",
        "#hits",
        "#misses",
        "#loads",
        "#failed",
        "#load p50",
        "#p99",
        "#evicted",
        "#expired",
        "#weight",
    ];
    let mut table = Table::new(&columns);
    for Detail { name, stats, configuration, .. } in details {
        let failed = stats.failed();
        let removed = |why: &str| output::count(stats.removals.get(why).copied().unwrap_or_default());
        let time = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| output::span(seconds(time)));
        table.row([
            name.clone(),
            output::percent_of_some(stats.hit_ratio),
            output::count(stats.hits + stats.stale_hits + stats.far.hits),
            // What a backend had was a miss of the memory.
            output::count(sum(&stats.misses).saturating_sub(stats.far.hits)),
            output::count(stats.loads),
            output::count(failed),
            time(stats.load_time.p50_seconds),
            time(stats.load_time.p99_seconds),
            removed("evicted"),
            removed("expired"),
            // Of a bound in entries each weighs one.
            if configuration.bound["weight"].is_null() { "-".to_owned() } else { output::bytes(stats.weight) },
        ]);
    }
    out.table(&table)
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

/// The parts that are not zero.
fn parts(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(what, count)| format!("{} {}", output::count(*count), what.replace('_', " ")))
        .collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

fn one(detail: &Detail, service: &Service, out: &mut Out) -> Result<(), Failure> {
    let Detail { name, configuration: set, stats, .. } = detail;
    out.line(&format!("{name}, at {}, in {}", detail.place, service.name))?;
    out.line(&format!("{} -> {}", detail.key_type, detail.value_type))?;
    let state = match (set.enabled, detail.loads_in_flight) {
        (false, _) => ", off".to_owned(),
        (true, 0) => String::new(),
        (true, loads) => format!(", {} under way", output::many(loads, "load", "loads")),
    };
    let weight =
        if set.bound["weight"].is_null() { String::new() } else { format!(", {}", output::bytes(stats.weight)) };
    let far = &stats.far;
    let failed = stats.failed();
    let time = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| output::span(seconds(time)));
    let had = match far.hits {
        0 => String::new(),
        hits => format!("; a backend had {} of them", output::count(hits)),
    };
    let mut facts = vec![
        (
            "settings",
            format!("{}, at most {}, ttl {}{state}", set.strategy, service::bound(&set.bound), service::ttl(&set.ttl)),
        ),
        ("entries", format!("{}{weight}", output::count(stats.entries))),
        ("calls", format!("{}, of which {} hit", output::count(stats.calls), output::percent_of_some(stats.hit_ratio))),
        ("hits", format!("{}, and {} stale", output::count(stats.hits), output::count(stats.stale_hits))),
        ("misses", format!("{}{}{had}", output::count(sum(&stats.misses)), parts(&stats.misses))),
    ];
    if sum(&stats.bypasses) > 0 {
        facts.push(("bypasses", format!("{}{}", output::count(sum(&stats.bypasses)), parts(&stats.bypasses))));
    }
    facts.push((
        "loads",
        format!(
            "{}, {} failed, {} joined one",
            output::count(stats.loads),
            output::count(failed),
            output::many(stats.joins, "call", "calls")
        ),
    ));
    facts.push((
        "load time",
        format!(
            "mean {}, half of them up to {}, 99 % up to {}",
            mean(stats.load_time.sum_seconds, stats.load_time.count),
            time(stats.load_time.p50_seconds),
            time(stats.load_time.p99_seconds)
        ),
    ));
    facts.push(("removals", format!("{}{}", output::count(sum(&stats.removals)), parts(&stats.removals))));
    if far.hits + far.misses + far.stores + far.errors > 0 {
        facts.push((
            "backends",
            format!(
                "{} hits, {} misses, {} stores; {} errors, {} unusable entries, {} failed stores",
                output::count(far.hits),
                output::count(far.misses),
                output::count(far.stores),
                output::count(far.errors),
                output::count(far.rejected),
                output::count(far.store_errors)
            ),
        ));
    }
    for tier in detail.tiers.iter().filter(|tier| tier.breaker.is_some()) {
        let state = tier.breaker.as_ref().map(|breaker| breaker.state.replace('_', " ")).unwrap_or_default();
        facts.push(("tier", format!("{}, circuit {state}, {} invalidations to deliver", tier.name, tier.undelivered)));
    }
    out.line("")?;
    for (what, fact) in facts {
        out.line(&format!("  {what:10} {fact}"))?;
    }
    Ok(())
}
