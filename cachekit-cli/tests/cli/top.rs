//! `top`: on a terminal a table that is drawn in place and leaves nothing behind; elsewhere one table.

use crate::{
    service::{Service, TOKEN, anybody, router},
    terminal::{Terminal, ends},
};
use axum::{
    extract::Request,
    middleware::{Next, from_fn},
};
use cachekit_tests::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// On a terminal that is its own: sizes, and keys that send signals, come from that.
fn top(service: &Service, terminal: &Terminal, more: &[&str]) -> Child {
    command(service, terminal).args(more).spawn().expect("it runs")
}

fn colourless(service: &Service, terminal: &Terminal, no_color: &str) -> Child {
    command(service, terminal).env("NO_COLOR", no_color).spawn().expect("it runs")
}

fn command(service: &Service, terminal: &Terminal) -> Command {
    let mut command = Command::new("setsid");
    command
        .arg("--ctty")
        .arg(assert_cmd::cargo::cargo_bin("cachekit"))
        .args(["top", "--admin", &service.url, "--interval", "100ms", "--timeout", "60s"])
        .env("CACHEKIT_ADMIN_TOKEN", TOKEN)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .stdin(terminal.side())
        .stdout(terminal.side())
        .stderr(terminal.side());
    command
}

/// What stands on the screen: the lines that were drawn last, by their number.
fn screen(shown: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Each line begins with the cursor being set to it.
    for part in shown.split("\x1b[").skip(1) {
        let Some((place, text)) = part.split_once('H') else {
            // Another sequence: what stands behind it belongs to the line.
            if let (Some(last), Some(at)) = (lines.last_mut(), part.find(|letter: char| letter.is_ascii_alphabetic())) {
                last.push_str(&part[at + 1..]);
            }
            continue;
        };
        let Some(row) =
            place.split(';').next().and_then(|row| row.parse::<usize>().ok()).filter(|_| place.ends_with(";1"))
        else {
            continue;
        };
        lines.truncate(row - 1);
        lines.resize(row - 1, String::new());
        lines.push(text.to_owned());
    }
    lines
}

/// The caches in the order in which they are shown, and the titles above them.
fn table(terminal: &Terminal) -> (String, Vec<String>) {
    let lines = screen(&terminal.shown());
    let title = lines.get(2).cloned().unwrap_or_default();
    let names =
        lines.iter().skip(3).filter_map(|line| line.split_whitespace().next()).filter(|name| name.contains("::"));
    (title, names.map(str::to_owned).collect())
}

#[track_caller]
fn shows(terminal: &Terminal, what: &str, condition: impl Fn(&str, &[String]) -> bool) {
    cachekit_tests::waiting::eventually_or(
        what,
        || format!("{:#?}", screen(&terminal.shown())),
        || {
            let (title, names) = table(terminal);
            condition(&title, &names)
        },
    );
}

