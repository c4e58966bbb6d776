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
