//! Every command that the help, the README and the guide show is run as it stands, where there is what it asks for; it succeeds and says something.

use crate::{
    service::{self, Service, TOKEN},
    shop::{self, User, said},
    traces,
};
use cachekit_runtime::{
    Cache, Place,
    backend::{Backend, FileBackend, redis::Settings},
    flush,
};
use cachekit_tests::redis_server::RedisServer;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

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

/// The caches that are named, with the keys and the tags that are named.
const USERS: [&str; 3] = ["user", "app::user", "app::users::find"];

fn fill(backend: impl Backend) {
    let backend: Arc<dyn Backend> = Arc::new(backend);
    let patient = Duration::from_secs(60);
    for name in USERS {
        let users: Cache<u64, User> = Cache::builder()
            .name(name)
            .ttl(Duration::from_secs(3_600))
            .timeout(patient)
            .backends([Place::own(backend.clone())])
            .build();
        for id in 0..50 {
            let team = format!("team:{}", id % 10);
            let call = users.call(&id).tags([team.as_str()]);
            call.get_or_compute(|| User::of(id));
        }
    }
    let pages: Cache<(String, u32), String> =
        Cache::builder().name("page").timeout(patient).backends([Place::own(backend)]).build();
    pages.get_or_compute(&("/index".to_owned(), 7), || "a page".to_owned());
    flush().wait();
}

/// Where the examples are run.
struct Here {
    folder: tempfile::TempDir,
    server: RedisServer,
    store: PathBuf,
    service: Service,
}

impl Here {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = traces::keys(3_000);
        let trace = traces::text(&keys);
        let csv = keys.iter().fold("time,url\n".to_owned(), |csv, key| csv + &format!("1,/{key}\n"));
        let log: String = keys
            .iter()
            .map(|key| format!("::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /{key} HTTP/1.1\" 200 1\n"))
            .collect();
        let files: [(&str, Vec<u8>); 5] = [
            ("trace.txt", trace.clone().into_bytes()),
            ("trace.txt.zst", compress_to_vec(trace.as_bytes(), CompressionLevel::Fastest)),
            ("requests.csv", csv.into_bytes()),
            ("access.log", log.clone().into_bytes()),
            ("access.log.gz", traces::gzip(log.as_bytes())),
        ];
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        let store = folder.path().join("store");
        Here { server: RedisServer::start(), store, service: Service::start("shop"), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a line of before has taken away is there again, and what it has written is not.
    fn prepare(&self, line: &str) {
        let url = self.server.url();
        let moves = line.contains("cachekit import");
        if line.contains("redis://") || line.ends_with("cachekit doctor") || moves {
            fill(Settings::new(&url).response_timeout(Duration::from_secs(60)).open().expect("a backend"));
        }
        if line.contains("/var/cache/shop") || moves {
            fill(FileBackend::builder(&self.store).open());
            shop::closed(&self.store);
        }
        for id in [42, 43] {
            self.service.call(id);
        }
        let lines = self.path("shop.jsonl");
        for file in written(line) {
            fs::remove_file(self.path(file)).ok();
        }
        if line.contains("--resume") {
            // An export that was interrupted before its first line.
            let run_id =
                shop::json(&["stats", "--redis", &url])["servers"][0]["run_id"].as_str().expect("an id").to_owned();
            let address = url.strip_prefix("redis://").expect("a place");
            fs::write(&lines, "").expect("a file");
            let state = serde_json::json!({
                "store": format!("{url}, namespace default"), "cache": null, "servers": [format!("{address} {run_id}")],
                "cursor": null, "length": 0, "done": { "entries": 0, "invalid": 0, "unreadable": 0 },
            });
            fs::write(self.path("shop.jsonl.resume"), state.to_string()).expect("a file");
        } else if moves {
            fs::write(&lines, said(&["export", "--redis", &url])).expect("a file");
            fs::write(self.path("users.jsonl"), said(&["export", "user", "--redis", &url])).expect("a file");
            if !line.contains("--overwrite") {
                let dir = self.store.to_str().expect("a path");
                for store in [["--redis", &url], ["--dir", dir]] {
                    said(&[&["clear", "page", "--yes"], &USERS[..], &store].concat());
                }
            }
        }
    }

    /// As it stands, but for where things are.
    fn run(&self, line: &str) -> Output {
        let dir = self.store.to_str().expect("a path");
        let mut fingerprint = String::new();
        if line.contains("--fingerprint") {
            let listed = shop::json(&["list", "--dir", dir]);
            let users = listed["caches"].as_array().expect("caches").iter().find(|cache| cache["cache"] == "user");
            users.and_then(|users| users["shapes"][0].as_str()).expect("its shape").clone_into(&mut fingerprint);
        }
        let folder = self.folder.path().display();
        let here = line
            .replace("redis://localhost", &self.server.url())
            .replace("http://127.0.0.1:3001/caches", &self.service.url)
            .replace("/var/cache/shop", dir)
            .replace("00000000000000ab", &fingerprint)
            .replace("/etc/bash_completion.d", &folder.to_string())
            .replace("/usr/local/share/man", &folder.to_string())
            .replace("/tmp/bench", &format!("{folder}/bench"));
        let binary = assert_cmd::cargo::cargo_bin("cachekit");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", binary.parent().expect("a folder").display());
        Command::new("sh")
            .args(["-c", &here])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("CACHEKIT_REDIS_URL", self.server.url())
            .env("CACHEKIT_ADMIN_TOKEN", TOKEN)
            .env_remove("CACHEKIT_DIR")
            .env_remove("CACHEKIT_CONFIG")
            .output()
            .expect("a shell")
    }

    /// There, and not empty.
    fn has(&self, file: &str) -> bool {
        let is_filled = |path: &Path| fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() > 0);
        let path = self.path(file);
        match fs::read_dir(&path) {
            Ok(pages) => {
                let pages: Vec<PathBuf> = pages.flatten().map(|page| page.path()).collect();
                pages.len() > 10 && pages.iter().all(|page| is_filled(page))
            }
            Err(_) => is_filled(&path),
        }
    }
}

