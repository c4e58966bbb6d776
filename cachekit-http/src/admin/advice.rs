//! What other capacities and strategies would give.

use super::{Access, audit, named::Named, read::blocking, refusal::Refusal};
use axum::{Extension, Json};
use serde_json::{Value, json};

/// `null` while it is not running.
pub(super) async fn read(Named(cache): Named) -> Result<Json<Value>, Refusal> {
    let advice = blocking(move || cache.advice()).await?;
    Ok(Json(json!({ "advice": advice })))
}

pub(super) async fn start(Named(cache): Named, Extension(access): Extension<Access>) -> Result<Json<Value>, Refusal> {
    let started = cache.clone();
    // Takes some megabytes.
    let work = blocking(move || started.start_advice());
    audit::carried_out(&access, "advice", cache.name(), "start".to_owned(), work, audit::by_result).await??;
    Ok(Json(json!({ "advised": true })))
}

pub(super) async fn stop(Named(cache): Named, Extension(access): Extension<Access>) -> Json<Value> {
    cache.stop_advice();
    audit::changed(&access, "advice", cache.name(), "stop", "done");
    Json(json!({ "advised": false }))
}