#[test]
fn keys_sort_and_q_leaves_the_terminal_as_it_was() {
    let service = Service::start("top").under_load();
    let mut terminal = Terminal::new();
    terminal.size(140, 60);
    let before = terminal.modes();
    let child = top(&service, &terminal, &[]);
    // Other tests have services in this process.
    let own = |names: &[String]| names.iter().filter(|name| name.starts_with("top::")).cloned().collect::<Vec<_>>();
    shows(&terminal, "the table", |title, names| title.contains("hits/s▼") && own(names) == ["top::user", "top::page"]);
    assert_ne!(terminal.modes(), before, "keys come one by one");
    terminal.types("c");
    shows(&terminal, "by name", |title, names| title.contains("cache▲") && own(names) == ["top::page", "top::user"]);
    terminal.types("c");
    shows(&terminal, "turned", |title, names| title.contains("cache▼") && own(names) == ["top::user", "top::page"]);
    for (key, title_of_it) in [
        ("t", "load time"),
        ("r", "hit ratio"),
        ("m", "misses/s"),
        ("l", "loads/s"),
        ("e", "entries"),
        ("w", "weight"),
        ("x", "evict/s"),
        ("h", "hits/s"),
    ] {
        terminal.types(key);
        let sorted = format!("{title_of_it}▼");
        shows(&terminal, key, |title, _| title.contains(&sorted) && title.matches(['▼', '▲']).count() == 1);
    }
    // The cache of users has the entries, and the other the weight.
    terminal.types("e");
    shows(&terminal, "by entries", |title, names| {
        title.contains("entries▼") && own(names) == ["top::user", "top::page"]
    });
    terminal.types("w");
    shows(&terminal, "by weight", |title, names| title.contains("weight▼") && own(names) == ["top::page", "top::user"]);
    terminal.types("q");
    assert_eq!(ends(child), Some(0), "{}", terminal.shown());
    terminal.shows("\x1b[?25h");
    assert_eq!(terminal.modes(), before);
    let shown = terminal.shown();
    assert!(shown.contains("\x1b[?1049h") && shown.contains("\x1b[?25l"), "{shown:?}");
    let end = shown.rfind("\x1b[?1049l").expect("the screen is given back");
    assert_eq!(&shown[end..], "\x1b[?1049l\x1b[?25h");
}

#[test]
fn it_ends_cleanly_however_it_is_ended() {
    let service = Service::start("ended");
    for how in ["\x03", "\x1b", "SIGTERM"] {
        let mut terminal = Terminal::new();
        terminal.size(80, 24);
        let before = terminal.modes();
        let child = top(&service, &terminal, &[]);
        shows(&terminal, "the table", |title, _| title.contains("hits/s▼"));
        match how {
            "SIGTERM" => kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal"),
            key => terminal.types(key),
        }
        assert_eq!(ends(child), Some(0), "{how:?}: {}", terminal.shown());
        terminal.shows("\x1b[?1049l\x1b[?25h");
        assert_eq!(terminal.modes(), before, "{how:?}");
    }
}

#[test]
fn the_space_bar_holds_the_table_still_and_lets_it_go() {
    let looks = Arc::new(AtomicU32::new(0));
    let seen = looks.clone();
    let counted = router(anybody).layer(from_fn(move |request: Request, next: Next| {
        seen.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    }));
    let service = Service::with("held", counted);
    let mut terminal = Terminal::new();
    terminal.size(140, 60);
    let child = top(&service, &terminal, &["--sort", "cache"]);
    let entries = |terminal: &Terminal| {
        let lines = screen(&terminal.shown());
        let line = lines.iter().find(|line| line.starts_with("held::user"))?.clone();
        line.split_whitespace().nth(6).map(str::to_owned)
    };
    eventually("the entries", || entries(&terminal).as_deref() == Some("200"));
    terminal.types(" ");
    shows(&terminal, "that it is held", |_, _| screen(&terminal.shown())[0].starts_with("held still: "));
    for id in 1_000..1_050 {
        service.call(id);
    }
    let before = looks.load(Ordering::SeqCst);
    eventually("it goes on looking", || looks.load(Ordering::SeqCst) > before + 3);
    assert_eq!(entries(&terminal).as_deref(), Some("200"), "{:#?}", screen(&terminal.shown()));
    terminal.types(" ");
    eventually("it is let go", || entries(&terminal).as_deref() == Some("250"));
    assert!(!screen(&terminal.shown())[0].starts_with("held still: "), "{:#?}", screen(&terminal.shown()));
    terminal.types("q");
    assert_eq!(ends(child), Some(0));
}

#[test]
fn it_has_no_colours_for_who_wants_none() {
    let service = Service::start("plain");
    for (no_color, is_coloured) in [("", true), ("1", false)] {
        let mut terminal = Terminal::new();
        terminal.size(140, 60);
        let child = colourless(&service, &terminal, no_color);
        shows(&terminal, "the table", |_, names| names.iter().any(|name| name == "plain::user"));
        terminal.types("q");
        assert_eq!(ends(child), Some(0));
        assert_eq!(terminal.shown().contains("\x1b[1m"), is_coloured, "{:?}", terminal.shown());
    }
}

