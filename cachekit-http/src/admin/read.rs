//! What changes nothing.

use super::{Access, body::Said, named::Named, refusal::Refusal, view};
use axum::{
    Extension, Json,
    extract::{Query, rejection::QueryRejection},
};
use cachekit_runtime::registry::{self, Cursor, Values};
use serde::Deserialize;
use serde_json::{Value, json};

/// Entries of a page unless told otherwise, and the most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

pub(super) async fn list(Extension(access): Extension<Access>) -> Json<Value> {
    let caches: Vec<Value> = registry::caches().iter().map(|cache| view::summary(&**cache)).collect();
    Json(json!({
        "caches": caches,
        "conflicts": view::conflicts(),
        "access": { "who": access.who(), "scopes": access.scopes(), "entries": access.sees_entries() },
    }))
}

pub(super) async fn one(Named(cache): Named) -> Json<Value> {
    Json(view::detail(&*cache))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    from: Option<u64>,
    limit: Option<usize>,
    #[serde(default)]
    keys: bool,
    #[serde(default)]
    values: bool,
}

pub(super) async fn entries(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(asked) = asked.map_err(|error| {
        Refusal::bad(error.body_text(), "the query takes `from`, `limit`, `keys=true` and `values=true`")
    })?;
    if (asked.keys || asked.values) && !access.sees_entries() {
        return Err(Refusal::hidden());
    }
    let values = if asked.values { Values::Written } else { Values::Hidden };
    let at_most = asked.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    // Looks at each entry in memory.
    let found = blocking(move || cache.entries(asked.from.map(Cursor), at_most, values)).await?;
    let entries: Vec<Value> = found.entries.iter().map(|entry| view::entry(entry, asked.keys)).collect();
    // As text: it is larger than the numbers of a browser.
    Ok(Json(json!({ "entries": entries, "next": found.next.map(|Cursor(next)| next.to_string()) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    key: String,
}

pub(super) async fn get(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    Said(Key { key }): Said<Key>,
) -> Result<Json<Value>, Refusal> {
    if !access.sees_entries() {
        return Err(Refusal::hidden());
    }
    let found = cache.get_async(&key).await?;
    Ok(Json(json!({ "entry": found.map(|entry| view::entry(&entry, true)) })))
}

pub(super) async fn explain(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    Said(Key { key }): Said<Key>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(view::explain(&cache.explain_async(&key).await?, access.sees_entries())))
}

#[cfg(feature = "prometheus")]
pub(super) async fn metrics(
    axum::extract::State(gate): axum::extract::State<std::sync::Arc<super::gate::Gate>>,
) -> Result<axum::response::Response, Refusal> {
    use axum::response::IntoResponse;
    use cachekit_runtime::metrics::Prometheus;
    use http::StatusCode;
    let Some(prometheus) = gate.prometheus.clone() else {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "no_metrics",
            "the service has no recorder for Prometheus",
            "let it say `Admin::new(…).prometheus(Prometheus::install()?)`",
        ));
    };
    let text = blocking(move || prometheus.render()).await?;
    Ok(([(http::header::CONTENT_TYPE, Prometheus::CONTENT_TYPE)], text).into_response())
}

/// Off the threads that serve.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::panicked())
}
