//! The admin page in a real browser, of a real server.

mod forms;
mod one;
mod service;

use cachekit::{admin::Scope, registry};
use cachekit_tests::{browser::Browser, eventually};
use serde_json::json;
use service::{ALL, Service};
use std::{path::PathBuf, sync::atomic::Ordering, time::Duration};

const TAB: char = '\u{E004}';
const ENTER: char = '\u{E007}';
const USERS: &str = "shop%3A%3Ausers";

/// Where pictures are put, if anybody wants them: in the folder `CACHEKIT_TEST_PICTURES`. `admin-cache.png` is that of `docs/images`, whose other one is of the example (`ops_example.rs`); the rest are to be looked at.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("CACHEKIT_TEST_PICTURES").map(PathBuf::from)
}

#[test]
fn the_page_shows_caches_and_what_happens() {
    let (service, browser) = (Service::start("seen", ALL), Browser::open());
    service.signed_in(&browser, "");
    browser.until("document.querySelectorAll('#caches tbody tr').length >= 3");
    assert!(browser.text("body").contains("Changes hold for this process"));
    assert!(browser.text("#who").contains("ann may read, operate, destroy"));
    // It goes on by itself.
    browser.until(
        "[...document.querySelectorAll('#caches tbody td:nth-child(4)')].every(cell => cell.textContent !== '–')",
    );
    browser
        .until("[...document.querySelectorAll('svg.spark path')].some(path => path.getAttribute('d').includes('L'))");
    browser.write("#filter", "seen::u");
    browser.until("document.getElementById('count').textContent.startsWith('1 of')");
    // By the keyboard alone: to a heading, which sorts, and to a cache.
    browser.act("document.querySelector('th button').focus()");
    browser.press(&[ENTER]);
    assert_eq!(browser.run("return document.querySelector('th').getAttribute('aria-sort')"), "descending");
    browser.act("document.querySelector('th:last-child button').focus()");
    browser.press(&[TAB]);
    assert_eq!(browser.run("return document.activeElement.textContent"), "seen::users");
    browser.press(&[ENTER]);
    browser.until("!document.getElementById('one').hidden && document.querySelector('#times svg')");
    assert_eq!(browser.text("#name"), "seen::users");
    // One connection, though there were two.
    eventually("the first is closed", || service.live.load(Ordering::SeqCst) == 1);
    assert!(service.live_ever.load(Ordering::SeqCst) >= 2);
    browser.act("history.back()");
    browser.until("!document.getElementById('all').hidden");
    eventually("again one", || service.live.load(Ordering::SeqCst) == 1);
    assert_eq!(browser.console(), Vec::<String>::new());
    assert_eq!(browser.run("return document.cookie + location.search"), "");
}

