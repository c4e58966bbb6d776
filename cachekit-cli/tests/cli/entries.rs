//! `list`, `stats`, `keys`, `get` and `explain`.

use crate::shop::{self, Shop, USERS, failed, json, said};
use cachekit_runtime::flush;
use cachekit_tests::redis_server::RedisServer;
use serde_json::Value;

/// What both stores have to say alike.
fn looks_right<'a>(store: &[&'a str]) {
    let with = |arguments: &[&'a str]| [arguments, store].concat();
    let listed = json(&with(&["list"]));
    let caches = listed["caches"].as_array().expect("caches");
    let names: Vec<&str> = caches.iter().filter_map(|cache| cache["cache"].as_str()).collect();
    assert_eq!(names, ["app/user", "page"], "{listed}");
    assert_eq!((&caches[0]["entries"], &caches[1]["entries"]), (&USERS.into(), &2.into()), "{listed}");
    assert_eq!(caches[0]["foreign"], 0, "{listed}");
    let table = said(&with(&["list"]));
    assert!(table.contains("app/user") && table.contains("40"), "{table}");

    let stats = json(&with(&["stats", "app::user"]));
    let users = &stats["caches"][0];
    assert_eq!((&users["entries"], &users["without_end"]), (&USERS.into(), &0.into()), "{stats}");
    let left = users["ttl_left_ms"]["max"].as_u64().expect("a time");
    assert!((3_000_000..=3_600_000).contains(&left), "{stats}");

    let keys = said(&with(&["keys", "app/user", "--json"]));
    assert_eq!((shop::numbers(&keys), keys.lines().count()), ((0..USERS).collect(), USERS as usize));
    assert_eq!(said(&with(&["keys", "app/user", "--prefix", "3", "--json"])).lines().count(), 11);
    assert_eq!(said(&with(&["keys", "app/user", "--limit", "5", "--json"])).lines().count(), 5);
    let page = said(&with(&["keys", "page"]));
    assert!(page.contains("\"/index\",1"), "{page}");

    let user = json(&with(&["get", "app::user", "7"]));
    assert_eq!((&user["value"]["name"], &user["codec"]), (&"user 7".into(), &"json".into()), "{user}");
    assert!(user["judgement"].as_str().is_some_and(|judgement| judgement.starts_with("fresh")), "{user}");
    assert_eq!(said(&with(&["get", "page", "\"/index\",1"])), "page /index\n");
    assert_eq!(said(&with(&["get", "app/user", "7", "--raw"])), "{\"name\":\"user 7\",\"visits\":0}");

    let explained = json(&with(&["explain", "app::user", "7"]));
    assert_eq!(
        (&explained["function"], &explained["shapes"][0]["given"]),
        (&"app::user".into(), &true.into()),
        "{explained}"
    );
    assert_eq!(explained["shapes"][0]["tags"][0], "team:3", "{explained}");
    let (code, _) = failed(&with(&["explain", "app::user", "999"]));
    assert_eq!(code, 1, "what is not there is not found");
    let (code, said) = failed(&with(&["get", "app::user", "999"]));
    assert!(code == 1 && said.contains("cachekit explain"), "{code} {said}");
    let (code, said) = failed(&with(&["get", "page", "/index"]));
    assert!(code == 2 && said.contains("in quotes") && said.contains("cachekit keys page"), "{code} {said}");
    let (code, said) = failed(&with(&["stats", "nobody"]));
    assert!(code == 1 && said.contains("cachekit list"), "{code} {said}");
}

#[test]
fn a_file_store_can_be_looked_at() {
    let folder = shop::folder();
    looks_right(&["--dir", folder.path().to_str().expect("a path")]);
}

#[test]
fn a_redis_can_be_looked_at() {
    let (server, _shop) = shop::redis();
    looks_right(&["--redis", &server.url()]);
}

#[test]
fn a_key_that_is_too_long_for_an_address_is_found_by_its_whole_text_and_by_what_keys_shows() {
    let (server, shop) = shop::redis();
    let path = "/long".repeat(100);
    shop.pages.get_or_compute(&(path.clone(), 3), || "long".to_owned());
    flush().wait();
    let url = server.url();
    assert_eq!(said(&["get", "page", &format!("\"{path}\",3"), "--redis", &url]), "long\n");
    let keys = said(&["keys", "page", "--json", "--redis", &url]);
    let long = keys
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a document"))
        .find(|line| line["key"].as_str().is_some_and(|key| key.contains('~')));
    let shown = long.expect("the long one")["key"].as_str().expect("a key").to_owned();
    assert_eq!(said(&["get", "page", &shown, "--redis", &url]), "long\n");
}

#[test]
fn explain_says_why_an_entry_is_not_given() {
    let (server, shop) = shop::redis();
    let url = server.url();
    let verdict = |id: &str| {
        let output =
            shop::cachekit(&["explain", "app::user", id, "--json", "--redis", &url]).output().expect("it runs");
        let explained: Value = serde_json::from_slice(&output.stdout).expect("a document");
        (output.status.code(), explained["shapes"][0]["verdict"].as_str().unwrap_or_default().to_owned())
    };
    // Not by this process: its other tests have caches with the same tags.
    said(&["invalidate", "--tag", "team:1", "--yes", "--redis", &url]);
    let (code, said) = verdict("1");
    assert!(code == Some(1) && said.contains("the tag \"team:1\" was invalidated"), "{said}");
    assert_eq!(verdict("2").0, Some(0));
    // As another process clears, whose space is freed later.
    server.cli(&["UNLINK", "ck:default:s:g:{app/user}"]);
    let (code, said) = verdict("2");
    assert!(code == Some(1) && said.contains("cleared"), "{said}");
    server.cli(&["APPEND", &server.cli(&["KEYS", "ck:default:d:{app/user:3}:*"]), "x"]);
    let (code, said) = verdict("3");
    assert!(code == Some(1) && said.contains("corrupt"), "{said}");
    drop(shop);
}

#[test]
fn entries_of_several_shapes_are_told_apart() {
    let server = RedisServer::start();
    let url = server.url();
    Shop::in_redis(&url).fill();
    let other = Shop::other_shape(&url);
    other.get_or_compute(&7, || "another shape".to_owned());
    flush().wait();
    let explained = json(&["explain", "app::user", "7", "--redis", &url]);
    let shapes = explained["shapes"].as_array().expect("shapes");
    assert_eq!(shapes.len(), 2, "{explained}");
    let values: Vec<String> = shapes
        .iter()
        .map(|shape| {
            said(&[
                "get",
                "app::user",
                "7",
                "--raw",
                "--fingerprint",
                shape["fingerprint"].as_str().expect("digits"),
                "--redis",
                &url,
            ])
        })
        .collect();
    assert!(
        values.iter().any(|value| value.contains("user 7"))
            && values.iter().any(|value| value.contains("another shape")),
        "{values:?}"
    );
    assert_eq!(said(&["get", "app::user", "7", "--raw", "--redis", &url]), "\"another shape\"", "the newest");
}

#[test]
fn a_value_that_json_cannot_show_is_shown_as_bytes_and_said_to_be() {
    let server = RedisServer::start();
    let url = server.url();
    let backend: std::sync::Arc<dyn cachekit_runtime::backend::Backend> =
        std::sync::Arc::new(cachekit_runtime::backend::redis::Settings::new(&url).open().expect("a backend"));
    let cache: cachekit_runtime::Cache<u64, std::collections::BTreeMap<Vec<u64>, bool>> =
        cachekit_runtime::Cache::builder()
            .name("maps")
            .timeout(std::time::Duration::from_secs(60))
            .backends([cachekit_runtime::Place::own(backend)])
            .codec(cachekit_runtime::codec::MsgPack)
            .build();
    cache.get_or_compute(&1, || [(vec![7], true)].into());
    flush().wait();
    let output = shop::cachekit(&["get", "maps", "1", "--redis", &url]).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "819107c3\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("these are its bytes"), "{output:?}");
    assert_eq!(json(&["get", "maps", "1", "--redis", &url])["is_bytes"], true);
}
