//! The forms that take entries away and show them.

use crate::{ENTER, TAB, service::ALL, service::Service};
use cachekit_tests::browser::Browser;
use std::{collections::BTreeMap, time::Duration};

const ESCAPE: char = '\u{E00C}';

/// A service whose `quotes` have so many entries, which nothing takes away while a test looks at them; and the page of that cache.
fn quotes(app: &str, entries: u64) -> (Service, Browser) {
    let (service, browser) = (Service::start(app, ALL), Browser::open());
    service.quotes.set_ttl(Some(Duration::from_secs(3_600)));
    (0..entries).for_each(|key| _ = service.quotes.insert(key, 7 * key));
    service.signed_in(&browser, &format!("{app}%3A%3Aquotes"));
    browser.until("document.querySelector('#ttl input')?.value === '1h'");
    (service, browser)
}

/// Those that are there.
fn there(service: &Service) -> Vec<u64> {
    (0..100).filter(|key| service.quotes.get(key).is_some()).collect()
}

/// Answers the question, which has these words in it.
fn answered(browser: &Browser, words: &str, answer: &str) {
    browser.until("document.getElementById('ask').open");
    assert!(browser.text("#question").contains(words), "{}", browser.text("#question"));
    browser.click(&format!("#ask button[value='{answer}']"));
    browser.until("!document.getElementById('ask').open");
}

fn says(browser: &Browser, text: &str) {
    browser.until(&format!("document.getElementById('said').textContent.includes('{text}')"));
}

#[test]
fn a_prefix_takes_away_what_begins_so_and_nothing_else() {
    let (service, browser) = quotes("begin", 100);
    let question = "Invalidate all entries of begin::quotes that begin with 4?";
    browser.write("#prefix input", "4");
    browser.click("#prefix button");
    answered(&browser, question, "");
    assert_eq!(there(&service).len(), 100, "who says no changes nothing");
    browser.click("#prefix button");
    answered(&browser, question, "yes");
    // 4 itself, and 40 to 49, in memory and in the backend.
    says(&browser, "Invalidated 22 entries");
    assert_eq!(there(&service), (0..100).filter(|key| !key.to_string().starts_with('4')).collect::<Vec<u64>>());
    browser.write("#prefix input", "nobody");
    browser.click("#prefix button");
    answered(&browser, "begin with nobody?", "yes");
    says(&browser, "Invalidated 0 entries");
    assert_eq!(there(&service).len(), 89);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_tag_takes_away_or_makes_stale_what_has_it_in_all_caches() {
    let (service, browser) = (Service::start("tagged", ALL), Browser::open());
    service.signed_in(&browser, "");
    browser.until("document.querySelectorAll('#caches tbody tr').length >= 3");
    service.quotes.set_ttl(Some(Duration::from_secs(3_600)));
    for (key, tag) in [(1_000, "forms:gone"), (1_001, "forms:stale"), (1_002, "forms:other")] {
        service.quotes.call(&key).tags([tag]).get_or_compute(|| key);
    }
    // A value that is stale is given in place of an error.
    let given = |key: u64| service.quotes.try_get_or_compute(&key, || Err::<u64, _>("no")).ok();
    let question = |tag: &str| format!("everything that has the tag {tag}, in all caches?");
    browser.write("#tagname", "forms:gone");
    browser.click("#tag button");
    answered(&browser, &question("forms:gone"), "");
    assert_eq!(given(1_000), Some(1_000), "who says no changes nothing");
    browser.click("#tag button");
    answered(&browser, &question("forms:gone"), "yes");
    says(&browser, "Invalidated");
    assert_eq!([1_000, 1_001, 1_002].map(given), [None, Some(1_001), Some(1_002)]);

    browser.act("say('')");
    browser.write("#tagname", "forms:stale");
    browser.click("#soft");
    browser.click("#tag button");
    answered(&browser, &question("forms:stale"), "yes");
    says(&browser, "Invalidated");
    assert_eq!(service.quotes.get(&1_001), None, "it is not fresh");
    assert_eq!([1_000, 1_001, 1_002].map(given), [None, Some(1_001), Some(1_002)]);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn all_entries_are_shown_page_by_page_with_their_values() {
    let (_service, browser) = quotes("paged", 120);
    browser.click("#keys");
    browser.click("#values");
    browser.click("#entries button");
    let more = "[...document.querySelectorAll('#page tfoot button')].some(button => button.textContent === 'More')";
    let rows = || {
        let cells = "return [...document.querySelectorAll('#page tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))";
        let rows: Vec<Vec<String>> = serde_json::from_value(browser.run(cells)).expect("rows of texts");
        rows
    };
    browser.until(more);
    let first = rows().len();
    assert!((1..120).contains(&first), "{first}");
    // Each page is put below what is there.
    let mut shown = first;
    while browser.run(&format!("return {more}")) == true {
        browser.click("#page tfoot button");
        browser.until(&format!("document.querySelectorAll('#page tbody tr').length > {shown}"));
        shown = rows().len();
        assert!(shown <= 120, "{shown}: it comes to an end");
    }
    let rows = rows();
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is no number"));
    let values: BTreeMap<u64, u64> = rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
    assert_eq!((rows.len(), values), (120, (0..120).map(|key| (key, 7 * key)).collect()), "each once");
    assert!(rows.iter().all(|row| row[2] == "fresh"), "{rows:?}");

    // Of values alone, keys stay hidden.
    browser.click("#keys");
    browser.click("#entries button");
    browser.until("document.querySelector('#page tbody tr')?.cells[0].textContent === 'hidden'");
    let texts = browser.run("return [...document.querySelectorAll('#page tbody tr')].map(row => row.cells[0].textContent).filter(text => text !== 'hidden').length");
    assert_eq!(texts, 0);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_form_is_used_by_the_keyboard_alone() {
    let (service, browser) = quotes("typed", 100);
    let focus = || browser.run("const at = document.activeElement; return at.form?.id + ' ' + at.textContent.trim()");
    browser.act("document.querySelector('#key input').focus()");
    // Over the two buttons of the form before.
    browser.press(&[TAB]);
    assert_eq!(focus(), "key Invalidate");
    browser.press(&[TAB]);
    assert_eq!(focus(), "key Explain");
    browser.press(&[TAB]);
    assert_eq!(focus(), "prefix ");
    let ring = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
    assert_ne!(ring, "none", "one sees where one is");
    let opened = || {
        browser.press(&['5', ENTER]);
        browser.until("document.getElementById('ask').open");
        assert!(browser.text("#question").contains("begin with 5"));
        assert_eq!(browser.run("return document.getElementById('ask').contains(document.activeElement)"), true);
    };
    let go_to = |button: &str| {
        let is_there = || browser.run("return document.activeElement.textContent") == button;
        for _ in 0..4 {
            if !is_there() {
                browser.press(&[TAB]);
            }
        }
        assert!(is_there(), "{button} is reached");
    };
    opened();
    browser.press(&[ESCAPE]);
    browser.until("!document.getElementById('ask').open");
    assert_eq!((there(&service).len(), focus()), (100, "prefix ".into()), "and one is where one was");
    browser.act("document.querySelector('#prefix input').value = ''");
    opened();
    go_to("No");
    browser.press(&[ENTER]);
    browser.until("!document.getElementById('ask').open");
    assert_eq!(there(&service).len(), 100);
    browser.act("document.querySelector('#prefix input').value = ''");
    opened();
    go_to("Yes");
    browser.press(&[ENTER]);
    says(&browser, "Invalidated 22 entries");
    assert_eq!(there(&service).len(), 89);
    assert_eq!(browser.console(), Vec::<String>::new());
}
