use axum::extract::{Path, State};
use cachekit::cache;

#[derive(Clone)]
struct App;

#[cache(http, ttl = "30s")]
async fn user(State(app): State<App>, Path(id): Path<u64>) -> String {
    let App = app;
    id.to_string()
}

fn main() {}
