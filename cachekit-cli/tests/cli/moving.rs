//! `export` and `import`: what a program gets is what it got before.

use crate::shop::{self, Shop, USERS, User, failed, json, said};
use cachekit_tests::redis_server::RedisServer;
use std::{fs, path::Path, time::Duration};

fn as_text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Programs over the store get everything without computing.
fn has_all(shop: &Shop) {
    for id in 0..USERS {
        assert_eq!(shop.user(id), Some(User::of(id)), "{id}");
    }
    assert_eq!(shop.page("/index", 1).as_deref(), Some("page /index"));
    assert_eq!(shop.page("/ü \"x\"", 2).as_deref(), Some("page /ü \"x\""));
}

#[test]
fn from_redis_to_a_file_and_back_nothing_is_lost_and_the_time_is_kept() {
    let (server, shop) = shop::redis();
    let folder = tempfile::tempdir().expect("a folder");
    let (lines, store) = (folder.path().join("shop.jsonl"), folder.path().join("store"));
    said(&["export", "--redis", &server.url(), "--out", as_text(&lines)]);
    assert_eq!(fs::read_to_string(&lines).expect("lines").lines().count() as u64, USERS + 2);
    let into = ["import", as_text(&lines), "--dir", as_text(&store)];
    let (code, told) = failed(&into);
    assert!(code == 3 && told.contains("--create"), "{code} {told}");
    said(&[&into[..], &["--create"]].concat());
    let left = json(&["stats", "app::user", "--dir", as_text(&store)])["caches"][0]["ttl_left_ms"]["max"].as_u64();
    assert!(left.is_some_and(|left| (3_000_000..=3_600_000).contains(&left)), "{left:?}");
    let in_file = Shop::in_folder(&store);
    has_all(&in_file);
    drop(in_file);
    shop::closed(&store);

    let back = folder.path().join("back.jsonl");
    said(&["export", "--dir", as_text(&store), "--out", as_text(&back)]);
    let other = RedisServer::start();
    let told = json(&["import", as_text(&back), "--redis", &other.url()]);
    assert_eq!(
        (&told["entries"], &told["there"], &told["over"]),
        (&(USERS + 2).into(), &0.into(), &0.into()),
        "{told}"
    );
    let moved = Shop::in_redis(&other.url());
    has_all(&moved);
    let ttl: i64 = other.cli(&["PTTL", &other.cli(&["KEYS", "ck:default:d:{app/user:7}:*"])]).parse().expect("a time");
    assert!((3_000_000..=3_600_000).contains(&ttl), "{ttl}");
    let before: i64 =
        server.cli(&["PTTL", &server.cli(&["KEYS", "ck:default:d:{app/user:7}:*"])]).parse().expect("a time");
    // Asked later than the other; a second is for rounding on the way.
    assert!(ttl <= before + 1_000, "it lives longer by being moved: {ttl}, {before}");
    assert_eq!(other.cli(&["PTTL", &other.cli(&["KEYS", "ck:default:d:{page:\"/index\",1}:*"])]), "-1");

    // They go with what they depend on, as before.
    said(&["invalidate", "--tag", "team:2", "--yes", "--redis", &other.url()]);
    let fresh = Shop::in_redis(&other.url());
    assert_eq!((fresh.user(2), fresh.user(3)), (None, Some(User::of(3))));
    said(&["invalidate", "app::user", "3", "--yes", "--redis", &other.url()]);
    assert_eq!(fresh.user(3), None);
    drop(shop);
}

#[test]
fn what_is_invalid_is_left_out_and_what_is_there_stays() {
    let (server, shop) = shop::redis();
    let url = server.url();
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("shop.jsonl");
    // Not by this process: its other tests have caches with the same tags.
    said(&["invalidate", "--tag", "team:1", "--yes", "--redis", &url]);
    let told = json(&["export", "--redis", &url, "--out", as_text(&lines)]);
    assert_eq!((&told["entries"], &told["invalid"]), (&(USERS + 2 - 10).into(), &10.into()), "{told}");

    let other = RedisServer::start();
    let there = Shop::in_redis(&other.url());
    there.users.get_or_compute(&2, || User { name: "newer".into(), visits: 1 });
    cachekit_runtime::flush().wait();
    let told = json(&["import", as_text(&lines), "--redis", &other.url()]);
    assert_eq!((&told["entries"], &told["there"]), (&(USERS + 2 - 11).into(), &1.into()), "{told}");
    let name = |user: Option<User>| user.map(|user| user.name);
    assert_eq!(name(Shop::in_redis(&other.url()).user(2)).as_deref(), Some("newer"));
    let told = json(&["import", as_text(&lines), "--overwrite", "--yes", "--redis", &other.url()]);
    assert_eq!((&told["entries"], &told["there"]), (&(USERS + 2 - 10).into(), &0.into()), "{told}");
    assert_eq!(name(Shop::in_redis(&other.url()).user(2)).as_deref(), Some("user 2"));
    drop(shop);
}

