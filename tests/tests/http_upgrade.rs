//! A layer in front of a handler that takes a connection over.

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use cachekit::http::{CacheLayer, Rule};
use http::{StatusCode, header};
use hyper_util::rt::TokioIo;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    net::{TcpListener, TcpStream},
};

/// Says everything back that comes over the connection when it is another protocol's.
async fn echo(mut request: Request) -> Response {
    if !request.headers().contains_key(header::UPGRADE) {
        return ([("cache-control", "max-age=60")], "no echo").into_response();
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut reader, mut writer) = split(TokioIo::new(upgrade.await.expect("the client goes along")));
        copy(&mut reader, &mut writer).await.expect("the client reads");
        writer.shutdown().await.expect("the client reads");
    });
    let fields = [("connection", "upgrade"), ("upgrade", "echo"), ("cache-control", "max-age=60")];
    (StatusCode::SWITCHING_PROTOCOLS, fields, Body::empty()).into_response()
}

/// What comes until the end of a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head has an end"));
    }
    String::from_utf8(head).expect("a head is text").to_ascii_lowercase()
}

#[tokio::test]
async fn a_connection_that_becomes_another_protocols_is_not_touched() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let handler = move |request: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        echo(request)
    };
    let layer = CacheLayer::builder().otherwise(Rule::new().ttl(Duration::from_secs(60))).build();
    let app = Router::new().route("/echo", get(handler)).layer(layer);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });

    let ask = async |fields: &str| {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET /echo HTTP/1.1\r\nhost: a.example\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        (head(&mut stream).await, stream)
    };
    // What is stored for others answers none that asks for another protocol.
    for _ in 0..2 {
        let (plain, _) = ask("").await;
        assert!(plain.starts_with("http/1.1 200 "), "{plain}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    for call in 2..=3 {
        let (switched, mut stream) = ask("connection: keep-alive, Upgrade\r\nupgrade: echo\r\n").await;
        assert!(switched.starts_with("http/1.1 101 "), "{switched}");
        for line in ["\r\nconnection: upgrade\r\n", "\r\nupgrade: echo\r\n"] {
            assert!(switched.contains(line), "{switched}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), call);
        for said in [&b"hello"[..], &[0, 13, 10, 255]] {
            stream.write_all(said).await.expect("it reads");
            let mut back = vec![0; said.len()];
            stream.read_exact(&mut back).await.expect("it says it back");
            assert_eq!(back, said);
        }
        stream.shutdown().await.expect("it reads");
        assert_eq!(stream.read_to_end(&mut Vec::new()).await.expect("an end"), 0, "and nothing more");
    }
    let (plain, _) = ask("").await;
    assert!(plain.contains("cachekit; hit") && calls.load(Ordering::SeqCst) == 3, "{plain}");
}
