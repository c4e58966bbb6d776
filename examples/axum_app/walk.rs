//! Some questions to the service, over TCP, and how it answered.

use crate::{SECRET, almanac::Almanac};
use std::{error::Error, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What is asked, and what its answer has to say of itself.
const STEPS: [(&str, &str, &str, &str); 13] = [
    ("GET", "/api/cities/oslo/days/172", "", "stored"),
    ("GET", "/api/cities/oslo/days/172", "", "hit"),
    ("POST", "/api/cities/oslo/days/172/notes", r#"{"text":"midsummer"}"#, ""),
    ("GET", "/api/cities/oslo/days/172", "", "stored"),
    ("GET", "/api/cities/oslo/days/999", "", "fwd=uri-miss"),
    ("GET", "/api/cities/quito/extremes?count=2", "", "stored"),
    ("GET", "/api/cities/quito/extremes?utm_source=x&count=2", "", "hit"),
    ("GET", "/api/cities/quito/extremes?count=2&shortest=true", "", "stored"),
    ("GET", "/api/cities", "", "stored"),
    ("GET", "/api/cities", "", "hit"),
    ("POST", "/purge/tag", "cities", ""),
    ("GET", "/api/cities", "", "stored"),
    ("HEAD", "/api/cities", "", "hit"),
];

pub(crate) async fn walk(address: SocketAddr, almanac: &Almanac) -> Result<(), Box<dyn Error>> {
    println!("{:<58} {:<7} {:<38} queries", "request", "status", "Cache-Status");
    for (method, uri, body, expected) in STEPS {
        let before = almanac.queries();
        let answer = ask(address, method, uri, body).await?;
        let status = answer.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or("none");
        let said = field(&answer, "cache-status").unwrap_or("");
        println!("{method:<5} {uri:<52} {status:<7} {said:<38} {}", almanac.queries() - before);
        if !said.contains(expected) {
            return Err(format!("{method} {uri} was to say `{expected}`:\n{answer}").into());
        }
    }
    Ok(())
}

fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn ask(address: SocketAddr, method: &str, uri: &str, body: &str) -> Result<String, Box<dyn Error>> {
    let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
    // A request that says who sends it is given nothing that a mere ttl keeps.
    let secret = if uri.starts_with("/purge") { format!("authorization: {SECRET}\r\n") } else { String::new() };
    let request = format!(
        "{method} {uri} HTTP/1.1\r\nhost: {address}\r\n{secret}content-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