/// The files that a line says it writes, by their names.
fn written(line: &str) -> Vec<&str> {
    let mut words = line.split_whitespace();
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        if matches!(word, "--svg" | "--out" | ">") {
            files.extend(words.next().and_then(|path| path.rsplit('/').next()));
        }
    }
    files
}

#[test]
fn every_command_that_is_shown_works() {
    let here = Here::new();
    let lines = [of_help(), of_page("README.md"), of_page("docs/cli.md"), of_page("docs/guides/admin.md")].concat();
    let ends = AtomicBool::new(false);
    for line in &lines {
        here.prepare(line);
        let is_live = line.contains("cachekit top") || line.contains("--for");
        ends.store(!is_live, Ordering::Relaxed);
        let output = thread::scope(|scope| {
            scope.spawn(|| service::load(&here.service.users, &ends));
            let output = here.run(line);
            ends.store(true, Ordering::Relaxed);
            output
        });
        let code = output.status.code();
        let text = String::from_utf8_lossy(&output.stdout);
        // It looks at all caches of this process, of which other tests have some that are not well.
        let may_find = line.contains("cachekit doctor --admin") && text.contains("connection");
        assert!(code == Some(0) || may_find && code == Some(1), "{line}: {output:?}");
        let files = written(line);
        for file in &files {
            assert!(here.has(file), "{line} has not written {file}: {output:?}");
        }
        let is_said_there = line.contains(" > ") || line.contains("cachekit man");
        assert!(is_said_there || !text.trim().is_empty(), "{line} says nothing: {output:?}");
        for nothing in ["invalidated 0 ", "removed 0 ", "0 entries into", "no caches"] {
            assert!(!text.starts_with(nothing), "{line} meets nothing: {output:?}");
        }
    }
    assert!(lines.len() > 70 && lines.iter().filter(|line| !written(line).is_empty()).count() > 9, "{lines:?}");
}
