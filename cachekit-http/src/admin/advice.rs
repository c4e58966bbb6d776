//! What other capacities and strategies would give.

use super::{Access, audit, named::Named, read::blocking, refusal::Refusal};
use axum::{
    Extension, Json,
    extract::{Query, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    thorough: bool,
}

/// `null` while it is not running.
pub(super) async fn read(Named(cache): Named) -> Result<Json<Value>, Refusal> {
    let advice = blocking(move || cache.advice()).await?;
    Ok(Json(json!({ "advice": advice })))
}

pub(super) async fn start(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(Asked { thorough }) = asked.map_err(|error| {
        Refusal::bad(
            error.body_text(),
            "write `?thorough=true`, or nothing for a sample that costs a hit next to nothing",
        )
    })?;
    let started = cache.clone();
    // Takes some megabytes.
    let work = blocking(move || if thorough { started.start_thorough_advice() } else { started.start_advice() });
    let what = if thorough { "start, thorough" } else { "start" };
    audit::carried_out(&access, "advice", cache.name(), what.to_owned(), work, audit::by_result).await??;
    Ok(Json(json!({ "advised": true, "thorough": thorough })))
}

pub(super) async fn stop(Named(cache): Named, Extension(access): Extension<Access>) -> Json<Value> {
    cache.stop_advice();
    audit::changed(&access, "advice", cache.name(), "stop", "done");
    Json(json!({ "advised": false }))
}
