//! A service under a load of its own, with the admin page.
//!
//! `cargo run --example ops` serves it on http://127.0.0.1:3001/caches until it is stopped; the token is in what it prints. With that
//! token Prometheus may scrape `/caches/metrics`. With `--once` it asks itself some questions instead, and ends.

mod load;
mod once;

use axum::Router;
use cachekit::{
    admin::{self, Access, Admin, Scope},
    metrics::Prometheus,
};
use std::{error::Error, net::SocketAddr};
use tokio::net::TcpListener;

/// Who knows it may do everything. A real service has it from its environment.
pub(crate) const TOKEN: &str = "let me operate";

/// The service, under its load.
pub(crate) fn app() -> Result<Router, Box<dyn Error>> {
    let admin = Admin::new(|request| {
        admin::is_bearer(request, TOKEN)
            .then(|| Access::named("ops").may(Scope::Read).may(Scope::Operate).may(Scope::Destroy).may_see_entries())
    });
    let admin = admin.prometheus(Prometheus::install()?);
    load::begin();
    Ok(Router::new().nest("/caches", admin.router()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let is_once = std::env::args().any(|argument| argument == "--once");
    // Requests are limited by where they come from, which the server has to say.
    let app = app()?.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(if is_once { "127.0.0.1:0" } else { "127.0.0.1:3001" }).await?;
    let address = listener.local_addr()?;
    let server = async move { axum::serve(listener, app).await };
    if is_once {
        tokio::spawn(server);
        return once::walk(address).await;
    }
    println!("http://{address}/caches with the token `{TOKEN}`");
    Ok(server.await?)
}
