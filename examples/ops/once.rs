//! Questions that the service asks itself.

use super::TOKEN;
use std::{error::Error, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) async fn walk(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    for (request, body) in [
        ("GET /caches", ""),
        ("GET /caches/api/caches", ""),
        ("GET /caches/metrics", ""),
        ("POST /caches/api/caches/shop::user/settings", r#"{"strategy":"lru"}"#),
        ("POST /caches/api/caches/shop::user/settings", r#"{"strategy":"newest"}"#),
        ("POST /caches/api/caches/shop::user/explain", r#"{"key":"7"}"#),
        ("POST /caches/api/invalidate", r#"{"tag":"team:7"}"#),
        ("POST /caches/api/caches/shop::user/clear", ""),
    ] {
        let (status, said) = ask(address, request, body).await?;
        println!("{request} {body}\n  {status} {}", said.chars().take(110).collect::<String>().replace('\n', " "));
        let expected = if body.contains("newest") { "400" } else { "200" };
        if status != expected {
            return Err(format!("{request} was answered {status}, not {expected}").into());
        }
    }
    Ok(())
}

async fn ask(address: SocketAddr, request: &str, body: &str) -> Result<(String, String), Box<dyn Error>> {
    let mut connection = TcpStream::connect(address).await?;
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nX-Cachekit-Admin: 1\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok((status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()))
}
