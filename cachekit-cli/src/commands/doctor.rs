//! `cachekit doctor`: what is wrong, and what to do about it.

mod shapes;

use crate::{
    args::DoctorArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    store::{self, Inner, Place, Store},
};
use cachekit_runtime::inspect::{Server, Tracking};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// From here on the ages of entries are wrong by what one notices.
const NOTABLE: u64 = 1_000;

/// What caches take for no age any more.
const HOPELESS: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
            Ok(servers) => servers.iter().for_each(|server| about(server, checks)),
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
    let seen = shapes::seen(store).await?;
    checks.extend(shapes::judge(&seen, store::now(), args.unused_for));
    Ok(())
}

fn about(server: &Server, checks: &mut Vec<Check>) {
    let of = |what: &str| format!("{what} of {}", server.address);
    match server.info("redis_version") {
        None => {
            let next = "let the user ask `INFO`: without it a server that came back with older data is not noticed";
            checks.push(Check::wrong(of("version"), "this user may not ask", next));
        }
        Some(version) => {
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
            checks.push(match major {
                0..=5 => Check::wrong(of("version"), version, "use Redis 6 or later, or Valkey"),
                _ => Check::fine(
                    of("version"),
                    server
                        .info("valkey_version")
                        .map_or_else(|| version.to_owned(), |valkey| format!("Valkey {valkey}")),
                ),
            });
        }
    }
    let off = server.ahead.unsigned_abs();
    let found = format!(
        "{} ms {} this machine's (± {} ms)",
        off,
        if server.ahead < 0 { "behind" } else { "ahead of" },
        server.error.as_millis()
    );
    let next = "set the clocks by NTP: ages are told by the server's clock, and an error of more than 10 s makes entries invalid";
    checks.push(match off {
        HOPELESS.. => Check::wrong(of("clock"), found, next),
        NOTABLE.. => Check::note(of("clock"), found, next),
        _ => Check::fine(of("clock"), found),
    });
    let found = output::age(server.round_trip);
    let next = "a call waits for at most 250 ms (`timeout`): put the server nearer, or give it less to do";
    checks.push(match server.round_trip {
        slow if slow > Duration::from_millis(100) => Check::note(of("round trip"), found, next),
        _ => Check::fine(of("round trip"), found),
    });
    checks.push(match &server.tracking {
        Tracking::Supported => Check::fine(of("tracking"), "changes are pushed"),
        Tracking::Refused(said) => Check::note(
            of("tracking"),
            format!("refused: {said}"),
            "let the user run `CLIENT TRACKING`: without it changes are heard by a channel, and copies in memory are compared once a second",
        ),
    });
    checks.push(memory(server, of("memory")));
}

fn memory(server: &Server, what: String) -> Check {
    let most = server.info("maxmemory").and_then(|most| most.parse::<u64>().ok()).unwrap_or(0);
    let policy = server.info("maxmemory_policy").unwrap_or("?");
    let used = server.info("used_memory").and_then(|used| used.parse::<u64>().ok()).unwrap_or(0);
    match most {
        0 => Check::note(
            what,
            format!("{} used, no bound", output::bytes(used)),
            "set `maxmemory` and `maxmemory-policy allkeys-lfu`: entries without ttl grow until the machine is full",
        ),
        most if policy == "noeviction" => Check::note(
            what,
            format!("{} of {}, noeviction", output::bytes(used), output::bytes(most)),
            "set `maxmemory-policy allkeys-lfu` or another that evicts: when it is full nothing more is stored",
        ),
        most => Check::fine(what, format!("{} of {}, {policy}", output::bytes(used), output::bytes(most))),
    }
}