#[test]
fn an_entry_whose_time_was_over_on_the_way_is_left_out() {
    let folder = shop::folder();
    let text = said(&["export", "page", "--dir", as_text(folder.path())]);
    let over: String = text.lines().map(|line| line.replace("\"expires\":null", "\"expires\":1000") + "\n").collect();
    let other = tempfile::tempdir().expect("a folder");
    let output = shop::cachekit(&["import", "-", "--create", "--json", "--dir", as_text(other.path())])
        .write_stdin(over)
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"over\":2"), "{output:?}");
}

#[test]
fn what_was_not_written_by_export_is_refused_with_its_line() {
    let folder = shop::folder();
    let text = said(&["export", "page", "--dir", as_text(folder.path())]);
    let other = tempfile::tempdir().expect("a folder");
    let good = text.lines().next().expect("a line");
    let entry = serde_json::from_str::<serde_json::Value>(good).expect("a document")["entry"]
        .as_str()
        .expect("base64")
        .to_owned();
    let damaged = format!("{}B{}", &entry[..60], &entry[61..]);
    for (bad, what) in [
        ("nonsense".to_owned(), "line 2"),
        (good.replace("\"version\":1", "\"version\":9"), "version 9"),
        (good.replace(&entry, &damaged), "corrupt"),
        (good.replace(&entry, "*"), "base64"),
        (good.replace("\"cache\":\"page\"", "\"cache\":\"other\""), "another key"),
    ] {
        let output = shop::cachekit(&["import", "-", "--create", "--dir", as_text(other.path())])
            .write_stdin(format!("{good}\n{bad}\n"))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(5) && said.contains("line 2") && said.contains(what), "{what}: {said}");
    }
}

#[test]
fn a_file_that_is_there_is_not_replaced_by_mistake() {
    let folder = shop::folder();
    let out = folder.path().join("out.jsonl");
    fs::write(&out, "mine").expect("a file");
    let export = ["export", "--dir", as_text(folder.path()), "--out", as_text(&out)];
    let (code, told) = failed(&export);
    assert!(code == 5 && told.contains("--force"), "{code} {told}");
    assert_eq!(fs::read_to_string(&out).expect("it"), "mine");
    said(&[&export[..], &["--force"]].concat());
    assert!(fs::read_to_string(&out).expect("it").contains("\"cache\":\"page\""));
    let (code, told) = failed(&[&export[..], &["--resume"]].concat());
    assert!(code == 5 && told.contains("no interrupted export"), "{code} {told}");
}

/// The other store knows nothing of what has happened to the tag here.
#[test]
fn entries_made_stale_by_a_tag_stay_stale_where_the_tag_is_new() {
    let server = RedisServer::start();
    let builder = || {
        cachekit_runtime::Cache::<u64, String>::builder()
            .name("soft")
            .ttl(Duration::from_secs(3_600))
            .stale_if_error(Duration::from_secs(3_600))
            .timeout(Duration::from_secs(60))
    };
    let place = |server: &RedisServer| {
        [cachekit_runtime::Place::own(
            cachekit_runtime::backend::redis::Settings::new(server.url()).open().expect("a backend"),
        )]
    };
    let cache = builder().backends(place(&server)).build();
    for id in 0..2_u64 {
        let tag = format!("tag:{id}");
        cache.call(&id).tags([tag.as_str()]).get_or_compute(|| "old".to_owned());
    }
    cachekit_runtime::flush().wait();
    said(&["invalidate", "--tag", "tag:0", "--soft", "--yes", "--redis", &server.url()]);
    let verdict = |server: &RedisServer, id: &str| {
        json(&["explain", "soft", id, "--redis", &server.url()])["shapes"][0]["verdict"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(verdict(&server, "0").starts_with("stale") && verdict(&server, "1").starts_with("fresh"));
    let other = RedisServer::start();
    let text = said(&["export", "--redis", &server.url()]);
    shop::cachekit(&["import", "-", "--redis", &other.url()]).write_stdin(text).assert().success();
    assert!(
        verdict(&other, "0").starts_with("stale") && verdict(&other, "1").starts_with("fresh"),
        "{}",
        verdict(&other, "0")
    );
}
