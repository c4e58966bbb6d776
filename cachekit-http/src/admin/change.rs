//! What changes something. All of it is in the audit.

use super::{Access, audit, body::Said, named::Named, refusal::Refusal, view};
use axum::{
    Extension, Json,
    response::{IntoResponse, Response},
};
use cachekit_runtime::{Delivery, invalidate_tag_async, invalidate_tag_soft_async, registry::Bound};
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest ttl, in seconds: a hundred years.
const LONGEST_TTL: f64 = 100.0 * 366.0 * 86_400.0;

/// The largest number of entries: policies have tables of that size, and where there is no memory for one the process ends.
const MOST_ENTRIES: u64 = 1 << 26;

/// The largest weight, which has no tables: a browser's numbers are exact up to here.
const MOST_WEIGHT: u64 = (1 << 53) - 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default, deserialize_with = "given")]
    ttl_seconds: Option<Option<f64>>,
    capacity: Option<u64>,
    strategy: Option<String>,
    enabled: Option<bool>,
}

/// `null` is a value: for ever.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::<f64>::deserialize(from).map(Some)
}

pub(super) async fn settings(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    Said(settings): Said<Settings>,
) -> Result<Json<Value>, Refusal> {
    let Settings { ttl_seconds, capacity, strategy, enabled } = settings;
    if ttl_seconds.is_none() && capacity.is_none() && strategy.is_none() && enabled.is_none() {
        return Err(Refusal::bad(
            "nothing is to be changed",
            "give one of `ttl_seconds`, `capacity`, `strategy` and `enabled`",
        ));
    }
    // All of it is looked at before any of it is done.
    let ttl = match ttl_seconds {
        Some(Some(seconds)) if !(seconds > 0.0 && seconds <= LONGEST_TTL) => {
            return Err(Refusal::bad(
                "a ttl is more than 0 seconds, and at most a hundred years",
                "`null` is for ever; to store nothing, switch the cache off: `\"enabled\": false`",
            ));
        }
        Some(Some(seconds)) => Some(Some(Duration::from_secs_f64(seconds))),
        Some(None) => Some(None),
        None => None,
    };
    let largest = if let Bound::Weight(_) = cache.configuration().bound { MOST_WEIGHT } else { MOST_ENTRIES };
    if capacity.is_some_and(|most| !(1..=largest).contains(&most)) {
        return Err(Refusal::bad(
            format!("a capacity is from 1 to {largest}"),
            "to store nothing, switch the cache off: `\"enabled\": false`",
        ));
    }
    let done = |change: &'static str, what: String| audit::changed(&access, change, cache.name(), &what, "done");
    if let Some(strategy) = &strategy {
        let before = cache.configuration().strategy;
        let changed = cache.set_strategy(strategy);
        changed.map_err(|error| {
            Refusal::bad(error.to_string(), "give one of the names, or add yours with `registry::add_strategy`")
        })?;
        done("strategy", format!("{before} -> {strategy}"));
    }
    if let Some(most) = capacity {
        let before = cache.configuration().bound;
        cache.set_capacity(most);
        done("capacity", format!("{before:?} -> {most}"));
    }
    if let Some(ttl) = ttl {
        let before = cache.configuration().ttl;
        cache.set_ttl(ttl);
        done("ttl", format!("{before:?} -> {ttl:?}"));
    }
    if let Some(enabled) = enabled {
        cache.set_enabled(enabled);
        done("enabled", enabled.to_string());
    }
    Ok(Json(view::detail(&*cache)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    key: Option<String>,
    prefix: Option<String>,
}

pub(super) async fn invalidate(
    Named(cache): Named,
    Extension(access): Extension<Access>,
    Said(which): Said<Which>,
) -> Result<Response, Refusal> {
    let (change, text, done) = match which {
        Which { key: Some(key), prefix: None } => {
            let done = cache.invalidate_async(&key).await.map(|delivery| (delivery, json!(null)));
            ("invalidate key", key, done)
        }
        Which { key: None, prefix: Some(prefix) } if !prefix.is_empty() => {
            let done = cache.invalidate_prefix_async(&prefix).await;
            ("invalidate prefix", prefix, done.map(|done| (done.delivery, json!(done.entries))))
        }
        _ => {
            return Err(Refusal::bad(
                "it is not clear what is to be invalidated",
                "give either `key` or `prefix`; for all entries, `POST …/clear`",
            ));
        }
    };
    let outcome = if done.is_ok() { "done" } else { "failed" };
    audit::changed(&access, change, cache.name(), &audit::hash(&text), outcome);
    let (delivery, entries) = done?;
    Ok(told(delivery, json!({ "delivery": view::delivery(delivery), "entries": entries })))
}

pub(super) async fn clear(Named(cache): Named, Extension(access): Extension<Access>) -> Response {
    let delivery = cache.clear_async().await;
    audit::changed(&access, "clear", cache.name(), "all", "done");
    told(delivery, json!({ "delivery": view::delivery(delivery) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tagged {
    tag: String,
    #[serde(default)]
    soft: bool,
}

pub(super) async fn invalidate_tag(
    Extension(access): Extension<Access>,
    Said(Tagged { tag, soft }): Said<Tagged>,
) -> Result<Response, Refusal> {
    if tag.is_empty() {
        return Err(Refusal::bad("the tag is empty", "give the tag as the code does: `team:7`"));
    }
    let delivery = match soft {
        true => invalidate_tag_soft_async(tag.as_str()).await,
        false => invalidate_tag_async(tag.as_str()).await,
    };
    let change = if soft { "soften tag" } else { "invalidate tag" };
    audit::changed(&access, change, "", &audit::hash(&tag), "done");
    Ok(told(delivery, json!({ "delivery": view::delivery(delivery) })))
}

/// 202: a backend will be told later.
fn told(delivery: Delivery, body: Value) -> Response {
    let status = if delivery == Delivery::Queued { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(body)).into_response()
}
