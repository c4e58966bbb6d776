//! Layers in processes of their own, which share nothing but a backend: what one of them purges, and what several store at once.

use bytes::Bytes;
use cachekit::{
    configure,
    http::{CacheBody, CacheHandle, CacheLayer, Rule},
};
use cachekit_runtime::{Place, backend::redis::Settings};
use cachekit_tests::{
    child::{self, Asked},
    eventually, never_hangs,
    redis_server::RedisServer,
    responses::{Got, ask},
};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use std::{
    convert::Infallible,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};
use tower::{Layer, service_fn, util::BoxCloneSyncService};

const URL: &str = "REDIS_OF_THE_TEST";

const FOLDER: &str = "FOLDER_OF_THE_TEST";

/// What a look says where nothing is stored.
const NOTHING: &str = "nothing";

/// A node, in the child.
struct Node {
    handle: CacheHandle,
    service: BoxCloneSyncService<Request<Full<Bytes>>, Response<CacheBody>, Infallible>,
    calls: Arc<AtomicUsize>,
    /// Whether the handler answers a GET, or waits.
    answers: watch::Sender<bool>,
    begun: Option<JoinHandle<Got>>,
}

impl Node {
    /// The role says where its entries are.
    fn new(role: &str) -> Self {
        let patient = Duration::from_secs(20);
        let mut settings = configure().strict(true);
        let url = std::env::var(URL).expect("the address of a Redis");
        // One that no configuration describes is met by those alone that use it.
        if role != "own" {
            settings = settings.redis(&url).redis_response_timeout(patient);
        }
        if let Ok(folder) = std::env::var(FOLDER) {
            settings = settings.directory(folder);
        }
        settings.apply().expect("settings");
        let places = role.split('+').map(|place| match place {
            "memory" => Place::memory(),
            "redis" => Place::redis(),
            "file" => Place::file(),
            "own" => Place::own(Settings::new(&url).response_timeout(patient).open().expect("settings")),
            other => panic!("no place `{other}`"),
        });
        let rule = Rule::new()
            .ttl(Duration::from_secs(600))
            .tags(|parts| vec![format!("tag-of:{}", parts.uri.path())])
            .honour_if(|_| true);
        let layer = CacheLayer::builder().name("processes").timeout(patient).backends(places).otherwise(rule).build();
        let (calls, (answers, is_answering)) = (Arc::new(AtomicUsize::new(0)), watch::channel(true));
        let counted = calls.clone();
        // No two of its answers are the same, in no two processes.
        let handler = service_fn(move |request: Request<Full<Bytes>>| {
            let (call, mut is_answering) = (counted.fetch_add(1, Ordering::SeqCst) + 1, is_answering.clone());
            async move {
                if request.method() == Method::GET {
                    is_answering.wait_for(|is_answering| *is_answering).await.expect("the node is there");
                }
                let response = Response::builder().header("vary", "x");
                let body = Full::from(format!("{} {call}", std::process::id()));
                Ok::<_, Infallible>(response.body(body).expect("a response"))
            }
        });
        let (handle, service) = (layer.handle(), BoxCloneSyncService::new(layer.layer(handler)));
        Node { handle, service, calls, answers, begun: None }
    }

