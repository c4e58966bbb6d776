//! Every form of URL against a real server: plain, password, user, database, Unix socket, TLS; and what is wrong with one is said without its secrets.

use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, Failure, Fingerprint, SharedBackend, Witness,
        redis::{RedisBackend, Settings},
    },
};
use cachekit_tests::{
    node::Node,
    redis_server::{Cluster, Options, RedisServer, Sentinels, Tls},
    waiting::{shared, works_again},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

fn address(arguments: &str) -> Address {
    Address::new("user", arguments, Fingerprint(7))
}

async fn works(backend: &RedisBackend) {
    let address = address("1");
    backend.set(&address, "value".into(), None).await.unwrap();
    assert_eq!(backend.get(&address).await.unwrap().unwrap(), "value");
    assert!(backend.remove(&address).await.unwrap());
}

/// All that a backend does, so that a user who lacks the right to any of it is found.
async fn does_everything(backend: &RedisBackend) {
    let address = address("all");
    backend.announce(address.cache(), address.fingerprint()).await.unwrap();
    backend.ping().await.unwrap();
    let generation = backend.generation(&address, Duration::from_secs(60)).await.unwrap();
    let (marker, lock) = (Witness([1; 24]), Witness([2; 24]));
    backend.claim(&address, marker, Duration::from_secs(60)).await.unwrap();
    assert!(backend.replace(&address, marker, lock, Duration::from_secs(60)).await.unwrap());
    assert!(backend.renew(&address, lock, Duration::from_secs(60)).await.unwrap());
    assert!(backend.store(&address, lock, Some("value".into()), None).await.unwrap());
    let looked = backend.look(&address).await.unwrap();
    assert_eq!((looked.bytes.unwrap(), looked.generation), ("value".into(), Some(generation)));
    assert_eq!(backend.scan(None, None, 10).await.unwrap().entries.len(), 1);
    backend.remove_many(std::slice::from_ref(&address)).await.unwrap();
    backend.invalidate_all(address.cache()).await.unwrap();
    backend.clear(address.cache()).await.unwrap();
    works(backend).await;
}

/// The memory in front of one connection is served from, and learns what another one changes.
async fn hears_of_changes(open: impl Fn() -> RedisBackend) {
    let (one, other) = (Node::new("heard", open()), Node::new("heard", open()));
    let source = AtomicU64::new(1);
    other.hears(1, &source).await;
    source.store(2, Ordering::SeqCst);
    shared(|| one.cache.invalidate_async(&1)).await;
    cachekit_runtime::sync().await.unwrap();
    assert_eq!(other.call(1, &source).await, 2);
}

async fn failure(url: &str) -> (Failure, String) {
    let backend = RedisBackend::open(url).unwrap();
    match backend.ping().await.unwrap_err() {
        Error::Backend { failure, message, .. } => (failure, message),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn plain_and_database() {
    let server = RedisServer::start();
    works(&RedisBackend::open(server.url()).unwrap()).await;
    let second = RedisBackend::open(format!("{}/2", server.url())).unwrap();
    second.set(&address("2"), "in the second".into(), None).await.unwrap();
    assert_eq!(server.cli(&["-n", "2", "EXISTS", "ck:default:d:{user:2}:0000000000000007"]), "1");
    assert_eq!(server.cli(&["-n", "0", "EXISTS", "ck:default:d:{user:2}:0000000000000007"]), "0");
    let (kind, message) = failure(&format!("{}/99", server.url())).await;
    assert_eq!(kind, Failure::Misconfigured, "{message}");
}

#[tokio::test]
async fn a_namespace_of_its_own() {
    let server = RedisServer::start();
    let shop = Settings::new(server.url()).namespace("shop").open().unwrap();
    let blog = Settings::new(server.url()).namespace("blog").open().unwrap();
    shop.set(&address("1"), "of the shop".into(), None).await.unwrap();
    assert_eq!(blog.get(&address("1")).await.unwrap(), None);
    blog.clear("user").await.unwrap();
    assert_eq!(blog.scan(None, None, 10).await.unwrap().entries, []);
    assert_eq!(shop.get(&address("1")).await.unwrap().unwrap(), "of the shop");
    assert_eq!(server.cli(&["EXISTS", "ck:shop:d:{user:1}:0000000000000007", "ck:shop:f:{user}"]), "2");
}

#[tokio::test]
async fn speaks_the_third_protocol() {
    let server = RedisServer::start();
    let backend = RedisBackend::open(server.url()).unwrap();
    works(&backend).await;
    let clients = server.cli(&["CLIENT", "LIST"]);
    let ours = clients.lines().find(|line| line.ends_with(" resp=3"));
    assert!(ours.is_some(), "{clients}");
}

#[tokio::test]
async fn password() {
    let server = RedisServer::options().password("s@cret/#").start();
    let at = |user: &str| format!("redis://{user}127.0.0.1:{}", server.port());
    works(&RedisBackend::open(at(":s%40cret%2F%23@")).unwrap()).await;
    for wrong in ["", ":hunter2@", "default:hunter2@"] {
        let (kind, message) = failure(&at(wrong)).await;
        assert_eq!(kind, Failure::Misconfigured, "{wrong}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
        assert!(message.contains(&server.port().to_string()), "{message}");
    }
}

#[tokio::test]
async fn a_user_with_the_documented_rights() {
    let rule = "app on >secret ~ck:shop:* &ck:quiet +@connection +@read +@write +@scripting +subscribe +time -@dangerous +info";
    let server = RedisServer::options().user(rule).user("reader on >secret ~ck:shop:* +@connection +@read").start();
    let at = |user: &str| Settings::new(format!("redis://{user}@127.0.0.1:{}", server.port()));
    does_everything(&at("app:secret").namespace("shop").open().unwrap()).await;
    hears_of_changes(|| at("app:secret").namespace("shop").open().unwrap()).await;
    let elsewhere = at("app:secret").namespace("blog").open().unwrap();
    let error = elsewhere.set(&address("1"), "value".into(), None).await.unwrap_err();
    assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
    let reader = at("reader:secret").namespace("shop").open().unwrap();
    assert_eq!(reader.get(&address("1")).await.unwrap(), None);
    let error = reader.set(&address("1"), "value".into(), None).await.unwrap_err();
    assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
}

#[tokio::test]
async fn unix_socket() {
    let server = RedisServer::options().socket().password("secret").start();
    let path = server.socket().display().to_string();
    for scheme in ["redis+unix", "unix", "valkey+unix"] {
        let backend = RedisBackend::open(format!("{scheme}://{path}?pass=secret&db=1")).unwrap();
        works(&backend).await;
        assert!(!format!("{backend:?}").contains("secret"));
    }
    let (kind, message) = failure("redis+unix:///nowhere/at/all.sock?pass=hunter2").await;
    assert_eq!(kind, Failure::Unreachable, "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

/// Who signs, and what it has signed: each in PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        // A name of its own: with the one of what it signs, those would seem to have signed themselves.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, and its key.
    fn sign(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

fn with_tls(authority: &Authority, names: &[&str], clients: bool) -> RedisServer {
    tls_options(authority, names, clients).start()
}

fn tls_options(authority: &Authority, names: &[&str], clients: bool) -> Options {
    let (certificate, key) = authority.sign(names);
    RedisServer::options().password("secret").tls(Tls { authority: authority.pem(), certificate, key, clients })
}

#[tokio::test]
async fn tls() {
    let authority = Authority::new();
    let server = with_tls(&authority, &["localhost", "127.0.0.1"], false);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("rediss://:secret@{host}:{}", server.tls_port());
        let backend = Settings::new(url).root_certificates(authority.pem()).response_timeout(PATIENT).open().unwrap();
        does_everything(&backend).await;
    }
}

#[tokio::test]
async fn tls_of_a_cluster() {
    let authority = Authority::new();
    let cluster = Cluster::with(tls_options(&authority, &["127.0.0.1"], false), 3, 0);
    assert!(cluster.url().starts_with("rediss-cluster://"), "{}", cluster.url());
    // One of them is enough to be told of the others, which are asked by TLS too.
    let settings = Settings::new(cluster.url_of(&[0])).root_certificates(authority.pem()).response_timeout(PATIENT);
    let backend = settings.clone().open().unwrap();
    does_everything(&backend).await;
    for arguments in 0..50 {
        let address = address(&arguments.to_string());
        backend.set(&address, "value".into(), None).await.unwrap();
        assert_eq!(backend.get(&address).await.unwrap().unwrap(), "value");
    }
    for node in cluster.nodes() {
        assert_ne!(node.cli(&["DBSIZE"]), "0");
    }
    hears_of_changes(|| settings.clone().open().unwrap()).await;
}

#[tokio::test]
async fn tls_of_sentinels_and_their_master() {
    let authority = Authority::new();
    let mut sentinels = Sentinels::with(tls_options(&authority, &["127.0.0.1"], false), 1, None);
    assert!(sentinels.url().starts_with("rediss-sentinel://"), "{}", sentinels.url());
    let settings = Settings::new(sentinels.url()).root_certificates(authority.pem()).response_timeout(PATIENT);
    let backend = settings.clone().open().unwrap();
    does_everything(&backend).await;
    hears_of_changes(|| settings.clone().open().unwrap()).await;
    sentinels.failover();
    let address = address("after");
    works_again("a store after the failover", PATIENT + PATIENT, || backend.set(&address, "value".into(), None)).await;
    assert_eq!(backend.get(&address).await.unwrap().unwrap(), "value");
}

/// A handshake takes a while in a build without optimizations.
const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn tls_with_a_certificate_of_the_client() {
    let authority = Authority::new();
    let server = with_tls(&authority, &["localhost"], true);
    let url = format!("rediss://:secret@localhost:{}", server.tls_port());
    let settings = Settings::new(url).root_certificates(authority.pem()).response_timeout(PATIENT);
    let (certificate, key) = authority.sign(&["app"]);
    works(&settings.clone().client_certificate(certificate, key).open().unwrap()).await;
    let error = settings.open().unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured | Failure::Unreachable, .. }), "{error}");
}

#[tokio::test]
async fn tls_of_a_stranger_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = with_tls(&stranger, &["localhost"], false);
    let url = format!("rediss://:hunter2@localhost:{}", server.tls_port());
    let other_name = with_tls(&authority, &["elsewhere"], false);
    let other_url = format!("rediss://:hunter2@localhost:{}", other_name.tls_port());
    for url in [url, other_url] {
        let settings = Settings::new(url).root_certificates(authority.pem()).response_timeout(PATIENT);
        match settings.open().unwrap().ping().await.unwrap_err() {
            Error::Backend { failure: Failure::Misconfigured, message, .. } => {
                assert!(message.contains("certificate") && !message.contains("hunter2"), "{message}");
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn tls_with_a_plain_port_and_the_other_way_round() {
    let authority = Authority::new();
    let server = with_tls(&authority, &["localhost"], false);
    let url = format!("rediss://:secret@localhost:{}", server.port());
    let settings = Settings::new(url).root_certificates(authority.pem()).response_timeout(Duration::from_secs(2));
    assert!(settings.open().unwrap().ping().await.is_err());
    let (kind, message) = failure(&format!("redis://:secret@localhost:{}", server.tls_port())).await;
    assert!(matches!(kind, Failure::Unreachable | Failure::Timeout | Failure::Protocol), "{message}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_said_at_once() {
    let settings = Settings::new("rediss://localhost").root_certificates("no PEM");
    let error = settings.open().unwrap_err();
    assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
}