#[test]
fn what_somebody_does_is_done() {
    let (service, browser) = (Service::start("done", ALL), Browser::open());
    service.signed_in(&browser, "done%3A%3Ausers");
    browser.until("document.querySelector('#strategy input').value !== ''");
    browser.write("#strategy input", "lru");
    browser.click("#strategy button");
    browser.until("document.getElementById('said').textContent.includes('strategy is now lru')");
    assert_eq!(service.users.strategy().name(), "lru");
    browser.until("document.getElementById('tiles').textContent.includes('lru')");

    browser.write("#strategy input", "newest");
    browser.click("#strategy button");
    browser.until("document.querySelector('#said[role=alert]')?.textContent.includes('Instead:')");
    assert_eq!(service.users.strategy().name(), "lru");
    // That the browser tells of the 400 is all that it tells.
    assert!(browser.console().iter().all(|line| line.contains("400")));

    browser.write("#capacity input", "100");
    browser.click("#capacity button");
    browser.until("document.getElementById('said').textContent.includes('capacity is now 100')");
    assert_eq!(service.users.stats().capacity, Some(100));

    browser.write("#key input", "1000000");
    // Under load it may be evicted before it is asked about.
    eventually("1000000 is fresh", || {
        service.users.insert(1_000_000, "one".to_owned());
        browser.act("say('')");
        browser.click("#explain");
        browser.until("document.getElementById('said').textContent !== ''");
        browser.text("#said").contains("1000000 is fresh")
    });
    browser.click("#key button");
    browser.until("document.getElementById('said').textContent.includes('Invalidated')");
    assert_eq!(service.users.get(&1_000_000), None);

    let invalidated = || service.users.stats().removals.invalidated;
    let before = invalidated();
    browser.click("#clear button");
    browser.until("document.getElementById('ask').open");
    browser.click("#ask button[value='']");
    browser.until("!document.getElementById('ask').open");
    assert_eq!(invalidated(), before, "who says no changes nothing");
    browser.click("#clear button");
    browser.click("#ask button[value='yes']");
    browser.until("document.getElementById('said').textContent.includes('Cleared')");
    assert!(invalidated() > before);

    browser.click("#entries button");
    browser.until("document.querySelector('#page tbody tr')?.textContent.includes('hidden')");
    browser.click("#keys");
    browser.click("#entries button");
    browser.until("/^\\d+hidden/.test(document.querySelector('#page tbody tr')?.textContent)");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn every_setting_is_changed_and_taken_back() {
    let (service, browser) = (Service::start("set", ALL), Browser::open());
    service.signed_in(&browser, "set%3A%3Aquotes");
    browser.until("document.querySelector('#ttl input')?.value === '1m'");
    let configuration = || registry::find("set::quotes").expect("the cache").configuration();
    let said = |text: &str| browser.until(&format!("document.getElementById('said').textContent.includes('{text}')"));
    let row = |id: &str| browser.text(&format!("tr:has(#{id})"));
    let shown = |id: &str| browser.run(&format!("return document.querySelector('#{id} input').value"));
    for (id, is, to, read) in [
        ("strategy", "s3-tinylfu", "sieve", "sieve"),
        ("capacity", "1000", "2 000", "2000"),
        ("ttl", "1m", "90s", "90s"),
        ("idle", "never", "5 m", "5m"),
        ("stale_while_revalidate", "0s", "1500ms", "1.5s"),
        ("stale_if_error", "5m", "0s", "0s"),
        ("timeout", "250ms", "0.4s", "400ms"),
        ("soft_load_timeout", "250ms", "never", "never"),
        ("hard_load_timeout", "2s", "1h", "1h"),
    ] {
        assert_eq!(shown(id), is, "{id}");
        assert!(row(id).contains("the code") && !row(id).contains("Take back"), "{id}: {}", row(id));
        browser.write(&format!("#{id} input"), to);
        browser.click(&format!("#{id} button"));
        said(&format!("{} is now {to}", id.replace('_', " ")));
        // As the service has understood it.
        assert_eq!(shown(id), read, "{id}");
        assert!(row(id).contains("a live change") && row(id).contains("Take back"), "{id}: {}", row(id));
    }
    let now = configuration();
    assert_eq!((now.idle, now.stale_if_error), (Some(Duration::from_secs(300)), Duration::ZERO));
    assert_eq!((now.timeout, now.soft_load_timeout), (Duration::from_millis(400), None));
    assert_eq!((now.bound, now.strategy.as_str()), (registry::Bound::Entries(2_000), "sieve"));
    if let Some(folder) = pictures() {
        for theme in ["light", "dark"] {
            browser.act(&format!(
                "const to = document.getElementById('theme'); to.value = '{theme}'; to.dispatchEvent(new Event('change'))"
            ));
            browser.act("document.getElementById('settings').closest('.card').scrollIntoView()");
            browser.screenshot(&folder.join(format!("admin-settings-{theme}.png")));
        }
    }
    // What cannot be read, and what the service refuses, changes nothing.
    for (id, wrong) in [("ttl", "soon"), ("timeout", "never"), ("capacity", "many"), ("hard_load_timeout", "0s")] {
        let before = configuration();
        browser.write(&format!("#{id} input"), wrong);
        browser.click(&format!("#{id} button"));
        browser.until("document.querySelector('#said[role=alert]')?.textContent.includes('Instead:')");
        assert_eq!(configuration(), before, "{id}");
        browser.click(&format!("tr:has(#{id}) td:last-child button"));
        if id == "capacity" {
            browser.until("document.getElementById('ask').open");
            assert!(browser.text("#question").contains("evicts"), "{}", browser.text("#question"));
            browser.click("#ask button[value='yes']");
        }
        said("is taken back");
    }
    assert_eq!([shown("ttl"), shown("timeout"), shown("hard_load_timeout")], ["1m", "250ms", "2s"]);
    assert_eq!(configuration().ttl, registry::Ttl::Fixed(Duration::from_secs(60)));
    assert!(row("ttl").contains("the code") && !row("ttl").contains("Take back"), "{}", row("ttl"));

    // Switches ask where much hangs on it.
    for (id, is_off) in
        [("enabled", "every call"), ("dry_run", "every call"), ("tiers\\.own", "what is in memory goes")]
    {
        browser.click(&format!("#{id} button"));
        browser.until("document.getElementById('ask').open");
        assert!(browser.text("#question").to_lowercase().contains(is_off), "{}", browser.text("#question"));
        browser.click("#ask button[value='yes']");
        browser.until(&format!(
            "document.querySelector({}) !== null",
            json!(format!("tr:has(#{id}) td:last-child:has(button:not([hidden]))"))
        ));
    }
    assert!(!service.quotes.is_enabled() && configuration().is_dry_run);
    let tiers = registry::find("set::quotes").expect("the cache").tiers();
    assert_eq!(tiers.iter().map(|tier| tier.is_used).collect::<Vec<_>>(), [true, false]);
    // Taking one back may lose as much, and asks as well.
    for (id, name, loses) in [
        ("enabled", "enabled", "every call"),
        ("dry_run", "dry run", "every call"),
        ("tiers\\.own", "tier own", "what is in memory goes"),
    ] {
        let before = configuration();
        for answer in ["", "yes"] {
            assert_eq!(configuration(), before, "{id}: who says no changes nothing");
            browser.click(&format!("tr:has(#{id}) td:last-child button"));
            browser.until("document.getElementById('ask').open");
            assert!(browser.text("#question").to_lowercase().contains(loses), "{}", browser.text("#question"));
            browser.click(&format!("#ask button[value='{answer}']"));
            browser.until("!document.getElementById('ask').open");
        }
        said(&format!("the change of {name} is taken back"));
    }
    assert!(service.quotes.is_enabled() && !configuration().is_dry_run);
    // What the code does not ask for cannot be set: another cache has neither backends nor timeouts of loads.
    browser.act("location.hash = 'set%3A%3Ausers'");
    browser.until("document.getElementById('name').textContent === 'set::users' && document.querySelector('#ttl input').value === '20s'");
    for id in ["timeout", "soft_load_timeout", "hard_load_timeout", "tiers\\.memory"] {
        let hidden = browser.run(&format!("return document.querySelector({}).hidden", json!(format!("tr:has(#{id})"))));
        assert_eq!(hidden, true, "{id}");
    }
    // That the browser tells of refusals is all that it tells.
    assert!(browser.console().iter().all(|line| line.contains("400")));
}

#[test]
fn the_keys_that_are_looked_for_most_are_shown_to_who_asks() {
    let (service, browser) = (Service::start("top", ALL), Browser::open());
    service.signed_in(&browser, "top%3A%3Ausers");
    browser.until("document.querySelector('#counter button').textContent === 'Start'");
    browser.click("#counter button");
    browser.until("document.querySelectorAll('#tops .key').length === 10");
    let names = "[...document.querySelectorAll('#tops .key')].map(key => key.textContent)";
    assert_eq!(browser.run(&format!("return {names}.every(name => name === 'hidden')")), true);
    assert!(browser.text("#topped").contains("looks"));
    browser.click("#topkeys");
    browser.until(&format!("{names}.some(name => /^\\d+$/.test(name))"));
    let widths = browser.run("return [...document.querySelectorAll('#tops div span')].map(bar => bar.offsetWidth)");
    let widths: Vec<i64> = widths.as_array().expect("a list").iter().filter_map(serde_json::Value::as_i64).collect();
    assert!(widths[0] > 50 && widths.is_sorted_by(|a, b| a >= b), "{widths:?}");
    if let Some(folder) = pictures() {
        browser.act("document.getElementById('top').scrollIntoView()");
        browser.screenshot(&folder.join("admin-top.png"));
    }
    // What a policy says of an entry.
    service.users.insert(2_000_000, "one".to_owned());
    browser.write("#key input", "2000000");
    browser.click("#explain");
    eventually("2000000 is fresh", || {
        service.users.insert(2_000_000, "one".to_owned());
        browser.act("say('')");
        browser.click("#explain");
        browser.until("document.getElementById('said').textContent !== ''");
        browser
            .run("return /2000000 is fresh.*s3-tinylfu: in the (small|main) queue/.test(document.getElementById('said').textContent)")
            == true
    });
    browser.click("#counter button");
    browser.until("document.querySelectorAll('#tops .key').length === 0");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn who_may_only_read_sees_what_is_missing() {
    let (service, browser) = (Service::start("only", &[Scope::Read]), Browser::open());
    browser.go(&service.url);
    browser.until("!document.getElementById('sign').hidden");
    browser.write("#token", "a guess");
    browser.click("#sign button");
    browser.until("document.querySelector('#said[role=alert]')?.textContent.includes('does not know who asks')");
    service.signed_in(&browser, "only%3A%3Ausers");
    let disabled = "document.querySelectorAll('#one button:disabled').length";
    assert!(browser.run(&format!("return {disabled}")).as_u64() >= Some(7));
    assert!(
        browser
            .run("return document.querySelector('#clear button').title")
            .as_str()
            .is_some_and(|title| title.contains("destroy"))
    );
}

#[test]
fn it_looks_as_the_system_does_or_as_one_likes() {
    let (service, browser) = (Service::start("shop", ALL), Browser::open());
    service.signed_in(&browser, "");
    let background = || browser.run("return getComputedStyle(document.body).backgroundColor");
    let system = |scheme: &str| {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let _ = browser.devtools("Emulation.setEmulatedMedia", &media);
    };
    system("light");
    let light = background();
    system("dark");
    let dark = background();
    assert_ne!(light, dark);
    browser
        .act("const to = document.getElementById('theme'); to.value = 'light'; to.dispatchEvent(new Event('change'))");
    assert_eq!(background(), light);
    let Some(folder) = pictures() else { return };
    browser.write("#filter", "shop");
    // What is seen of two minutes is seen after some of them.
    browser.until("past.get('shop::users').length > 40");
    browser.screenshot(&folder.join("admin-few.png"));
    system("light");
    browser.act("const to = document.getElementById('theme'); to.value = ''; to.dispatchEvent(new Event('change'))");
    browser.click(&format!("a[href='#{USERS}']"));
    browser.until("document.querySelector('#advise button').textContent === 'Start'");
    browser.click("#thorough input");
    browser.click("#advise button");
    browser.until("document.querySelector('#curve svg')");
    browser.until("past.get('shop::users').length > 75 && document.querySelector('#curve .facts li')");
    browser.act("say(''); window.scrollTo(0, 0)");
    browser.screenshot(&folder.join("admin-cache.png"));
    for scheme in ["light", "dark"] {
        system(scheme);
        for (name, top) in [("one", 0), ("curve", 900), ("actions", 1_500)] {
            browser.act(&format!("window.scrollTo(0, {top})"));
            browser.screenshot(&folder.join(format!("admin-{name}-{scheme}.png")));
        }
        browser.act("location.hash = ''");
        browser.until("!document.getElementById('all').hidden");
        browser.screenshot(&folder.join(format!("admin-all-{scheme}.png")));
        browser.click(&format!("a[href='#{USERS}']"));
        browser.until("document.querySelector('#curve svg')");
    }
}
