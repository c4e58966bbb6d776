//! Every command that the help, the README and the guide show is run as it stands.

use crate::{
    service::{Service, TOKEN},
    shop, traces,
};
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::{fs, io::Write, path::Path, process::Command};

/// The lines of the help's examples.
fn of_help() -> Vec<String> {
    let help = shop::said(&["--help"]);
    let list =
        help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("a list of commands");
    let commands: Vec<&str> = list
        .lines()
        // What is wrapped stands farther in.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 17, "{commands:?}");
    let mut lines = Vec::new();
    for command in commands {
        let help = shop::said(&[command, "--help"]);
        let own: Vec<String> =
            help.lines().map(str::trim).filter(|line| line.starts_with("cachekit ")).map(str::to_owned).collect();
        assert!(!own.is_empty(), "{command} shows no example");
        lines.extend(own);
    }
    lines
}

/// Those of a page, in blocks of the shell.
fn of_page(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<String> =
        blocks.flat_map(str::lines).filter(|line| line.starts_with("cachekit ")).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{page} shows no command");
    lines
}

#[test]
fn every_command_that_is_shown_works() {
    let (server, _shop) = shop::redis();
    let store = shop::folder();
    let service = Service::start("shop").under_load();
    let folder = tempfile::tempdir().expect("a folder");
    let keys = traces::keys(3_000);
    let trace = traces::text(&keys);
    let csv = keys.iter().fold("time,url\n".to_owned(), |csv, key| csv + &format!("1,/{key}\n"));
    let log: String = keys
        .iter()
        .map(|key| format!("::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /{key} HTTP/1.1\" 200 1\n"))
        .collect();
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    zipped.write_all(log.as_bytes()).expect("written");
    let files: [(&str, Vec<u8>); 5] = [
        ("trace.txt", trace.clone().into_bytes()),
        ("trace.txt.zst", compress_to_vec(trace.as_bytes(), CompressionLevel::Fastest)),
        ("requests.csv", csv.into_bytes()),
        ("access.log", log.into_bytes()),
        ("access.log.gz", zipped.finish().expect("written")),
    ];
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    let binary = assert_cmd::cargo::cargo_bin("cachekit");
    let path =
        format!("{}:{}", binary.parent().expect("a folder").display(), std::env::var("PATH").unwrap_or_default());
    let lines = [of_help(), of_page("README.md"), of_page("docs/cli.md"), of_page("docs/guides/admin.md")].concat();
    for line in lines {
        // What each needs to find.
        fs::write(folder.path().join("url"), server.url()).expect("a file");
        prepare(&line, &folder, &server.url());
        let here = line
            .replace("redis://localhost", &server.url())
            .replace("http://127.0.0.1:3001/caches", &service.url)
            .replace("/var/cache/shop", &store.path().display().to_string())
            .replace("/etc/bash_completion.d/", &format!("{}/", folder.path().display()))
            .replace("/usr/local/share/man/man1", &folder.path().join("man1").display().to_string())
            .replace("/tmp/bench", &folder.path().join("bench").display().to_string());
        let output = Command::new("sh")
            .args(["-c", &here])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("CACHEKIT_REDIS_URL", server.url())
            .env("CACHEKIT_ADMIN_TOKEN", TOKEN)
            .env_remove("CACHEKIT_DIR")
            .env_remove("CACHEKIT_CONFIG")
            .output()
            .expect("a shell");
        let code = output.status.code();
        // What was destroyed by a line before is not found by the next.
        assert!(
            matches!(code, Some(0 | 1)) && !String::from_utf8_lossy(&output.stderr).contains("Usage:"),
            "{line}: {output:?}"
        );
        if code == Some(1) {
            assert!(
                ["get", "explain", "keys", "stats", "doctor"]
                    .iter()
                    .any(|command| line.contains(&format!("cachekit {command}"))),
                "{line}: {output:?}"
            );
        }
    }
}

/// Files that a line goes on with.
fn prepare(line: &str, folder: &tempfile::TempDir, url: &str) {
    let out = folder.path().join("shop.jsonl");
    if line.contains("export") {
        fs::remove_file(&out).ok();
        if line.contains("--resume") {
            // An export that was interrupted before its first line.
            let run_id =
                shop::json(&["stats", "--redis", url])["servers"][0]["run_id"].as_str().expect("an id").to_owned();
            let address = url.strip_prefix("redis://").expect("a place");
            fs::write(&out, "").expect("a file");
            let state = serde_json::json!({
                "store": format!("{url}, namespace default"), "cache": null, "servers": [format!("{address} {run_id}")],
                "cursor": null, "length": 0, "done": { "entries": 0, "invalid": 0, "unreadable": 0 },
            });
            fs::write(folder.path().join("shop.jsonl.resume"), state.to_string()).expect("a file");
        }
    } else if line.contains("import") {
        for (name, cache) in [("shop.jsonl", "page"), ("users.jsonl", "page")] {
            fs::write(folder.path().join(name), shop::said(&["export", cache, "--redis", url])).expect("a file");
        }
    }
}
