//! An almanac: when the sun rises and sets in eight cities, in SQLite, served by Axum with cached handlers, a cached router, a POST that invalidates, and purges.
//!
//! `cargo run --example axum_app` serves it on http://127.0.0.1:3000 until it is stopped; the page shows the `Cache-Status` of each response.
//! With `--once` it asks itself some questions instead, shows how each was answered, and ends.

mod almanac;
mod pages;
mod sun;
mod walk;

use almanac::Almanac;
use std::{error::Error, sync::Arc};
use tokio::net::TcpListener;

/// Who knows it may purge. A real service has it from its environment.
const SECRET: &str = "let me purge";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let is_once = std::env::args().any(|argument| argument == "--once");
    let almanac = Arc::new(Almanac::open()?);
    println!("{} days of {} cities are in SQLite", almanac.days()?, almanac.cities()?.len());
    let app = pages::router(almanac.clone());
    // A free port for the walk, so that it can run beside a server.
    let listener = TcpListener::bind(if is_once { "127.0.0.1:0" } else { "127.0.0.1:3000" }).await?;
    let address = listener.local_addr()?;
    let server = async move { axum::serve(listener, app).await };
    if is_once {
        tokio::spawn(server);
        return walk::walk(address, &almanac).await;
    }
    println!("http://{address}/");
    Ok(server.await?)
}
