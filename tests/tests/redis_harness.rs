//! The tools of the Redis tests do what they say: the server process and the proxy that misbehaves.

use cachekit_tests::{
    eventually,
    fault_proxy::{Fault, FaultProxy},
    redis_server::RedisServer,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Long enough for an answer over loopback, so that what does not come by then is held back.
const HELD_BACK: Duration = Duration::from_millis(200);

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn ask(stream: &mut TcpStream) -> io::Result<String> {
    stream.write_all(b"PING\r\n")?;
    answer(stream)
}

fn answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn is_held_back(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(HELD_BACK)).unwrap();
    let held =
        matches!(answer(stream), Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    held
}

#[test]
fn a_server_keeps_nothing_unless_it_is_asked_to() {
    for (mut server, kept) in [(RedisServer::start(), ""), (RedisServer::options().persistent().start(), "v")] {
        server.cli(&["SET", "k", "v"]);
        let port = server.port();
        server.kill();
        assert!(!server.is_running());
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        server.restart();
        assert_eq!((server.port(), server.cli(&["GET", "k"]).as_str()), (port, kept));
        server.stop();
        assert!(!server.is_running());
    }
}

#[test]
fn a_server_ends_with_its_value_and_takes_its_folder_along() {
    let server = RedisServer::start();
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert!(folder.exists());
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_paused_server_is_silent_and_goes_on() {
    let server = RedisServer::start();
    let mut stream = connect(server.port());
    let paused = server.pause();
    stream.write_all(b"PING\r\n").unwrap();
    assert!(is_held_back(&mut stream));
    drop(paused);
    assert_eq!(answer(&mut stream).unwrap(), "+PONG");
}

#[test]
fn a_password_is_asked_for_and_figures_can_be_read() {
    let server = RedisServer::options().password("secret").start();
    assert!(ask(&mut connect(server.port())).unwrap().starts_with("-NOAUTH"));
    assert_eq!(server.cli(&["PING"]), "PONG");
    assert!(server.info("total_connections_received").parse::<u64>().unwrap() > 1);
}

#[test]
fn the_proxy_passes_everything_and_counts() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let mut stream = connect(proxy.port());
    assert_eq!(ask(&mut stream).unwrap(), "+PONG");
    eventually("its bytes are counted", || (proxy.accepted(), proxy.sent(), proxy.answered()) == (1, 6, 7));
}

#[test]
fn the_proxy_holds_back_and_lets_go_on_an_open_connection() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let mut stream = connect(proxy.port());
    assert_eq!(ask(&mut stream).unwrap(), "+PONG");
    proxy.set(Fault::Stall);
    stream.write_all(b"PING\r\n").unwrap();
    assert!(is_held_back(&mut stream));
    proxy.set(Fault::None);
    assert_eq!(answer(&mut stream).unwrap(), "+PONG");
    proxy.set(Fault::Delay(2 * HELD_BACK));
    let start = Instant::now();
    assert_eq!(ask(&mut stream).unwrap(), "+PONG");
    assert!(start.elapsed() >= 2 * HELD_BACK);
    proxy.set(Fault::Trickle(Duration::from_millis(20)));
    let start = Instant::now();
    assert_eq!(ask(&mut stream).unwrap(), "+PONG");
    assert!(start.elapsed() >= Duration::from_millis(6 * 20));
}

#[test]
fn the_proxy_swallows_for_ever_what_has_met_a_half_open_connection() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let mut stream = connect(proxy.port());
    proxy.set(Fault::HalfOpen);
    stream.write_all(b"PING\r\n").unwrap();
    assert!(is_held_back(&mut stream));
    proxy.set(Fault::None);
    stream.write_all(b"PING\r\n").unwrap();
    assert!(is_held_back(&mut stream));
    assert_eq!(ask(&mut connect(proxy.port())).unwrap(), "+PONG");
}

#[test]
fn the_proxy_answers_with_garbage() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    proxy.set(Fault::Garbage);
    assert!(!ask(&mut connect(proxy.port())).unwrap().contains("PONG"));
}

#[test]
fn the_proxy_cuts_and_refuses() {
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let mut stream = connect(proxy.port());
    assert_eq!(ask(&mut stream).unwrap(), "+PONG");
    proxy.set(Fault::Cut);
    assert!(ask(&mut stream).is_err());
    assert!(ask(&mut connect(proxy.port())).is_err());
    proxy.set(Fault::Refused);
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.set(Fault::None);
    assert_eq!(ask(&mut connect(proxy.port())).unwrap(), "+PONG");
}