    async fn answer(&mut self, question: &str) -> String {
        let mut words = question.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (what, of, x) = (word(), word(), word());
        let request = || Request::get(&of).header("x", &x);
        match &*what {
            "get" => ask(&self.service, request()).await.body,
            "look" => {
                let got = ask(&self.service, request().header("cache-control", "only-if-cached")).await;
                if got.is_hit() { got.body } else { NOTHING.to_owned() }
            }
            "begin" => {
                let (service, request, before) = (self.service.clone(), request(), self.calls.load(Ordering::SeqCst));
                self.answers.send_replace(false);
                self.begun = Some(tokio::spawn(async move { ask(&service, request).await }));
                while self.calls.load(Ordering::SeqCst) == before {
                    tokio::task::yield_now().await;
                }
                "begun".to_owned()
            }
            "end" => {
                self.answers.send_replace(true);
                self.begun.take().expect("it has begun").await.expect("no panic").body
            }
            "post" => ask(&self.service, Request::post(&of)).await.body,
            "uri" => {
                let uri: Uri = format!("http://localhost{of}").parse().expect("a URI");
                format!("{:?}", self.handle.purge_uri(&uri).await)
            }
            "tag" => format!("{:?}", self.handle.purge_tag(format!("tag-of:{of}")).await),
            "all" => format!("{:?}", self.handle.purge_all().await),
            "hits" => self.handle.stats().hits.to_string(),
            "flush" => format!("{:?}", cachekit::flush().await),
            other => panic!("`{other}`?"),
        }
    }
}

/// In the child: `true`, when nothing is asked any more. Otherwise there is a test to run.
fn was_a_node() -> bool {
    let Some(role) = child::role() else { return false };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut node = runtime.block_on(async { Node::new(&role) });
    child::answer_with(|question| runtime.block_on(node.answer(question)));
    true
}

/// A node in a process of its own.
fn node(test: &str, server: &RedisServer, places: &str) -> Asked {
    Asked::start(test, places, |command| _ = command.env(URL, server.url()))
}

/// Waits until a node has this.
fn until_it_has(node: &mut Asked, what: &str, body: &str) {
    eventually(&format!("{what} is {body}"), || node.ask(&format!("look {what}")) == body);
}

/// Waits until it is in the memory of a node, which is when that node hears of what others change.
fn until_it_is_copied(node: &mut Asked, what: &str) {
    eventually("a hit in memory", || {
        let before = node.ask("hits");
        node.ask(&format!("look {what}"));
        node.ask("hits") != before
    });
}

const PLACES: [&str; 3] = ["redis", "own", "memory+redis"];

/// How what is stored of `/a` is invalidated, and whether what is stored of `/b` is too.
const WAYS: [(&str, bool); 4] = [("uri /a", false), ("tag /a", false), ("post /a", false), ("all", true)];

/// Every other process knows of it when this returns, or will in time.
fn invalidate(node: &mut Asked, way: &str) {
    let answer = node.ask(way);
    assert!(way.starts_with("post") || answer.contains("Shared"), "{way}: {answer}");
}

