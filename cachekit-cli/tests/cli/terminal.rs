//! What a person at a terminal sees: progress, questions, colours.

use crate::shop;
use cachekit_tests::waiting::{self, eventually_or};
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{InputModes, LocalModes, OutputModes, Winsize, tcgetattr, tcsetwinsize},
};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A pseudo-terminal, and what was shown on it.
pub(crate) struct Terminal {
    screen: File,
    program_side: File,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&screen).expect("the right to it");
        unlockpt(&screen).expect("it is open");
        let name = ptsname(&screen, Vec::new()).expect("its name");
        let program_side =
            OpenOptions::new().read(true).write(true).open(name.to_str().expect("a path")).expect("its other side");
        let screen = File::from(screen);
        let (shown, mut reader) = (Arc::<Mutex<String>>::default(), screen.try_clone().expect("a reader"));
        let all = shown.clone();
        thread::spawn(move || {
            let mut some = [0; 4_096];
            while let Ok(read @ 1..) = reader.read(&mut some) {
                all.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&some[..read]));
            }
        });
        Terminal { screen, program_side, shown }
    }

    pub(crate) fn side(&self) -> Stdio {
        self.program_side.try_clone().expect("a side").into()
    }

    /// As large as that. A program whose terminal this is hears of it.
    pub(crate) fn size(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.program_side, size).expect("a size");
    }

    /// How it treats what is typed and shown.
    pub(crate) fn modes(&self) -> (InputModes, OutputModes, LocalModes) {
        let modes = tcgetattr(&self.program_side).expect("its modes");
        (modes.input_modes, modes.output_modes, modes.local_modes)
    }

    pub(crate) fn shown(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        eventually_or(text, || self.shown(), || self.shown().contains(text));
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("typed");
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("cachekit"));
    command.args(arguments).env("TERM", "xterm-256color").env_remove("NO_COLOR");
    command
}

pub(crate) fn ends(mut child: Child) -> Option<i32> {
    let mut code = None;
    waiting::eventually("it ends", || match child.try_wait() {
        Ok(Some(status)) => {
            code = status.code();
            true
        }
        _ => false,
    });
    code
}

#[test]
fn a_bar_shows_how_far_it_is_and_goes() {
    let terminal = Terminal::new();
    // A trace without an end, until this closes it.
    let mut child = command(&["simulate", "-", "--size", "10", "--strategy", "lru"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(terminal.side())
        .spawn()
        .expect("it runs");
    let mut trace = child.stdin.take().expect("its input");
    trace.write_all(b"1\n2\n1\n").expect("written");
    terminal.shows("bytes read");
    drop(trace);
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("33.33 %"), "{output:?}");
    terminal.shows("simulated in");
}

/// The percentages that a bar has shown, in their order.
fn percentages(shown: &str) -> Vec<u32> {
    let before = |part: &str| part.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok();
    let parts: Vec<&str> = shown.split(" % ").collect();
    parts.iter().rev().skip(1).rev().filter_map(|part| before(part)).collect()
}

/// A bar with a total, of what is slow enough to be seen: it goes up, and nothing is left of it.
#[track_caller]
fn goes_up_and_is_cleared(shown: &str, unit: &str) {
    let percentages = percentages(shown);
    assert!(percentages.is_sorted() && percentages.last() <= Some(&100), "{percentages:?}");
    assert!(percentages.iter().any(|percent| (1..100).contains(percent)), "{percentages:?} in {shown:?}");
    assert!(shown.contains(&format!(" {unit}, ")), "no {unit} in {shown:?}");
    // It is drawn over by clearing its line, and so in the end.
    let after = shown.rsplit("\x1b[2K").next().unwrap_or(shown);
    assert!(shown.contains("\x1b[2K") && !after.contains(unit) && !after.contains('━'), "{after:?}");
}

#[test]
fn a_bar_with_a_total_goes_up_and_is_cleared() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace.txt");
    std::fs::write(&trace, crate::traces::text(&crate::traces::keys(40_000))).expect("a trace");
    let terminal = Terminal::new();
    let child = command(&["simulate", trace.to_str().expect("a path")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(terminal.side())
        .spawn()
        .expect("it runs");
    assert_eq!(ends(child), Some(0));
    terminal.shows("simulated in");
    let shown = terminal.shown();
    let bars = shown.split("Read in").next().unwrap_or_default();
    goes_up_and_is_cleared(&bars[bars.find("0 % ").unwrap_or(0)..], "simulated requests");
}

#[test]
fn moves_show_how_far_they_are_and_a_redis_only_how_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let (store, other, lines) = (path("store"), path("other"), path("lines.jsonl"));
    let shop = shop::Shop::in_folder(&folder.path().join("store"));
    shop.fill_many(12_000);
    drop(shop);
    shop::closed(&folder.path().join("store"));
    let run = |arguments: &[&str]| {
        let terminal = Terminal::new();
        let child = command(arguments).stdin(Stdio::null()).stdout(terminal.side()).stderr(terminal.side()).spawn();
        assert_eq!(ends(child.expect("it runs")), Some(0), "{}", terminal.shown());
        let done = if arguments.first() == Some(&"import") { "12 000 entries into" } else { "12 000 entries of" };
        terminal.shows(done);
        let shown = terminal.shown();
        let end = shown.rfind(done).expect("what was done");
        shown[..end].to_owned()
    };
    goes_up_and_is_cleared(&run(&["export", "--dir", &store, "--out", &lines]), "records");
    goes_up_and_is_cleared(&run(&["import", &lines, "--dir", &other, "--create"]), "bytes");
    let server = cachekit_tests::redis_server::RedisServer::start();
    goes_up_and_is_cleared(&run(&["import", &lines, "--redis", &server.url()]), "bytes");
    let counted = run(&["export", "--redis", &server.url(), "--out", &lines, "--force"]);
    assert!(
        percentages(&counted).is_empty() && counted.contains(" entries, "),
        "what all is, is not known: {counted:?}"
    );
    let after = counted.rsplit("\x1b[2K").next().unwrap_or_default();
    assert!(counted.contains("\x1b[2K") && !after.contains("entries"), "{after:?}");
}

#[test]
fn nothing_moves_where_nobody_looks() {
    let output = shop::cachekit(&["simulate", "-", "--size", "10", "--strategy", "lru"])
        .write_stdin("1\n2\n1\n")
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !told.contains('\x1b') && !told.contains("bytes read"), "{told}");
}

