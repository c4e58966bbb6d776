//! What is judged of a server: its version, its clock, how fast it answers, and what it may not do.

use super::Check;
use crate::output;
use cachekit_runtime::inspect::{Server, Tracking};
use std::time::Duration;

/// From here on the ages of entries are wrong by what one notices.
const NOTABLE: u64 = 1_000;

/// What caches take for no age any more.
const HOPELESS: u64 = 10_000;

/// From here on a good part of a call's time is on the way.
const SLOW: Duration = Duration::from_millis(100);

/// What is known of a server.
#[derive(Debug, Clone)]
pub(super) struct About<'a> {
    address: &'a str,
    /// What `INFO` says, as far as it is judged; nothing where this user may not ask.
    version: Option<&'a str>,
    valkey: Option<&'a str>,
    maxmemory: Option<&'a str>,
    policy: Option<&'a str>,
    used: Option<&'a str>,
    /// How many milliseconds its clock is ahead, and by how much that may be wrong.
    ahead: i64,
    error: Duration,
    round_trip: Duration,
    /// Why changes cannot be heard of at once, if they cannot.
    refused: Option<&'a str>,
}

impl<'a> From<&'a Server> for About<'a> {
    fn from(server: &'a Server) -> Self {
        let refused = match &server.tracking {
            Tracking::Supported => None,
            Tracking::Refused(said) => Some(&**said),
        };
        About {
            address: &server.address,
            version: server.info("redis_version"),
            valkey: server.info("valkey_version"),
            maxmemory: server.info("maxmemory"),
            policy: server.info("maxmemory_policy"),
            used: server.info("used_memory"),
            ahead: server.ahead,
            error: server.error,
            round_trip: server.round_trip,
            refused,
        }
    }
}

pub(super) fn checks(server: &About<'_>) -> [Check; 5] {
    [version(server), clock(server), round_trip(server), tracking(server), memory(server)]
}

fn of(what: &str, server: &About<'_>) -> String {
    format!("{what} of {}", server.address)
}

fn version(server: &About<'_>) -> Check {
    let what = of("version", server);
    let Some(version) = server.version else {
        let next = "let the user ask `INFO`: without it a server that came back with older data is not noticed";
        return Check::wrong(what, "this user may not ask", next);
    };
    match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(6..) => {
            Check::fine(what, server.valkey.map_or_else(|| version.to_owned(), |valkey| format!("Valkey {valkey}")))
        }
        _ => Check::wrong(what, version, "use Redis 6 or later, or Valkey"),
    }
}

fn clock(server: &About<'_>) -> Check {
    let what = of("clock", server);
    let off = server.ahead.unsigned_abs();
    let side = if server.ahead < 0 { "behind" } else { "ahead of" };
    let found = format!("{off} ms {side} this machine's (± {} ms)", server.error.as_millis());
    let next = "set the clocks by NTP: ages are told by the server's clock, and an error of more than 10 s makes entries invalid";
    match off {
        HOPELESS.. => Check::wrong(what, found, next),
        NOTABLE.. => Check::note(what, found, next),
        _ => Check::fine(what, found),
    }
}

fn round_trip(server: &About<'_>) -> Check {
    let (what, found) = (of("round trip", server), output::age(server.round_trip));
    let next = "a call waits for at most 250 ms (`timeout`): put the server nearer, or give it less to do";
    if server.round_trip > SLOW { Check::note(what, found, next) } else { Check::fine(what, found) }
}

fn tracking(server: &About<'_>) -> Check {
    let what = of("tracking", server);
    match server.refused {
        None => Check::fine(what, "changes are pushed"),
        Some(said) => Check::note(
            what,
            format!("refused: {said}"),
            "let the user run `CLIENT TRACKING`: without it changes are heard by a channel, and copies in memory are compared once a second",
        ),
    }
}

