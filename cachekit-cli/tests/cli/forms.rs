//! Redis in its other forms: a cluster, a master that sentinels name, TLS, a socket.

use crate::{
    interrupted::{MANY, an_export_goes_on, beside, ids, signal, start},
    shop::{self, Shop, User, failed, json, said},
};
use cachekit_tests::{
    eventually,
    redis_server::{Cluster, RedisServer, Sentinels, Tls},
    watched,
};
use rustix::process::Signal;
use std::fs;

#[test]
fn a_cluster_is_looked_at_as_a_whole() {
    let cluster = Cluster::start(3, 0);
    let url = cluster.url();
    let shop = Shop::in_redis(&url);
    shop.fill();
    let listed = json(&["list", "--redis", &url]);
    assert_eq!(
        (&listed["caches"][0]["entries"], &listed["caches"][1]["entries"]),
        (&shop::USERS.into(), &2.into()),
        "{listed}"
    );
    let keys = said(&["keys", "app/user", "--json", "--redis", &url]);
    assert_eq!(shop::numbers(&keys), (0..shop::USERS).collect());
    for id in 0..shop::USERS {
        let user = json(&["get", "app::user", &id.to_string(), "--redis", &url]);
        assert_eq!(user["value"]["name"], format!("user {id}"), "{user}");
    }
    assert_eq!(json(&["stats", "--redis", &url])["servers"].as_array().map(Vec::len), Some(3));
    let report = json(&["doctor", "--redis", &url]);
    let versions = report["checks"].as_array().expect("checks").iter();
    assert_eq!(
        versions.filter(|check| check["what"].as_str().is_some_and(|what| what.starts_with("version of"))).count(),
        3
    );
    assert!(said(&["invalidate", "app::user", "--prefix", "3", "--yes", "--redis", &url]).contains("11 keys"));
    said(&["invalidate", "--tag", "team:1", "--yes", "--redis", &url]);
    let left = (0..shop::USERS).filter(|id| id % 4 != 1 && !id.to_string().starts_with('3'));
    eventually("what is invalid is gone", || (0..shop::USERS).filter(|id| shop.user(*id).is_some()).eq(left.clone()));
    said(&["clear", "app::user", "--yes", "--redis", &url]);
    eventually("all is gone", || (0..shop::USERS).all(|id| shop.user(id).is_none()));
    assert!(shop.page("/index", 1).is_some());
}

#[test]
fn what_a_cluster_has_is_moved_out_of_it_and_back_though_both_are_interrupted() {
    let cluster = Cluster::start(3, 0);
    let url = cluster.url();
    Shop::in_redis(&url).fill_many(MANY);
    an_export_goes_on(&["--redis", &url]);
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("all.jsonl");
    let path = lines.to_str().expect("a path");
    said(&["export", "--redis", &url, "--out", path]);
    assert_eq!(ids(&lines), (0..MANY).collect::<Vec<_>>());
    let half = fs::metadata(&lines).expect("the file").len() / 2;
    let interrupted = (0..20).any(|_| {
        said(&["clear", "app::user", "--yes", "--redis", &url]);
        let mut child = start(&["import", path, "--redis", &url]);
        eventually("it has read half, or ends", || {
            watched::place_in(child.id(), &lines).is_some_and(|read| read >= half)
                || matches!(child.try_wait(), Ok(Some(_)))
        });
        signal(&child, Signal::INT);
        child.wait_with_output().expect("its end").status.code() == Some(130)
    });
    assert!(interrupted && beside(&lines, "imported").exists());
    let told = json(&["import", path, "--resume", "--redis", &url]);
    assert_eq!((&told["entries"], &told["over"]), (&MANY.into(), &0.into()), "{told}");
    let moved = Shop::in_redis(&url);
    for id in 0..MANY {
        assert_eq!(moved.user(id), Some(User::of(id)), "{id}");
    }
}

#[test]
fn the_master_is_the_one_that_the_sentinels_name() {
    let mut sentinels = Sentinels::start(1);
    let url = sentinels.url();
    Shop::in_redis(&url).fill();
    let port = || {
        let stats = json(&["stats", "--redis", &url]);
        let servers = stats["servers"].as_array().expect("servers");
        assert_eq!(servers.len(), 1, "{stats}");
        servers[0]["address"].as_str().and_then(|at| at.rsplit(':').next()?.parse::<u16>().ok()).expect("a port")
    };
    assert_eq!(port(), sentinels.server(0).port());
    let keys = said(&["keys", "app/user", "--json", "--redis", &url]);
    assert_eq!(shop::numbers(&keys), (0..shop::USERS).collect());
    assert_eq!(json(&["doctor", "--redis", &url])["healthy"], true);
    said(&["invalidate", "app::user", "7", "--yes", "--redis", &url]);
    assert_eq!(failed(&["get", "app::user", "7", "--redis", &url]).0, 1);

    let next = sentinels.failover();
    // They do not all say so at once.
    eventually("the command asks the new master", || port() == sentinels.server(next).port());
    assert_eq!(json(&["get", "app::user", "8", "--redis", &url])["value"]["name"], "user 8");
    said(&["clear", "app::user", "--yes", "--redis", &url]);
    assert_eq!(failed(&["get", "app::user", "8", "--redis", &url]).0, 1);
    assert!(said(&["list", "--redis", &url]).contains("page"), "other caches are left alone");
}

#[test]
fn tls_is_spoken_to_a_redis_whose_certificate_is_trusted() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let folder = tempfile::tempdir().expect("a folder");
    let authorities = folder.path().join("ca.pem");
    fs::write(&authorities, &certificate).expect("a file");
    let tls = Tls { authority: certificate.clone(), certificate, key, clients: false };
    let server = RedisServer::options().password("hunter2").tls(tls).start();
    Shop::in_redis(&server.url()).fill();
    let at = |host: &str| format!("rediss://:hunter2@{host}:{}", server.tls_port());
    let run = |arguments: &[&str], host: &str, is_trusting: bool| {
        let mut command = shop::cachekit(&[arguments, &["--timeout", "20s", "--redis", &at(host)]].concat());
        if is_trusting {
            command.env("SSL_CERT_FILE", &authorities);
        }
        command.output().expect("it runs")
    };
    let output = run(&["get", "app::user", "7", "--json"], "localhost", true);
    assert!(String::from_utf8_lossy(&output.stdout).contains("user 7"), "{output:?}");
    let output = run(&["export"], "localhost", true);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count() as u64, shop::USERS + 2, "{output:?}");
    assert!(run(&["doctor"], "localhost", true).status.success());
    // It is signed by nobody who is known, or is of another host.
    for (host, is_trusting) in [("localhost", false), ("127.0.0.1", true)] {
        let output = run(&["list"], host, is_trusting);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && told.contains("certificate"), "{host}: {output:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_socket_is_a_place_as_any_other() {
    let server = RedisServer::options().socket().start();
    let url = format!("redis+unix://{}", server.socket().display());
    Shop::in_redis(&server.url()).fill();
    assert!(said(&["list", "--redis", &url]).contains("app/user"));
    assert_eq!(json(&["get", "app::user", "7", "--redis", &url])["value"]["name"], "user 7");
    let lines = said(&["export", "--redis", &url]);
    assert_eq!(lines.lines().count() as u64, shop::USERS + 2);
    said(&["clear", "app::user", "--yes", "--redis", &url]);
    let output =
        shop::cachekit(&["import", "-", "--json", "--redis", &url]).write_stdin(lines).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"entries\":40,\"there\":2"), "{output:?}");
    assert!(json(&["doctor", "--redis", &url])["healthy"] == true);
}