#[test]
fn without_a_keyboard_it_is_one_table_and_can_be_ended_before() {
    let service = Service::start("keyless");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let terminal = Terminal::new();
        // Without a terminal to ask for keys.
        let mut child = Command::new("setsid")
            .arg(assert_cmd::cargo::cargo_bin("cachekit"))
            .args(["top", "--admin", &service.url, "--interval", "1h", "--timeout", "60s"])
            .env("CACHEKIT_ADMIN_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(terminal.side())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let status = format!("/proc/{}/status", child.id());
        // It hears of the signal, and has not been taken by it yet.
        eventually("it listens", || {
            let caught = std::fs::read_to_string(&status).unwrap_or_default();
            let caught = caught.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default().trim();
            u64::from_str_radix(caught, 16).is_ok_and(|caught| caught >> (signal.as_raw() - 1) & 1 == 1)
        });
        assert!(matches!(child.try_wait(), Ok(None)), "{}", terminal.shown());
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        assert_eq!(ends(child), Some(130), "{signal:?}: {}", terminal.shown());
    }
}

#[test]
fn it_fits_terminals_of_every_width_while_they_change() {
    let service = Service::start("wide").under_load();
    let mut terminal = Terminal::new();
    terminal.size(170, 60);
    let child = top(&service, &terminal, &["--sort", "cache"]);
    shows(&terminal, "all columns", |title, _| title.contains("ratio lately"));
    terminal.size(60, 60);
    shows(&terminal, "the first columns", |title, _| title.contains("hits/s") && !title.contains("strategy"));
    terminal.size(9, 3);
    shows(&terminal, "what has room", |_, _| screen(&terminal.shown()).len() == 3);
    assert!(screen(&terminal.shown()).iter().all(|line| line.chars().count() <= 9), "{:#?}", screen(&terminal.shown()));
    terminal.size(0, 0);
    shows(&terminal, "the usual size", |title, _| title.contains("load time"));
    terminal.types("q");
    assert_eq!(ends(child), Some(0));
}

#[test]
fn a_service_that_goes_is_asked_again() {
    let mut service = Service::start("gone");
    let mut terminal = Terminal::new();
    terminal.size(140, 60);
    let child = top(&service, &terminal, &[]);
    shows(&terminal, "the table", |_, names| names.iter().any(|name| name == "gone::user"));
    service.stop();
    terminal.shows("it is asked again");
    shows(&terminal, "the last table", |_, names| names.iter().any(|name| name == "gone::user"));
    terminal.types("q");
    assert_eq!(ends(child), Some(0));
}

#[test]
fn without_a_terminal_it_is_one_table_of_one_interval() {
    let service = Service::start("once").under_load();
    let text = service.said(&["top", "--interval", "500ms", "--sort", "cache"]);
    assert!(!text.contains('\x1b'), "{text:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("cache") && lines[0].ends_with("strategy"), "{text}");
    let at = |name: &str| {
        lines.iter().position(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {text}"))
    };
    assert!(at("once::page") < at("once::user"), "{text}");
    let told = service.json(&["top", "--interval", "500ms"]);
    let users =
        told["caches"].as_array().expect("caches").iter().find(|row| row["cache"] == "once::user").expect("the users");
    let seconds = told["seconds"].as_f64().expect("seconds");
    let calls = (users["hits"].as_f64().expect("hits") + users["misses"].as_f64().expect("misses")) * seconds;
    assert!(seconds >= 0.5 && calls >= 1.0 && (calls - calls.round()).abs() < 1e-6, "{told}");
    let (code, told) = service.failed(&["top", "--interval", "1ms"]);
    assert!(code == 2 && told.contains("100ms"), "{code} {told}");
}