#[test]
fn what_one_process_purges_no_other_one_has() {
    if was_a_node() {
        return;
    }
    never_hangs(|| {
        let server = RedisServer::start();
        for places in PLACES {
            let [mut filling, mut reading, mut idle] =
                [(); 3].map(|()| node("what_one_process_purges_no_other_one_has", &server, places));
            for (way, is_of_all) in WAYS {
                // One that has stored what it purges, and one that has stored nothing.
                for by_idle in [true, false] {
                    let there = ["/a 1", "/a 2", "/b 1"].map(|what| {
                        let body = filling.ask(&format!("get {what}"));
                        until_it_has(&mut filling, what, &body);
                        until_it_has(&mut reading, what, &body);
                        if places == "memory+redis" {
                            until_it_is_copied(&mut reading, what);
                        }
                        (what, body)
                    });
                    invalidate(if by_idle { &mut idle } else { &mut filling }, way);
                    for (what, body) in &there {
                        let case = format!("{way} of {places}, {what}, by one that is idle: {by_idle}");
                        if what.starts_with("/b") && !is_of_all {
                            assert_eq!(reading.ask(&format!("look {what}")), *body, "{case}");
                            assert_eq!(filling.ask(&format!("look {what}")), *body, "{case}");
                            continue;
                        }
                        for node in [&mut reading, &mut filling] {
                            if places != "memory+redis" {
                                assert_eq!(node.ask(&format!("look {what}")), NOTHING, "{case}");
                            } else {
                                until_it_has(node, what, NOTHING);
                            }
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn what_a_process_fills_while_another_one_purges_is_nowhere_after_it() {
    if was_a_node() {
        return;
    }
    never_hangs(|| {
        let server = RedisServer::start();
        for places in PLACES {
            let [mut filling, mut purging] = [(); 2]
                .map(|()| node("what_a_process_fills_while_another_one_purges_is_nowhere_after_it", &server, places));
            for (way, _) in WAYS {
                filling.ask("begin /a 1");
                invalidate(&mut purging, way);
                let old = filling.ask("end");
                // Until it is told, it may give what is under way to who comes meanwhile.
                let mut new = old.clone();
                eventually("an answer from after the purge", || {
                    new = filling.ask("get /a 1");
                    new != old
                });
                for node in [&mut filling, &mut purging] {
                    until_it_has(node, "/a 1", &new);
                }
                invalidate(&mut purging, "all");
                for node in [&mut filling, &mut purging] {
                    until_it_has(node, "/a 1", NOTHING);
                }
            }
            // A purge of something else is none of its business.
            filling.ask("begin /a 1");
            invalidate(&mut purging, "uri /b");
            let body = filling.ask("end");
            for node in [&mut filling, &mut purging] {
                until_it_has(node, "/a 1", &body);
            }
            invalidate(&mut purging, "all");
        }
    });
}

#[test]
fn variants_that_two_processes_store_at_once_are_both_there() {
    if was_a_node() {
        return;
    }
    never_hangs(|| {
        let server = RedisServer::start();
        for places in PLACES {
            let [mut one, mut other, mut third] =
                [(); 3].map(|()| node("variants_that_two_processes_store_at_once_are_both_there", &server, places));
            for round in 0..20 {
                let path = format!("/{places}/{round}");
                let (first, second) = (format!("{path} 1"), format!("{path} 2"));
                one.ask(&format!("begin {first}"));
                other.ask(&format!("begin {second}"));
                let (first_body, second_body) = std::thread::scope(|threads| {
                    let first = threads.spawn(|| one.ask("end"));
                    let second = other.ask("end");
                    (first.join().expect("no panic"), second)
                });
                for node in [&mut one, &mut other, &mut third] {
                    until_it_has(node, &first, &first_body);
                    until_it_has(node, &second, &second_body);
                }
            }
        }
    });
}

#[test]
fn what_a_process_stores_is_there_for_the_next_one() {
    const TEST: &str = "what_a_process_stores_is_there_for_the_next_one";
    if was_a_node() {
        return;
    }
    never_hangs(|| {
        let (server, folder) = (RedisServer::start(), tempfile::tempdir().expect("a folder"));
        for places in ["redis", "file", "memory+redis", "memory+file", "file+redis"] {
            let start = |folder: &Path| {
                Asked::start(TEST, places, |command| _ = command.env(URL, server.url()).env(FOLDER, folder))
            };
            let folder = folder.path().join(places);
            let mut first = start(&folder);
            let bodies = ["/a 1", "/a 2", "/b 1"].map(|what| (what, first.ask(&format!("get {what}"))));
            for (what, body) in &bodies {
                until_it_has(&mut first, what, body);
            }
            first.ask("flush");
            first.end();
            let mut next = start(&folder);
            for (what, body) in &bodies {
                assert_eq!(next.ask(&format!("look {what}")), *body, "{places}: {what}");
                assert_eq!(next.ask(&format!("get {what}")), *body, "{places}: {what}");
            }
            assert_eq!(next.ask("look /b 2"), NOTHING, "{places}");
            invalidate(&mut next, "uri /a");
            next.end();
            let mut last = start(&folder);
            for (what, body) in &bodies {
                let expected = if what.starts_with("/a") { NOTHING } else { body };
                assert_eq!(last.ask(&format!("look {what}")), expected, "{places}: {what}, after a purge");
            }
        }
    });
}
