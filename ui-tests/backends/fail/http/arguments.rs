use axum::extract::{Path, State};
use cachekit::cache;
use std::sync::Arc;

#[cache(http(ttl = "30s", max_age = "10s", etags = false, vary, etag(false)))]
async fn beside(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http(vary = ["accept-language", "Accept-Language"], cache_control = "a\nb", statuses = [200, "ok"]))]
async fn values(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http(vary = "*", statuses = 99, surrogate_keys = ["user {id}"], private = "ada"))]
async fn more_values(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http(cache_control = "max-age=10", client_ttl = "10s"), ttl = |user| user.ttl())]
async fn clients(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http, strategy = "lru", refresh_ahead = "80%", codec = "json", cache_if = |x| true, load_timeout = (hard = "1s"))]
async fn no_effect(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http = "30s")]
async fn value(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(scope = app)]
async fn scope_alone(State(app): State<Arc<u64>>) -> u64 {
    *app
}

fn main() {}
