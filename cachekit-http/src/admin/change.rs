//! What changes something. All of it is in the audit.

use super::{Access, audit, body::Said, named::Named, refusal::Refusal, view};
use axum::{
    Extension, Json,
    response::{IntoResponse, Response},
};
use cachekit_runtime::{
    Delivery, Setting, Tier, invalidate_tag_async, invalidate_tag_soft_async,
    registry::{AnyCache, Bound},
};
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

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
    #[serde(default, deserialize_with = "given")]
    idle_seconds: Option<Option<f64>>,
    stale_while_revalidate_seconds: Option<f64>,
    stale_if_error_seconds: Option<f64>,
    timeout_seconds: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    soft_load_timeout_seconds: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    hard_load_timeout_seconds: Option<Option<f64>>,
    capacity: Option<u64>,
    strategy: Option<String>,
    enabled: Option<bool>,
    dry_run: Option<bool>,
    #[serde(default)]
    tiers: BTreeMap<String, bool>,
    #[serde(default)]
    take_back: Vec<String>,
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
    if settings.is_nothing() {
        return Err(Refusal::bad(
            "nothing is to be changed",
            "give one of `ttl_seconds`, `idle_seconds`, `stale_while_revalidate_seconds`, `stale_if_error_seconds`, `timeout_seconds`, `soft_load_timeout_seconds`, `hard_load_timeout_seconds`, `capacity`, `strategy`, `enabled`, `dry_run`, `tiers` and `take_back`",
        ));
    }
    // All of it is looked at before any of it is done.
    let (ttl, idle) = (time_or_none("ttl", settings.ttl_seconds)?, time_or_none("idle time", settings.idle_seconds)?);
    let revalidate = time("stale allowance", settings.stale_while_revalidate_seconds, 0.0)?;
    let if_error = time("stale allowance", settings.stale_if_error_seconds, 0.0)?;
    let timeout = time("timeout", settings.timeout_seconds, 0.001)?;
    let before = cache.configuration();
    let soft = load_timeout("soft", settings.soft_load_timeout_seconds, before.has_soft_load_timeout, cache.name())?;
    let hard = load_timeout("hard", settings.hard_load_timeout_seconds, before.has_hard_load_timeout, cache.name())?;
    let tiers = tiers(&*cache, &settings.tiers)?;
    let is_weighed = matches!(before.bound, Bound::Weight(_));
    let taken_back = settings.take_back.iter().map(|name| setting(name, is_weighed)).collect::<Result<Vec<_>, _>>()?;
    if let Some(both) = settings.take_back.iter().find(|name| settings.sets(name)) {
        return Err(Refusal::bad(
            format!("`{both}` is changed and taken back"),
            "say one of the two: taken back, it is what code, file and environment say",
        ));
    }
    let Settings { capacity, strategy, enabled, dry_run, .. } = settings;
    let largest = if is_weighed { MOST_WEIGHT } else { MOST_ENTRIES };
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
    for setting in taken_back {
        cache.take_back(setting);
        done("take back", setting.to_string());
    }
    for (name, tier, used) in tiers {
        cache.set_tier(tier, used).map_err(|error| Refusal::bad(error.to_string(), "leave one tier at least"))?;
        done("tier", format!("{name} {}", if used { "on" } else { "off" }));
    }
    if let Some(idle) = idle {
        cache.set_idle(idle);
        done("idle", format!("{idle:?}"));
    }
    if let Some(time) = revalidate {
        cache.set_stale_while_revalidate(time);
        done("stale while revalidate", format!("{time:?}"));
    }
    if let Some(time) = if_error {
        cache.set_stale_if_error(time);
        done("stale if error", format!("{time:?}"));
    }
    if let Some(timeout) = timeout {
        cache.set_timeout(timeout);
        done("timeout", format!("{timeout:?}"));
    }
    if let Some(soft) = soft {
        cache.set_soft_load_timeout(soft);
        done("soft load timeout", format!("{soft:?}"));
    }
    if let Some(hard) = hard {
        cache.set_hard_load_timeout(hard);
        done("hard load timeout", format!("{hard:?}"));
    }
    if let Some(on) = dry_run {
        cache.set_dry_run(on);
        done("dry run", on.to_string());
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

impl Settings {
    fn is_nothing(&self) -> bool {
        self.ttl_seconds.is_none()
            && self.idle_seconds.is_none()
            && self.stale_while_revalidate_seconds.is_none()
            && self.stale_if_error_seconds.is_none()
            && self.timeout_seconds.is_none()
            && self.soft_load_timeout_seconds.is_none()
            && self.hard_load_timeout_seconds.is_none()
            && self.capacity.is_none()
            && self.strategy.is_none()
            && self.enabled.is_none()
            && self.dry_run.is_none()
            && self.tiers.is_empty()
            && self.take_back.is_empty()
    }
}

impl Settings {
    /// Is the setting of this name given another value?
    fn sets(&self, name: &str) -> bool {
        match name {
            "ttl" => self.ttl_seconds.is_some(),
            "idle" => self.idle_seconds.is_some(),
            "stale_while_revalidate" => self.stale_while_revalidate_seconds.is_some(),
            "stale_if_error" => self.stale_if_error_seconds.is_some(),
            "timeout" => self.timeout_seconds.is_some(),
            "soft_load_timeout" => self.soft_load_timeout_seconds.is_some(),
            "hard_load_timeout" => self.hard_load_timeout_seconds.is_some(),
            "capacity" | "max_bytes" => self.capacity.is_some(),
            "strategy" => self.strategy.is_some(),
            "enabled" => self.enabled.is_some(),
            "dry_run" => self.dry_run.is_some(),
            tier => tier.strip_prefix("tiers.").is_some_and(|tier| self.tiers.contains_key(tier)),
        }
    }
}

fn time(what: &str, seconds: Option<f64>, least: f64) -> Result<Option<Duration>, Refusal> {
    match seconds {
        Some(seconds) if !(least..=LONGEST_TTL).contains(&seconds) => Err(Refusal::bad(
            format!("a {what} is {least} seconds at least, and at most a hundred years"),
            "give seconds as a number: 0.25",
        )),
        seconds => Ok(seconds.map(Duration::from_secs_f64)),
    }
}

/// Where the code asks for one: elsewhere nobody would look at it.
fn load_timeout(
    which: &str,
    seconds: Option<Option<f64>>,
    is_asked_for: bool,
    cache: &str,
) -> Result<Option<Option<Duration>>, Refusal> {
    if seconds.is_some() && !is_asked_for {
        return Err(Refusal::bad(
            format!("the code of `{cache}` asks for no {which} load timeout, and none is added here"),
            format!("add `load_timeout = ({which} = \"2s\")` to its attribute"),
        ));
    }
    match seconds {
        Some(Some(seconds)) if !(0.001..=LONGEST_TTL).contains(&seconds) => Err(Refusal::bad(
            format!("a {which} load timeout is 0.001 seconds at least, and at most a hundred years"),
            "give seconds as a number, 0.25, or `null` for none",
        )),
        seconds => Ok(seconds.map(|seconds| seconds.map(Duration::from_secs_f64))),
    }
}

fn time_or_none(what: &str, seconds: Option<Option<f64>>) -> Result<Option<Option<Duration>>, Refusal> {
    match seconds {
        Some(Some(seconds)) if !(seconds > 0.0 && seconds <= LONGEST_TTL) => Err(Refusal::bad(
            format!("a {what} is more than 0 seconds, and at most a hundred years"),
            "`null` is for none; to store nothing, switch the cache off: `\"enabled\": false`",
        )),
        seconds => Ok(seconds.map(|seconds| seconds.map(Duration::from_secs_f64))),
    }
}

/// `capacity` is what a change calls it, whatever the cache counts.
fn setting(name: &str, is_weighed: bool) -> Result<Setting, Refusal> {
    if name == Setting::Capacity.name() && is_weighed {
        return Ok(Setting::MaxBytes);
    }
    Setting::ALL.into_iter().find(|setting| setting.name() == name).ok_or_else(|| {
        let all: Vec<&str> = Setting::ALL.into_iter().map(Setting::name).collect();
        Refusal::bad(format!("there is no setting `{name}`"), format!("give one of `{}`", all.join("`, `")))
    })
}

/// Those of the cache, of which one stays.
fn tiers<'s>(cache: &dyn AnyCache, said: &'s BTreeMap<String, bool>) -> Result<Vec<(&'s str, Tier, bool)>, Refusal> {
    let states = cache.tiers();
    let mut tiers = Vec::new();
    for (name, used) in said {
        let known = states.iter().find(|state| view::tier(state.tier) == name);
        let Some(state) = known else {
            let all: Vec<&str> = states.iter().map(|state| view::tier(state.tier)).collect();
            return Err(Refusal::bad(
                format!("`{}` has no tier `{name}`, and none is added here", cache.name()),
                format!("its code declares `{}`", all.join("`, `")),
            ));
        };
        tiers.push((name.as_str(), state.tier, *used));
    }
    let stays = |tier: Tier, is_used: bool| {
        tiers.iter().find(|(_, said, _)| *said == tier).map_or(is_used, |(_, _, used)| *used)
    };
    if !tiers.is_empty() && !states.iter().any(|state| stays(state.tier, state.is_used)) {
        return Err(Refusal::bad("this switches off its last tier", "switch the cache off: `\"enabled\": false`"));
    }
    // On before off, so that one is there throughout.
    tiers.sort_by_key(|(_, _, used)| !used);
    Ok(tiers)
}

