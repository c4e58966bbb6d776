//! The page of one cache: its numbers, its curve, and names of all controls.

use crate::service::{ALL, Service};
use cachekit_tests::browser::Browser;
use serde_json::json;

/// Of bars, what stands beside them.
fn bars(browser: &Browser, id: &str) -> Vec<(String, String)> {
    let said = browser.run(&format!(
        "const all = [...document.querySelectorAll('#{id} > span')].map(at => at.textContent); return all.filter((_, at) => at % 2 === 0).map((name, at) => [name, all[2 * at + 1]])"
    ));
    serde_json::from_value(said).expect("pairs")
}

#[test]
fn the_page_of_one_cache_has_its_numbers() {
    let (service, browser) = (Service::start("one", ALL), Browser::open());
    let quotes = &service.quotes;
    (0..3).for_each(|key| _ = quotes.get_or_compute(&key, || unreachable!()));
    (200..202).for_each(|key| _ = quotes.get_or_compute(&key, || key));
    quotes.call(&1).bypass_if(true).get_or_compute(|| 7);
    quotes.invalidate(&5);
    service.signed_in(&browser, "one%3A%3Aquotes");
    browser.until("document.querySelectorAll('#misses > span').length > 0 && document.querySelector('#ratio path.la')");
    let is = |id: &str, all: &[(&str, &str)]| {
        let expected: Vec<(String, String)> = all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(bars(&browser, id), expected, "{id}");
    };
    is(
        "misses",
        &[
            ("Absent", "2"),
            ("Expired", "0"),
            ("Invalidated", "0"),
            ("To be compared", "0"),
            ("Bypassed", "1"),
            ("In no backend", "2"),
            ("Corrupt in a backend", "0"),
            ("Of another shape", "0"),
            ("Too large", "0"),
            ("A backend failed", "0"),
            ("A breaker was open", "0"),
        ],
    );
    is("removals", &[("Evicted for room", "0"), ("Expired", "0"), ("Invalidated", "1"), ("Replaced", "0")]);
    let tiers = browser.text("#tiers");
    assert!(tiers.contains("memory: 3 hits; 101 entries of this process"), "{tiers}");
    assert!(tiers.contains("0 hits; breaker closed, opened 0 times, 0 invalidations wait"), "{tiers}");
    // What happens is drawn: a line for each series, and one more point with each second.
    quotes.get_or_compute(&0, || unreachable!());
    browser.until("document.querySelector('#ratio svg').getAttribute('aria-label').includes('100.0 %')");
    for (chart, series) in [("ratio", "la"), ("rates", "la"), ("rates", "lb")] {
        browser.until(&format!("document.querySelector('#{chart} path.{series}').getAttribute('d').startsWith('M')"));
    }
    assert!(
        browser
            .run("return document.querySelector('#rates svg').getAttribute('aria-label')")
            .as_str()
            .is_some_and(|label| label.starts_with("Calls each second"))
    );

    // Explained: what memory has, what a backend has, and why neither is given.
    let explained = |says: &str| {
        browser.write("#key input", "7");
        browser.act("say('')");
        browser.click("#explain");
        browser.until("document.getElementById('said').textContent !== ''");
        let said = browser.text("#said");
        assert!(said.contains(says), "{said}");
    };
    explained("7 is fresh, ");
    quotes.retain(|_, _| false);
    cachekit::flush().wait();
    explained("7 is fresh in own, ");
    quotes.set_enabled(false);
    explained("Every call computes: the cache is switched off. 7 is fresh in own");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn the_curve_says_where_the_cache_stands_what_that_is_worth_and_how_sure_it_is() {
    let (service, browser) = (Service::start("curve", ALL), Browser::open());
    service.signed_in(&browser, "curve%3A%3Ausers");
    browser.until("document.querySelector('#advise button').textContent === 'Start'");
    browser.click("#thorough input");
    browser.click("#advise button");
    browser.until("document.querySelector('#curve svg .mark') && document.querySelector('#curve .facts li')");
    assert!(browser.text("#curve .facts").contains("Now: 500 entries hit "), "{}", browser.text("#curve .facts"));
    assert!(browser.text("#curve svg").contains("now 500"));
    assert!(browser.run("return document.querySelectorAll('#curve details tbody td').length").as_u64() > Some(20));
    // All that it can say, of figures that are known.
    let outlook = |strategy: &str, capacity: u64, hits: f64, saved: i64, predictable: bool| {
        json!({ "strategy": strategy, "capacity": capacity, "bytes": capacity * 1024, "hit_ratio": hits, "error": 0.012, "cliff": false,
            "predictable": predictable, "simulated_entries": 1_000, "full": true, "saved_load_nanos": saved })
    };
    let (now, knee) = (outlook("lru", 1_000, 0.5, 0, true), outlook("lru", 4_000, 0.7, 90_000_000_000, true));
    let best = outlook("lirs", 1_000, 0.6, -2_000_000_000, false);
    let advice = json!({ "cache": "x", "strategy": "lru", "capacity": 1_000, "accesses": 90_000, "sampled": 9_000, "dropped": 0, "one_in": 10.0, "keys": 5_000,
        "load_nanos": 1_000_000, "outlooks": [outlook("lru", 500, 0.3, 0, true), now, knee, best], "knee": knee, "best": best,
        "wasted_entries": 0, "wasted_bytes": null, "lacking_entries": 3_000, "lacking_bytes": 3_072_000 });
    let drawn = browser.run(&format!(
        "curve({advice}); const at = id => document.querySelector('#curve ' + id); return [document.getElementById('curve').textContent, at('.knee').getAttribute('cx'), at('.knee').getAttribute('cy'), at('.mark').getAttribute('d')]"
    ));
    let text = drawn[0].as_str().expect("text");
    for said in [
        "Now: 1,000 entries (about 1000 KiB) hit 50.0 % ± 1.2.",
        "Knee, from which more gives least: 4,000 entries (about 3.91 MiB) hit 70.0 % ± 1.2, and would have saved 1.5 min of loads.",
        "Best strategy, lirs: 1,000 entries (about 1000 KiB) hit 60.0 % ± 1.2, which is not to be relied on, and would have cost 2 s more of loads.",
        "3,000 more entries would still pay. They are about 2.93 MiB.",
        "Sampled: 9,000 of 90K accesses of about 5,000 keys.",
        "50.0 % ± 1.2",
        "60.0 % ± 1.2 ?",
    ] {
        assert!(text.contains(said), "{said:?} is not in {text}");
    }
    // A third of the way from 500 to 4,000, as octaves go; the knee at its end, at 70 % of the height.
    assert!(drawn[3].as_str().is_some_and(|line| line.starts_with("M300") || line.starts_with("M299.99")), "{drawn}");
    assert_eq!((&drawn[1], drawn[2].as_str().map(|y| y.starts_with("66"))), (&json!("900"), Some(true)), "{drawn}");
}

#[test]
fn every_control_has_a_name_that_is_read_aloud() {
    let (service, browser) = (Service::start("named", ALL), Browser::open());
    let unnamed = || {
        let tree = browser.devtools("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().expect("nodes").clone();
        let is_control = |role: &str| {
            matches!(
                role,
                "button" | "textbox" | "checkbox" | "combobox" | "link" | "img" | "table" | "dialog" | "region"
            )
        };
        let controls = nodes
            .iter()
            .filter(|node| node["ignored"] != true && node["role"]["value"].as_str().is_some_and(is_control));
        let controls: Vec<(String, String)> = controls
            .map(|node| {
                let text = |part: &str| node[part]["value"].as_str().unwrap_or_default().trim().to_owned();
                (text("role"), text("name"))
            })
            .collect();
        assert!(controls.len() > 5, "{controls:?}");
        controls.into_iter().filter(|(_, name)| name.is_empty()).collect::<Vec<_>>()
    };
    browser.go(&service.url);
    browser.until("!document.getElementById('sign').hidden");
    let _ = browser.devtools("Accessibility.enable", &json!({}));
    service.signed_in(&browser, "");
    browser.until("document.querySelectorAll('#caches tbody tr').length >= 3");
    assert_eq!(unnamed(), [], "of all caches");
    browser.act("location.hash = 'named%3A%3Aquotes'");
    browser.until("document.querySelector('#ttl input')?.value === '1m' && document.querySelector('#ratio svg')");
    browser.click("#advise button");
    browser.click("#counter button");
    browser.click("#entries button");
    browser.until("document.querySelector('#page tbody tr')");
    assert_eq!(unnamed(), [], "of one cache");
    browser.click("#clear button");
    browser.until("document.getElementById('ask').open");
    assert_eq!(browser.run("return document.getElementById('ask').getAttribute('aria-labelledby')"), "question");
}
