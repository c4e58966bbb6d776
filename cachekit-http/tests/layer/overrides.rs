//! What responses say and a rule does not honour, each by its name.

use crate::harness::{Bench, response, settle};
use cachekit_http::{Rule, policy::Overrides};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(60);

fn all() -> [(&'static str, Overrides); 5] {
    [
        ("nothing", Overrides::new()),
        ("no-store", Overrides::new().ignore_no_store()),
        ("no-cache", Overrides::new().ignore_no_cache()),
        ("stale", Overrides::new().serve_stale_always()),
        ("credentials", Overrides::new().ignore_credentials()),
    ]
}

#[tokio::test]
async fn what_is_overridden_is_given_again_and_nothing_else_is() {
    for (by, directives, field) in [
        ("no-store", "no-store, max-age=60", ("x", "")),
        ("no-store", "private, max-age=60", ("x", "")),
        ("no-cache", "no-cache, max-age=60", ("x", "")),
        ("credentials", "max-age=60", ("authorization", "ada")),
        // Under the ttl of the rule.
        ("credentials", "", ("authorization", "ada")),
        ("credentials", "", ("cookie", "session=1")),
    ] {
        for (name, overrides) in all() {
            let rule = Rule::new().ttl(TTL).overrides(overrides);
            let bench = Bench::new(rule, move |_, call| async move {
                Ok(response(200, &[("cache-control", directives)], format!("body {call}")))
            });
            bench.send("GET", "/a", &[field]).await;
            let again = bench.send("GET", "/a", &[field]).await;
            assert_eq!(again.is_hit(), name == by, "`{directives}`, {field:?}, {name}: {}", again.cache());
            assert_eq!(bench.calls(), if name == by { 1 } else { 2 });
            assert_eq!(again.field("cache-control"), directives, "clients are told what the handler says");
        }
    }
}

#[tokio::test]
async fn what_is_stale_is_given_against_what_forbids_it_by_name_alone() {
    let always = Overrides::new().serve_stale_always();
    let no_cache = Overrides::new().ignore_no_cache();
    for (directives, overrides, is_given) in [
        ("max-age=10", Overrides::new(), true),
        ("max-age=10, must-revalidate", Overrides::new(), false),
        ("max-age=10, must-revalidate", no_cache, false),
        ("max-age=10, must-revalidate", always, true),
        ("max-age=10, proxy-revalidate", Overrides::new(), false),
        ("max-age=10, proxy-revalidate", no_cache, false),
        ("max-age=10, proxy-revalidate", always, true),
        ("s-maxage=10", Overrides::new(), false),
        ("s-maxage=10", no_cache, false),
        ("s-maxage=10", always, true),
        // It is never fresh, which is another thing than being stale.
        ("max-age=10, no-cache", Overrides::new(), false),
        ("max-age=10, no-cache", always, false),
        ("max-age=10, no-cache", no_cache, true),
        ("max-age=10, no-cache, must-revalidate", no_cache, false),
        ("max-age=10, no-cache, must-revalidate", no_cache.serve_stale_always(), true),
    ] {
        let case = format!("`{directives}` with {overrides:?}");
        let rule = Rule::new().overrides(overrides).stale_while_revalidate(TTL).stale_if_error(2 * TTL);
        let bench = Bench::new(rule, move |_, call| async move {
            // What it says of an error is that there is none.
            let (status, said) = if call < 3 { (200, directives) } else { (503, "no-store") };
            Ok(response(status, &[("cache-control", said)], format!("body {call}")))
        });
        bench.get("/a").await;
        bench.advance(15);
        let while_revalidating = bench.get("/a").await;
        assert_eq!(while_revalidating.is_hit(), is_given, "{case}: {}", while_revalidating.cache());
        settle().await;
        assert_eq!(bench.calls(), 2, "{case}: it was asked for anew, once");
        bench.advance(90);
        let instead = bench.get("/a").await;
        let expected = if is_given { (200, &b"body 2"[..]) } else { (503, &b"body 3"[..]) };
        assert_eq!((instead.status.as_u16(), &instead.body[..]), expected, "{case}: {}", instead.cache());
    }
}
