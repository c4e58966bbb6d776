//! `cachekit doctor`: what is wrong, and what to do about it.

mod server;
mod shapes;

use crate::{
    args::DoctorArgs,
    failure::{Exit, Failure},
    output::{Out, Table},
    store::{self, Inner, Place, Store},
};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fine,
    Note,
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Check {
    what: String,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Check {
    pub(super) fn fine(what: impl Into<String>, found: impl Into<String>) -> Self {
        Check { what: what.into(), verdict: Verdict::Fine, found: found.into(), next: None }
    }

    pub(super) fn note(what: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Check { verdict: Verdict::Note, next: Some(next.into()), ..Check::fine(what, found) }
    }

    pub(super) fn wrong(what: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Check { verdict: Verdict::Wrong, next: Some(next.into()), ..Check::fine(what, found) }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    healthy: bool,
    checks: &'a [Check],
}

pub(crate) async fn run(args: DoctorArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store::All { places, mistakes, notes } = store::describe_all(&args.at.store)?;
    let mut checks = vec![configuration()];
    for mistake in mistakes {
        checks.push(Check::wrong(
            "configuration",
            mistake.to_string(),
            "mend it: a program that starts leaves out all of the file, or of the environment, in which a mistake is; one that runs stays with what it had",
        ));
    }
    for note in notes {
        checks.push(Check::note("configuration", note, "see that the program names it, by `registry::add_strategy`"));
    }
    if places.is_empty() {
        let next = "say `--redis URL` or `--dir PATH`, or write `cachekit.toml`; caches in memory alone need neither";
        checks.push(Check::note("stores", "none is configured", next));
    }
    for place in &places {
        look(place, &args, &mut checks).await?;
    }
    ended(&checks, out)
}

/// Shows them; the code says whether something is wrong.
pub(super) fn ended(checks: &[Check], out: &mut Out) -> Result<Exit, Failure> {
    let healthy = checks.iter().all(|check| check.verdict != Verdict::Wrong);
    if out.json {
        out.document(&Document { healthy, checks })?;
    } else {
        show(checks, out)?;
    }
    Ok(if healthy { Exit::Fine } else { Exit::Found })
}

fn show(checks: &[Check], out: &mut Out) -> Result<(), Failure> {
    let mut table = Table::new(&["", "what", "found"]);
    for check in checks {
        let mark = match check.verdict {
            Verdict::Fine => "ok",
            Verdict::Note => "note",
            Verdict::Wrong => "WRONG",
        };
        table.marked([mark, &check.what, &check.found], if check.verdict == Verdict::Wrong { &[0] } else { &[] });
    }
    out.table(&table)?;
    for check in checks {
        if let Some(next) = &check.next {
            out.line(&format!("\n{}: {}\n  next: {next}", check.what, check.found))?;
        }
    }
    Ok(())
}

fn configuration() -> Check {
    let named = std::env::var_os("CACHEKIT_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| PathBuf::from("cachekit.toml"));
    let found = match (path.is_file(), named.is_some()) {
        (true, _) => format!("{} is read", path.display()),
        (false, true) => format!("{}, which CACHEKIT_CONFIG names, is not there", path.display()),
        (false, false) => "no cachekit.toml here: the environment and the program alone".to_owned(),
    };
    Check::fine("configuration", found)
}

async fn look(place: &Place, args: &DoctorArgs, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let name = format!("{} ({})", place.name(), place.from());
    let opened = match place.open(&args.at.store) {
        Ok(store) => store.backend().ping().await.map(|()| store).map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let store = match opened {
        Ok(store) => store,
        Err(failure) => {
            checks.push(Check::wrong(
                "connection",
                format!("{name}: {failure}"),
                failure.next_step().unwrap_or("try again"),
            ));
            return Ok(());
        }
    };
    checks.push(Check::fine("connection", name));
    if let Inner::Redis(redis) = &store.inner {
        match redis.servers(args.at.store.connect.timeout).await {
            Ok(servers) => servers.iter().for_each(|server| checks.extend(server::checks(&server.into()))),
            Err(error) => {
                let next = "let the user ask `INFO`, `TIME` and `CLIENT TRACKING` (docs/guides/backends.md)";
                checks.push(Check::wrong("server", error.to_string(), next));
            }
        }
    }
    match look_at_shapes(&store, args, checks).await {
        Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
        Err(failure) => {
            checks.push(Check::wrong("shapes", failure.to_string(), failure.next_step().unwrap_or("try again")));
        }
        Ok(()) => {}
    }
    Ok(())
}

async fn look_at_shapes(store: &Store, args: &DoctorArgs, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let (seen, foreign) = shapes::seen(store).await?;
    checks.extend(shapes::judge(&seen, store::now(), args.unused_for));
    checks.extend(shapes::foreign(&foreign));
    Ok(())
}
