use super::*;
use crate::config::rules::counting;

fn parse(text: &str) -> Result<Whole, Vec<String>> {
    super::parse(text, "cachekit.toml").map_err(|mistakes| mistakes.iter().map(Error::to_string).collect())
}

#[test]
fn everything_can_be_said_and_left_out() {
    assert_eq!(parse("").unwrap().said, Said::default());
    let text = "namespace = 'shop'\nmax_value_bytes = '16MiB'\nnear_outage = '1m'\n[redis]\nurl = 'redis://h'\nresponse_timeout = '50ms'\n[file]\ndirectory = '/d'\nmax_bytes = 7\n[http.pages]\nrules = []";
    let said = parse(text).unwrap().said;
    assert_eq!((said.max_value_bytes, said.file.max_bytes), (Some(16 << 20), Some(7)));
    assert_eq!(said.near_outage, Some(Duration::from_secs(60)));
    assert_eq!(said.redis.response_timeout, Some(Duration::from_millis(50)));
    assert_eq!((said.redis.url.as_deref(), said.namespace.as_deref()), (Some("redis://h"), Some("shop")));
}

#[test]
fn a_mistake_names_its_line_and_what_to_write() {
    for (text, expected) in [
        (
            "namespace = 'a'\n[redis]\nulr = 'redis://user:secret@h'",
            "line 3: `ulr` is no setting of `[redis]`: did you mean `url`?",
        ),
        ("[file]\nmax_bytes = 'lots'", "line 2: `max_bytes`: "),
        ("[file]\nmax_bytes = [1]", "write a number of bytes, or a size like \"16MiB\""),
        ("[file]\nmaxbytes = 1", "line 2: `maxbytes` is no setting of `[file]`: did you mean `max_bytes`?"),
        ("[redis]\nresponse_timeout = '5 parsecs'", "write a time like \"250ms\" or \"2s\""),
        ("[redis]\nurl = 'redis://user:secret@h", "line 2"),
        ("[redis]\nurl = 'a'\nurl = 'redis://user:secret@h'", "line 3: duplicate key"),
        ("redis = 'redis://user:secret@h'", "line 1: `redis` is a table: write `[redis]`, and its settings below"),
        ("strict = 'true'", "line 1: `strict`: write `true` without quotes"),
        ("namespce = 'a'", "line 1: `namespce` is nothing that a cachekit.toml has: did you mean `namespace`?"),
        ("[cache.user]\nttl = '1s'", "line 1: `cache` is nothing that a cachekit.toml has: did you mean `caches`?"),
        ("colour = 'red'", "line 1: `colour` is nothing that a cachekit.toml has: write one of `namespace`"),
        ("\nttl = '30s'", "line 2: `ttl` is a setting of caches: write it below `[defaults]`"),
        ("[caches]\nttl = '30s'", "line 2: `ttl` is a setting, and the name of a cache is missing"),
        ("[caches]\nuser = '30s'", "line 2: `caches.\"user\"` is a table"),
        ("[caches.'']\nttl = '30s'", "line 1: the name of a cache is empty"),
        ("[caches.user]\ntll = '30s'", "line 2: `tll` is no setting of `[caches.\"user\"]`: did you mean `ttl`?"),
        (
            "[defaults]\nmax_entries = 5",
            "line 2: `max_entries` is no setting of `[defaults]`: did you mean `capacity`?",
        ),
        ("[defaults]\ncolour = 5", "line 2: `colour` is no setting of `[defaults]`: write one of `ttl`, `idle`"),
        ("[defaults]\nttl = 30", "line 2: `ttl`: a time has a unit: write `\"30s\"` or `\"30ms\"`"),
        ("[defaults]\nttl = '30'", "line 2: `ttl`: "),
        ("[defaults]\nttl = '0s'", "line 2: `ttl`: a ttl of zero stores nothing: write `enabled = false`"),
        ("[defaults]\nttl = true", "line 2: `ttl`: write a time like"),
        ("[defaults]\nttl = false", "line 2: `ttl`: write `\"never\"` for none"),
        ("[defaults]\nidle = '0s'", "line 2: `idle`: with an idle time of zero nothing stays"),
        ("[defaults]\nstale_if_error = 'never'", "line 2: `stale_if_error`: "),
        ("[defaults]\nstale_while_revalidate = 5", "line 2: `stale_while_revalidate`: a time has a unit"),
        ("[defaults]\ntimeout = '0s'", "line 2: `timeout`: with no time no backend answers"),
        ("[defaults]\nsoft_load_timeout = '0s'", "line 2: `soft_load_timeout`: with no time no load ends well"),
        ("[defaults]\nhard_load_timeout = '0s'", "line 2: `hard_load_timeout`: with no time no load ends well"),
        ("[defaults]\ncapacity = 0", "line 2: `capacity`: with room for nothing nothing is stored"),
        ("[defaults]\ncapacity = '64MiB'", "line 2: `capacity`: this is a size in bytes"),
        ("[defaults]\ncapacity = '100'", "line 2: `capacity`: a number has no quotes: write `capacity = 100`"),
        ("[defaults]\ncapacity = 67108865", "line 2: `capacity`: at most 67108864 entries"),
        ("[defaults]\ncapacity = -1", "line 2: `capacity`: write a number of entries"),
        ("[defaults]\nmax_bytes = 0", "line 2: `max_bytes`: with no byte nothing is stored"),
        ("[defaults]\nstrategy = 7", "line 2: `strategy`: write the name of a strategy"),
        ("[defaults]\nenabled = 'no'", "line 2: `enabled`: write `true` or `false`"),
        ("[defaults]\ndry_run = 1", "line 2: `dry_run`: write `true` or `false`"),
        ("[defaults.tiers]\nmemory = '/d'", "line 2: `tiers.memory`: memory is nowhere else"),
        ("[defaults.tiers]\nown = '/d'", "line 2: `tiers.own`: where a backend of one's own is the code alone can say"),
        ("[defaults.tiers]\nfile = 5", "line 2: `tiers.file`: write `true` or `false`"),
        (
            "[defaults.tiers]\nredsi = false",
            "line 2: `redsi` is no tier, in `tiers` of `[defaults]`: did you mean `redis`?",
        ),
        #[cfg(feature = "redis")]
        ("[defaults.tiers]\nredis = 'http://u:secret@h'", "line 2: `tiers.redis`: "),
        ("reload_every = 5", "line 1: `reload_every`: a time has a unit"),
    ] {
        let mistakes = parse(text).expect_err(text);
        let [mistake] = &mistakes[..] else { panic!("{text}: {mistakes:?}") };
        assert!(mistake.contains(expected) && mistake.starts_with("cachekit.toml: "), "{mistake}, not {expected}");
        assert!(!mistake.contains("secret"), "{mistake}");
    }
}

