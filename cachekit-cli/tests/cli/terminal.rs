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