/// Reads `cachekit.toml` and the environment again.
#[cfg(feature = "config")]
pub(super) async fn reload(Extension(access): Extension<Access>) -> Result<Json<Value>, Refusal> {
    // It reads a file, and may evict much.
    let reload = super::read::blocking(cachekit_runtime::reload_configuration);
    let is_done = |done: &Result<Result<_, _>, Refusal>| if matches!(done, Ok(Ok(_))) { "done" } else { "failed" };
    let reloaded = audit::carried_out(&access, "reload", "", "configuration".to_owned(), reload, is_done).await??;
    match reloaded {
        Ok(reloaded) => {
            let changed = reloaded.changed.iter().map(|(cache, settings)| {
                json!({ "cache": cache, "settings": settings.iter().map(|setting| setting.name()).collect::<Vec<_>>() })
            });
            Ok(Json(json!({ "changed": changed.collect::<Vec<_>>(), "notes": reloaded.notes })))
        }
        Err(mistakes) => {
            let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "configuration",
                all.join("\n"),
                "mend it, and reload again: what was in force before still is",
            ))
        }
    }
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
    let name = cache.name().to_owned();
    let (delivery, entries) = match which {
        Which { key: Some(key), prefix: None } => {
            let work = cache.invalidate_async(&key);
            let what = audit::hash(&key);
            let done = audit::carried_out(&access, "invalidate key", &name, what, work, audit::by_result).await?;
            (done?, json!(null))
        }
        Which { key: None, prefix: Some(prefix) } if !prefix.is_empty() => {
            let work = cache.invalidate_prefix_async(&prefix);
            let what = audit::hash(&prefix);
            let done = audit::carried_out(&access, "invalidate prefix", &name, what, work, audit::by_result).await??;
            (done.delivery, json!(done.entries))
        }
        _ => {
            return Err(Refusal::bad(
                "it is not clear what is to be invalidated",
                "give either `key` or `prefix`; for all entries, `POST …/clear`",
            ));
        }
    };
    Ok(told(delivery, json!({ "delivery": view::delivery(delivery), "entries": entries })))
}

pub(super) async fn clear(Named(cache): Named, Extension(access): Extension<Access>) -> Result<Response, Refusal> {
    let work = cache.clear_async();
    let delivery = audit::carried_out(&access, "clear", cache.name(), "all".to_owned(), work, |_| "done").await?;
    Ok(told(delivery, json!({ "delivery": view::delivery(delivery) })))
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
    let (change, what) = (if soft { "soften tag" } else { "invalidate tag" }, audit::hash(&tag));
    let work = async move {
        match soft {
            true => invalidate_tag_soft_async(tag.as_str()).await,
            false => invalidate_tag_async(tag.as_str()).await,
        }
    };
    let delivery = audit::carried_out(&access, change, "", what, work, |_| "done").await?;
    Ok(told(delivery, json!({ "delivery": view::delivery(delivery) })))
}

/// 202: a backend will be told later.
fn told(delivery: Delivery, body: Value) -> Response {
    let status = if delivery == Delivery::Queued { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(body)).into_response()
}
