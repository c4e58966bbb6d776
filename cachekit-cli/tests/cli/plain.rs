//! What holds for all commands: codes, configuration, secrets, pipes, colours, the manual.

use crate::shop::{self, failed, said};
use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

#[test]
fn a_store_has_to_be_named_once() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = shop::cachekit(arguments);
        let output = command.current_dir(nowhere.path()).envs(variables.iter().copied()).output().expect("it runs");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = run(&["list"], &[]);
    assert!(code == 2 && told.contains("--redis URL") && told.contains("CACHEKIT_DIR"), "{code} {told}");
    let both = [("CACHEKIT_REDIS_URL", "redis://127.0.0.1:1"), ("CACHEKIT_DIR", "/nowhere/at/all")];
    let (code, told) = run(&["list"], &both);
    assert!(code == 2 && told.contains("--use redis"), "{code} {told}");
    let (code, told) = run(&["list", "--use", "file"], &both);
    assert!(code == 3 && told.contains("there is no store in /nowhere/at/all"), "{code} {told}");
    assert!(!std::path::Path::new("/nowhere").exists(), "a mistyped folder is not made");
    let (code, told) = run(&["list", "--redis", "redis://h", "--dir", "x"], &[]);
    assert!(code == 2 && told.contains("cannot be used with"), "{code} {told}");
}

#[test]
fn a_url_may_come_from_a_file_the_environment_or_the_configuration() {
    let (server, _shop) = shop::redis();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    fs::write(&file, format!("{}\n", server.url())).expect("a file");
    assert!(said(&["list", "--redis-file", file.to_str().expect("a path")]).contains("app/user"));
    let lists = |command: &mut assert_cmd::Command| {
        String::from_utf8_lossy(&command.output().expect("it runs").stdout).contains("app/user")
    };
    assert!(lists(shop::cachekit(&["list"]).env("CACHEKIT_REDIS_URL", server.url()).current_dir(folder.path())));
    assert!(lists(shop::cachekit(&["list", "--redis-file", "-"]).write_stdin(server.url())));
    fs::write(folder.path().join("cachekit.toml"), format!("[redis]\nurl = '{}'\n", server.url())).expect("a file");
    assert!(lists(shop::cachekit(&["list"]).current_dir(folder.path())));
    assert!(!lists(shop::cachekit(&["list", "--namespace", "other"]).current_dir(folder.path())));
}

#[test]
fn no_password_is_shown() {
    for url in [
        "redis://app:hunter2@127.0.0.1:1",
        "redis://app:hunter2@127.0.0.1:1/x",
        "http://app:hunter2@h",
        "redis://app:hun#ter2@h:x",
    ] {
        for command in ["list", "stats", "doctor", "bench"] {
            let output = shop::cachekit(&[command, "--redis", url, "--timeout", "1s"]).output().expect("it runs");
            let all = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&all);
            assert!(
                !output.status.success() && !text.contains("hun") && !text.contains("ter2"),
                "{command} {url}: {text}"
            );
        }
    }
}

#[test]
fn a_store_that_a_program_uses_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = shop::Shop::in_folder(folder.path());
    shop.fill();
    let (code, told) = failed(&["list", "--dir", folder.path().to_str().expect("a path")]);
    assert!(
        code == 3 && told.contains(&format!("process {}", std::process::id())) && told.contains("next:"),
        "{code} {told}"
    );
    assert!(shop.user(1).is_some());
}