fn memory(server: &About<'_>) -> Check {
    let what = of("memory", server);
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (used, policy) = (output::bytes(number(server.used)), server.policy.unwrap_or("?"));
    match number(server.maxmemory) {
        0 => Check::note(
            what,
            format!("{used} used, no bound"),
            "set `maxmemory` and `maxmemory-policy allkeys-lfu`: entries without ttl grow until the machine is full",
        ),
        most if policy == "noeviction" => Check::note(
            what,
            format!("{used} of {}, noeviction", output::bytes(most)),
            "set `maxmemory-policy allkeys-lfu` or another that evicts: when it is full nothing more is stored",
        ),
        most => Check::fine(what, format!("{used} of {}, {policy}", output::bytes(most))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    const WELL: About<'_> = About {
        address: "h:1",
        version: Some("7.4.1"),
        valkey: None,
        maxmemory: Some("1048576"),
        policy: Some("allkeys-lfu"),
        used: Some("1024"),
        ahead: 3,
        error: Duration::from_millis(1),
        round_trip: Duration::from_millis(2),
        refused: None,
    };

    fn of<'a>(change: impl FnOnce(&mut About<'a>)) -> Vec<(Verdict, String)> {
        let mut about = WELL;
        change(&mut about);
        let checks = checks(&about).into_iter().filter(|check| check.verdict != Verdict::Fine);
        checks
            .inspect(|check| assert!(check.next.is_some()))
            .map(|check| (check.verdict, format!("{}: {}", check.what, check.found)))
            .collect()
    }

    fn one(verdict: Verdict, text: &str) -> Vec<(Verdict, String)> {
        vec![(verdict, text.to_owned())]
    }

    #[test]
    fn a_server_that_is_well_has_nothing_to_be_told() {
        assert_eq!(of(|_| ()), []);
        assert_eq!(checks(&About { valkey: Some("8.0.0"), ..WELL })[0].found, "Valkey 8.0.0");
    }

    #[test]
    fn clocks_are_noted_from_a_second_on_and_wrong_from_ten() {
        let off = |ahead| of(|server| server.ahead = ahead);
        assert_eq!((off(999), off(-999)), (vec![], vec![]));
        assert_eq!(off(1_000), one(Verdict::Note, "clock of h:1: 1000 ms ahead of this machine's (± 1 ms)"));
        assert_eq!(off(-9_999), one(Verdict::Note, "clock of h:1: 9999 ms behind this machine's (± 1 ms)"));
        assert_eq!(off(-10_000), one(Verdict::Wrong, "clock of h:1: 10000 ms behind this machine's (± 1 ms)"));
        assert_eq!(off(i64::MIN)[0].0, Verdict::Wrong);
    }

    #[test]
    fn versions_before_redis_6_and_unknown_ones_are_wrong() {
        let version = |version| of(|server| server.version = version);
        assert_eq!((version(Some("6.0.0")), version(Some("10.1"))), (vec![], vec![]));
        assert_eq!(version(Some("5.0.14")), one(Verdict::Wrong, "version of h:1: 5.0.14"));
        assert_eq!(version(Some("?")), one(Verdict::Wrong, "version of h:1: ?"));
        assert_eq!(version(None), one(Verdict::Wrong, "version of h:1: this user may not ask"));
    }

    #[test]
    fn a_slow_server_and_one_that_pushes_nothing_are_noted() {
        let slow = |millis| of(|server| server.round_trip = Duration::from_millis(millis));
        assert_eq!((slow(100), slow(101)), (vec![], one(Verdict::Note, "round trip of h:1: 101 ms")));
        assert_eq!(
            of(|server| server.refused = Some("NOPERM")),
            one(Verdict::Note, "tracking of h:1: refused: NOPERM")
        );
    }

    #[test]
    fn a_bound_without_eviction_and_no_bound_are_noted() {
        let memory = |most, policy| {
            of(|server| {
                server.maxmemory = most;
                server.policy = policy;
            })
        };
        let full = "memory of h:1: 1.0 KiB of 1.0 MiB, noeviction";
        assert_eq!(memory(WELL.maxmemory, Some("noeviction")), one(Verdict::Note, full));
        for none in [Some("0"), None] {
            assert_eq!(memory(none, Some("noeviction")), one(Verdict::Note, "memory of h:1: 1.0 KiB used, no bound"));
        }
    }
}
