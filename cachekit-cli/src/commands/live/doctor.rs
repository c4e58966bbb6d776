//! `cachekit doctor --admin`.

use super::stats;
use crate::{
    args::Live,
    commands::doctor::{Check, ended},
    failure::{Exit, Failure},
    output::{self, Out},
    service::{self, Detail},
};
use std::time::{Duration, Instant};

/// Slower than this is worth a note.
const SLOW: Duration = Duration::from_millis(500);

/// Such a part of the loads may fail before it is wrong.
const MOST_FAILED: f64 = 0.5;

pub(crate) fn doctor(live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let began = Instant::now();
    let answered = service.caches();
    let took = began.elapsed();
    let mut checks = Vec::new();
    let all = match answered {
        Ok(all) => all,
        Err(failure) => {
            let next = failure.next_step().unwrap_or("try again").to_owned();
            checks.push(Check::wrong("connection", failure.to_string(), next));
            return ended(&checks, out);
        }
    };
    checks.push(Check::fine("connection", service.name.clone()));
    let trip = output::span(took);
    checks.push(if took > SLOW {
        Check::note("round trip", trip, "see whether the service has too much to do, or is far away")
    } else {
        Check::fine("round trip", trip)
    });
    if service.is_readable {
        let next = "let the service be reached by https, or through a tunnel: who is on the way reads the token";
        checks.push(Check::note("transport", "http, to another machine", next));
    }
    let (who, scopes) = (&all.access.who, &all.access.scopes);
    let sees = if all.access.entries { ", and may see keys and values" } else { ", and may not see keys and values" };
    checks.push(Check::fine("rights", format!("{who} may {}{sees}", scopes.join(", "))));
    for conflict in &all.conflicts {
        let next = "give one of the two another `name`: only the first is in the registry";
        checks.push(Check::wrong(format!("name {}", conflict.name), conflict.message.clone(), next));
    }
    for detail in stats::every(&service)? {
        about(&detail, &mut checks);
    }
    ended(&checks, out)
}

/// What is wrong with a cache, or that nothing is.
fn about(detail: &Detail, checks: &mut Vec<Check>) {
    let before = checks.len();
    let Detail { name, stats, configuration, .. } = detail;
    for tier in &detail.tiers {
        let what = format!("{name}: {}", tier.name);
        if let Some(breaker) = tier.breaker.as_ref().filter(|breaker| breaker.state != "closed") {
            let last = breaker.last_failure.as_ref().map(|last| format!(", last: {last}")).unwrap_or_default();
            let found = format!("circuit {}{last}", breaker.state.replace('_', " "));
            checks.push(Check::wrong(
                what.clone(),
                found,
                "see to the backend: calls go on without it, `cachekit doctor` looks at it with `--redis` or `--dir`",
            ));
        } else if tier.breaker.as_ref().is_some_and(|breaker| breaker.are_fills_paused) {
            checks.push(Check::note(
                what.clone(),
                "stores are paused: it takes no more",
                "see to its memory or its disk",
            ));
        }
        if tier.undelivered > 0 {
            let found = format!("{} invalidations wait for it", output::count(tier.undelivered));
            checks.push(Check::note(
                what,
                found,
                "they are delivered when it can be reached; until then other processes may have what is old",
            ));
        }
    }
    let failed = stats.failed();
    if failed > 0 {
        let part = failed as f64 / stats.loads.max(failed) as f64;
        let found = format!(
            "{} of {} loads failed ({})",
            output::count(failed),
            output::count(stats.loads.max(failed)),
            output::percent(part)
        );
        let next = "see the log of the service for why";
        checks.push(if part > MOST_FAILED {
            Check::wrong(name.clone(), found, next)
        } else {
            Check::note(name.clone(), found, next)
        });
    }
    if !configuration.enabled {
        checks.push(Check::note(
            name.clone(),
            "switched off: every call computes",
            format!("`cachekit set {name} enabled=on` switches it on"),
        ));
    }
    if stats.far.rejected > 0 {
        let found = format!("{} entries of its backends could not be used", output::count(stats.far.rejected));
        checks.push(Check::note(name.clone(), found, "`cachekit explain` with `--redis` or `--dir` says of one why"));
    }
    if checks.len() == before {
        let hits = output::percent_of_some(stats.hit_ratio);
        checks.push(Check::fine(name.clone(), format!("{hits} of {} calls hit", output::count(stats.calls))));
    }
}