#[test]
fn a_person_is_asked_and_the_answer_counts() {
    let (server, shop) = shop::redis();
    let url = server.url();
    for (answer, code) in [("n\n", 4), ("\n", 4), ("y\n", 0)] {
        assert!(shop.page("/index", 1).is_some(), "{answer:?}");
        let mut terminal = Terminal::new();
        let child = command(&["clear", "page", "--redis", &url])
            .stdin(terminal.side())
            .stdout(terminal.side())
            .stderr(terminal.side())
            .spawn()
            .expect("it runs");
        terminal.shows("This will clear page in redis://127.0.0.1");
        terminal.types(answer);
        assert_eq!(ends(child), Some(code), "{answer:?}: {}", terminal.shown());
    }
    assert!(shop.page("/index", 1).is_none());
}

#[test]
fn colours_are_for_a_terminal_whose_user_wants_them() {
    let (server, _shop) = shop::redis();
    let url = server.url();
    for (no_color, is_coloured) in [(None, true), (Some("1"), false)] {
        let terminal = Terminal::new();
        let mut command = command(&["list", "--redis", &url]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let child =
            command.stdin(Stdio::null()).stdout(terminal.side()).stderr(Stdio::null()).spawn().expect("it runs");
        assert_eq!(ends(child), Some(0));
        terminal.shows("app/user");
        assert_eq!(terminal.shown().contains("\x1b[1m"), is_coloured, "{:?}", terminal.shown());
    }
}

#[test]
fn complaints_and_questions_are_coloured_as_the_user_wants() {
    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    for (no_color, is_coloured) in [(None, true), (Some(""), true), (Some("1"), false)] {
        for (arguments, what, style) in [
            (&["list", "--dir", "/nowhere/at/all"][..], "next:", "\x1b[1;31m"),
            (&["clear", "page", "--dir", dir], "Go on? [y/N]", "\x1b[1m"),
        ] {
            let mut terminal = Terminal::new();
            let mut command = command(arguments);
            if let Some(value) = no_color {
                command.env("NO_COLOR", value);
            }
            let command = command.stdin(terminal.side()).stdout(Stdio::null()).stderr(terminal.side());
            let child = command.spawn().expect("it runs");
            terminal.shows(what);
            terminal.types("n\n");
            assert!(matches!(ends(child), Some(3 | 4)), "{}", terminal.shown());
            assert_eq!(terminal.shown().contains(style), is_coloured, "{no_color:?}: {:?}", terminal.shown());
            assert!(is_coloured || !terminal.shown().contains("\x1b[1"), "{:?}", terminal.shown());
        }
    }
}