#[test]
fn all_mistakes_are_said_at_once() {
    let mistakes = parse("[defaults]\nttl = 5\ncapacity = 0\n[caches.user]\nx = 1").unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
}

#[test]
fn the_closest_name_counts_for_each_setting() {
    let text = "[defaults]\nttl = '1s'\nidle = '1s'\ncapacity = 1\nstale_if_error = '1s'\n\
        [caches.'*']\nttl = '2s'\nidle = '2s'\ncapacity = 2\n\
        [caches.'app::*']\nttl = '3s'\nidle = '3s'\n\
        [caches.'app::user']\nttl = '4s'";
    let rules = parse(text).unwrap().rules;
    let lines = |name: &str| -> Vec<usize> {
        let counting = counting(&rules, name);
        let line = |setting| match counting.get(&setting).map(|counting| &counting.stated.origin) {
            Some(Origin::Line(_, line)) => *line,
            _ => 0,
        };
        [Setting::Ttl, Setting::Idle, Setting::Capacity, Setting::StaleIfError].map(line).to_vec()
    };
    assert_eq!(lines("app::user"), [14, 12, 9, 5]);
    assert_eq!(lines("app::user#2"), [14, 12, 9, 5]);
    assert_eq!(lines("app::users"), [11, 12, 9, 5]);
    assert_eq!(lines("other"), [7, 8, 9, 5]);
    // As closely: the later one.
    let rules = parse("[caches.'b*']\nttl = '1s'\n[caches.'*a']\nttl = '2s'").unwrap().rules;
    let Some(Origin::Line(_, 4)) = counting(&rules, "ba").get(&Setting::Ttl).map(|one| one.stated.origin.clone())
    else {
        panic!("the later one counts");
    };
}
