//! `invalidate` and `clear`: nothing goes without a yes, and then for every program.

use crate::shop::{self, Shop, USERS, User, failed, said};
use cachekit_tests::eventually;

#[test]
fn nothing_is_destroyed_without_a_yes() {
    let (server, shop) = shop::redis();
    let url = server.url();
    for arguments in [
        vec!["invalidate", "app::user", "7"],
        vec!["invalidate", "--tag", "team:1"],
        vec!["invalidate", "app::user", "--prefix", "1"],
        vec!["clear", "page"],
    ] {
        let (code, said) = failed(&[&arguments[..], &["--redis", &url]].concat());
        assert!(code == 4 && said.contains("--yes"), "{arguments:?}: {code} {said}");
    }
    assert_eq!(said(&["keys", "app/user", "--json", "--redis", &url]).lines().count() as u64, USERS);
    assert_eq!(shop.user(7), Some(User::of(7)));
}

#[test]
fn a_running_program_computes_again_what_was_invalidated() {
    let (server, shop) = shop::redis();
    let url = server.url();
    let near = Shop::users_near(&url);
    let kept = |id| near.get(&id);
    assert!((0..USERS).all(|id| kept(id) == Some(User::of(id))));
    let from_memory = |id| {
        let hits = near.stats().hits;
        kept(id).is_some() && near.stats().hits > hits
    };
    eventually("it keeps them in memory", || (0..USERS).all(from_memory));
    said(&["invalidate", "app::user", "7", "8", "--yes", "--redis", &url]);
    assert_eq!((shop.user(7), shop.user(8), shop.user(9)), (None, None, Some(User::of(9))));
    said(&["invalidate", "--tag", "team:1", "--yes", "--redis", &url]);
    eventually("the tag is told", || shop.user(1).is_none() && shop.user(5).is_none());
    eventually("what it keeps in memory too", || [7, 8, 1, 5].into_iter().all(|id| kept(id).is_none()));
    eventually("the rest stays there", || from_memory(10));
    assert_eq!(shop.user(2), Some(User::of(2)));
    let text = said(&["invalidate", "app::user", "--prefix", "3", "--yes", "--redis", &url]);
    assert!(text.contains("11 keys"), "{text}");
    assert_eq!((shop.user(3), shop.user(38), shop.user(4)), (None, None, Some(User::of(4))));
    said(&["clear", "app::user", "--yes", "--redis", &url]);
    eventually("all is gone", || (0..USERS).all(|id| shop.user(id).is_none() && kept(id).is_none()));
    assert!(shop.page("/index", 1).is_some(), "the other cache stays");
}

#[test]
fn what_was_destroyed_in_a_file_is_not_found_by_the_next_program() {
    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    said(&["invalidate", "app::user", "7", "--yes", "--dir", dir]);
    said(&["invalidate", "--tag", "team:1", "--yes", "--dir", dir]);
    said(&["clear", "page", "--yes", "--dir", dir]);
    let shop = Shop::in_folder(folder.path());
    let there: Vec<u64> = (0..USERS).filter(|id| shop.user(*id).is_some()).collect();
    let expected: Vec<u64> = (0..USERS).filter(|id| *id != 7 && id % 4 != 1).collect();
    assert_eq!(there, expected);
    assert_eq!(shop.page("/index", 1), None);
}

#[test]
fn one_shape_can_be_cleared_and_the_others_stay() {
    let (server, shop) = shop::redis();
    let url = server.url();
    let listed = shop::json(&["list", "--redis", &url]);
    let fingerprint = listed["caches"][0]["shapes"][0].as_str().expect("digits").to_owned();
    let other = Shop::other_shape(&url);
    other.get_or_compute(&1, || "another shape".to_owned());
    cachekit_runtime::flush().wait();
    let text = said(&["clear", "app/user", "--fingerprint", "00000000000000ab", "--yes", "--redis", &url]);
    assert!(text.contains("removed 0 entries"), "{text}");
    let text = said(&["clear", "app/user", "--fingerprint", &fingerprint, "--yes", "--redis", &url]);
    assert!(text.contains("removed 40 entries"), "{text}");
    assert_eq!((shop.user(1), other.get(&1).as_deref()), (None, Some("another shape")));
}

#[test]
fn in_a_file_prefixes_tags_and_shapes_go_as_elsewhere() {
    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    let told = shop::json(&["invalidate", "app::user", "--prefix", "3", "--yes", "--dir", dir]);
    assert_eq!((&told["keys"], &told["tags"]), (&11.into(), &serde_json::json!([])), "{told}");
    let left = |dir: &str| shop::numbers(&said(&["keys", "app/user", "--json", "--dir", dir]));
    let expected = |id: &u64| !id.to_string().starts_with('3');
    assert_eq!(left(dir), (0..USERS).filter(expected).collect());
    let verdict = |id: &str| {
        let output = shop::cachekit(&["explain", "app::user", id, "--json", "--dir", dir]).output().expect("it runs");
        let explained: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
        (output.status.code(), explained["shapes"][0]["verdict"].as_str().unwrap_or_default().to_owned())
    };
    assert!(verdict("5").1.starts_with("fresh"), "{:?}", verdict("5"));
    let told = shop::json(&["invalidate", "--tag", "team:1", "--soft", "--yes", "--dir", dir]);
    assert_eq!((&told["keys"], &told["tags"]), (&0.into(), &serde_json::json!(["team:1"])), "{told}");
    let (code, said_of_it) = verdict("5");
    assert!(
        code == Some(1) && !said_of_it.starts_with("fresh"),
        "no stale value is allowed there: {code:?} {said_of_it}"
    );
    assert!(verdict("6").1.starts_with("fresh"), "{:?}", verdict("6"));

    let listed = shop::json(&["list", "--dir", dir]);
    let fingerprint = listed["caches"][0]["shapes"][0].as_str().expect("digits").to_owned();
    let (code, told) = failed(&["clear", "app/user", "--fingerprint", &fingerprint, "--dir", dir]);
    assert!(code == 4 && told.contains("--yes"), "{code} {told}");
    let one_shape =
        |fingerprint: &str| shop::json(&["clear", "app/user", "--fingerprint", fingerprint, "--yes", "--dir", dir]);
    let told = one_shape("00000000000000ab");
    assert_eq!((&told["cleared"], &told["entries"]), (&serde_json::json!(["app/user"]), &0.into()), "{told}");
    let before = left(dir).len();
    assert_eq!(one_shape(&fingerprint)["entries"], before, "{before}");
    let told = shop::json(&["clear", "page", "--yes", "--dir", dir]);
    assert_eq!(
        (&told["cleared"], &told["entries"]),
        (&serde_json::json!(["page"]), &serde_json::Value::Null),
        "{told}"
    );
    let shop = Shop::in_folder(folder.path());
    assert!((0..USERS).all(|id| shop.user(id).is_none()) && shop.page("/index", 1).is_none());
}

#[test]
fn an_import_in_place_of_what_is_there_asks_first() {
    let folder = shop::folder();
    let dir = folder.path().to_str().expect("a path");
    let lines = folder.path().join("page.jsonl");
    let path = lines.to_str().expect("a path");
    said(&["export", "page", "--dir", dir, "--out", path]);
    let (code, told) = failed(&["import", path, "--overwrite", "--dir", dir]);
    assert!(code == 4 && told.contains("in place of those") && told.contains("--yes"), "{code} {told}");
    assert_eq!(shop::json(&["import", path, "--overwrite", "--yes", "--dir", dir])["entries"], 2);
    assert_eq!(shop::json(&["import", path, "--dir", dir])["there"], 2);
}
