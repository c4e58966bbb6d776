//! Which keys are looked for most.

use super::{Access, audit, named::Named, read::blocking, refusal::Refusal, view};
use axum::{
    Extension, Json,
    extract::{Query, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Keys unless told otherwise, and the most.
const SOME: usize = 10;
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<usize>,
    #[serde(default)]
    keys: bool,
}

/// `null` while they are not counted.
pub(super) async fn read(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(asked) =
        asked.map_err(|error| Refusal::bad(error.body_text(), "the query takes `limit` and `keys=true`"))?;
    if asked.keys && !access.sees_entries() {
        return Err(Refusal::hidden());
    }
    // Looks at each entry in memory.
    let top = blocking(move || cache.top_keys(asked.limit.unwrap_or(SOME).clamp(1, MOST))).await?;
    Ok(Json(json!({ "top": top.map(|top| view::top(&top, asked.keys)) })))
}

pub(super) async fn start(Named(cache): Named, Extension(access): Extension<Access>) -> Json<Value> {
    cache.start_top_keys();
    audit::changed(&access, "top", cache.name(), "start", "done");
    Json(json!({ "counts_keys": true }))
}

pub(super) async fn stop(Named(cache): Named, Extension(access): Extension<Access>) -> Json<Value> {
    cache.stop_top_keys();
    audit::changed(&access, "top", cache.name(), "stop", "done");
    Json(json!({ "counts_keys": false }))
}