#[test]
fn who_stops_reading_is_told_nothing() {
    let folder = shop::folder();
    let shop = shop::Shop::in_folder(folder.path());
    shop.fill_many(20_000);
    drop(shop);
    shop::closed(folder.path());
    let binary = assert_cmd::cargo::cargo_bin("cachekit");
    for command in ["keys", "export"] {
        let mut child = Command::new(&binary)
            .args([command, "app/user", "--dir", folder.path().to_str().expect("a path")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut some = [0; 10];
        child.stdout.take().expect("a pipe").read_exact(&mut some).expect("some bytes");
        let output = child.wait_with_output().expect("its end");
        assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    }
}

#[test]
fn who_has_gone_before_there_was_anything_is_told_nothing_either() {
    let store = shop::folder();
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace.txt");
    fs::write(&trace, "1\n2\n1\n").expect("a trace");
    let (dir, trace) = (store.path().to_str().expect("a path"), trace.to_str().expect("a path"));
    for (arguments, remarks) in [
        (&["list", "--dir", dir][..], false),
        (&["list", "--dir", dir, "--json"], false),
        (&["stats", "--dir", dir], false),
        (&["simulate", trace, "--json"], false),
        // How fast it was is said beside the table.
        (&["simulate", trace], true),
        (&["advise", trace, "--now", "2"], false),
        (&["--help"], false),
        (&["man"], false),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(assert_cmd::cargo::cargo_bin("cachekit"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && (remarks || told.is_empty()), "{arguments:?}: {output:?}");
        assert!(!told.contains("error:"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_mistake_in_the_configuration_ends_as_one_in_what_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cachekit.toml"), "[redis]\nulr = 'redis://h'\n").expect("a file");
    for arguments in [&["list"][..], &["export"], &["clear", "a", "--yes"]] {
        let output = shop::cachekit(arguments).current_dir(folder.path()).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && told.contains("line 2") && told.contains("next: mend it"),
            "{output:?}"
        );
    }
}

#[test]
fn nothing_is_coloured_but_on_a_terminal() {
    let (server, _shop) = shop::redis();
    let text = said(&["list", "--redis", &server.url()]);
    let (_, errors) = failed(&["list", "--dir", "/nowhere/at/all"]);
    assert!(!text.contains('\x1b') && !errors.contains('\x1b'), "{text}{errors}");
}

#[test]
fn the_help_says_which_commands_there_are() {
    let help = said(&["--help"]);
    for command in [
        "list",
        "stats",
        "top",
        "keys",
        "get",
        "explain",
        "invalidate",
        "clear",
        "set",
        "export",
        "import",
        "doctor",
        "bench",
        "simulate",
        "advise",
        "completions",
        "man",
    ] {
        assert!(help.lines().any(|line| line.split_whitespace().next() == Some(command)), "{command}: {help}");
    }
    assert!(help.contains("Exit codes:"), "{help}");
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        assert!(["simulate", "top", "set", "admin-token-file"].iter().all(|word| script.contains(word)), "{shell}");
    }
    assert!(said(&["man"]).contains(".TH cachekit 1"));
    let folder = tempfile::tempdir().expect("a folder");
    said(&["man", "--out", folder.path().to_str().expect("a path")]);
    for page in ["cachekit.1", "cachekit-simulate.1", "cachekit-export.1", "cachekit-top.1", "cachekit-set.1"] {
        let text = fs::read_to_string(folder.path().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn bench_measures_and_leaves_nothing() {
    let (server, _shop) = shop::redis();
    let report = shop::json(&["bench", "--redis", &server.url(), "--seconds", "1", "--callers", "2"]);
    for operation in report["operations"].as_array().expect("operations") {
        assert!(operation["calls"].as_u64().is_some_and(|calls| calls > 0), "{report}");
        assert_eq!(operation["failed"], 0, "{report}");
    }
    assert_eq!(server.cli(&["KEYS", "ck:cachekit-bench:d:*"]), "");
    let named =
        shop::json(&["bench", "--redis", &server.url(), "--seconds", "1", "--callers", "2", "--namespace", "mine"]);
    assert!(named["store"].as_str().is_some_and(|store| store.ends_with("namespace mine")), "{named}");
    assert_eq!(
        said(&["keys", "page", "--json", "--redis", &server.url()]).lines().count(),
        2,
        "other namespaces are left alone"
    );
}

#[test]
fn bench_of_a_file_store_leaves_what_was_there() {
    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    let text = said(&["bench", "--dir", dir, "--seconds", "1", "--callers", "2", "--keys", "100", "--reads", "50"]);
    assert!(text.contains("2 callers for 1.") && text.contains("get") && text.contains("set"), "{text}");
    let report =
        shop::json(&["bench", "--dir", dir, "--seconds", "1", "--callers", "2", "--keys", "100", "--reads", "50"]);
    for operation in report["operations"].as_array().expect("operations") {
        assert!(operation["calls"].as_u64().is_some_and(|calls| calls > 0), "{report}");
        assert_eq!(operation["failed"], 0, "{report}");
    }
    let listed = shop::json(&["list", "--dir", dir]);
    let names: Vec<&str> =
        listed["caches"].as_array().expect("caches").iter().filter_map(|cache| cache["cache"].as_str()).collect();
    assert_eq!(names, ["app/user", "page"], "{listed}");
}
