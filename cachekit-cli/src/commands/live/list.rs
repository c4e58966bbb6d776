//! `cachekit list --admin`.

use super::mean;
use crate::{
    args::Live,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    service::{self, Conflict, Row},
};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    caches: &'a [Row],
    conflicts: &'a [Conflict],
}

pub(crate) fn list(live: Live<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let answer = service.caches()?;
    if out.json {
        out.document(&Document { service: &service.name, caches: &answer.caches, conflicts: &answer.conflicts })?;
        return Ok(Exit::Fine);
    }
    if answer.caches.is_empty() {
        output::remark(&format!("no caches in {} yet: they are there once they were called", service.name));
        return Ok(Exit::Fine);
    }
    let columns = ["cache", "#hit ratio", "#calls", "#entries", "#bound", "#ttl", "#loads", "#load time", "strategy"];
    let mut table = Table::new(&columns);
    for row in &answer.caches {
        table.row([
            row.name.clone(),
            output::percent_of_some(row.hit_ratio),
            output::count(row.calls),
            output::count(row.entries),
            service::bound(&row.bound),
            service::ttl(&row.ttl),
            output::count(row.loads),
            mean(row.load_seconds, row.loads),
            row.strategy.clone(),
        ]);
    }
    out.table(&table)?;
    notes(&answer.caches, &answer.conflicts);
    Ok(Exit::Fine)
}

/// What a table has no place for.
fn notes(caches: &[Row], conflicts: &[Conflict]) {
    let off: Vec<&str> = caches.iter().filter(|row| !row.enabled).map(|row| &*row.name).collect();
    if !off.is_empty() {
        output::remark(&format!("off: {}; `cachekit set … enabled=on` switches on", off.join(", ")));
    }
    for row in caches {
        if let Some(backend) = &row.backend_down {
            output::remark(&format!("{}: its backend {backend} is down; `cachekit doctor` looks closer", row.name));
        }
    }
    for conflict in conflicts {
        output::remark(&format!("{}: {}", conflict.name, conflict.message));
    }
}
