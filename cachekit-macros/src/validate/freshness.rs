//! Times that go together.

use super::parts::{is_mut, keyed, lost_borrows};
use crate::diagnostics::{Errors, freshness as say};
use crate::model::{Companion, Given, Jitter, Model, Time, Ttl, borrowed_within};
use proc_macro2::Span;
use std::time::Duration;

pub(super) fn known(time: Option<&Time>) -> Option<(Duration, Span)> {
    match time {
        Some(Time::Known(time, span)) => Some((*time, *span)),
        _ => None,
    }
}

pub(super) fn known_ttl(model: &Model) -> Option<Duration> {
    match &model.freshness.ttl {
        Some(Ttl::Time(time)) => known(Some(time)).map(|(ttl, _)| ttl),
        _ => None,
    }
}

pub(super) fn needs_ttl(_: &Model, given: &Given, errors: &mut Errors) {
    if given.has("ttl") || given.has("cache") {
        return;
    }
    for name in ["jitter", "refresh_ahead", "stale_while_revalidate", "stale_if_error"] {
        if let Some(name) = given.get(name) {
            errors.push(say::needs_ttl(name));
        }
    }
}

pub(super) fn refresh_has_something_to_do(model: &Model, given: &Given, errors: &mut Errors) {
    if model.freshness.inline_refresh
        && let Some(name) = given.get("refresh")
        && !["refresh_ahead", "stale_while_revalidate", "cache"].iter().any(|name| given.has(name))
    {
        errors.push(say::nothing_to_refresh(name));
    }
}

pub(super) fn within_ttl(model: &Model, _: &Given, errors: &mut Errors) {
    let Some(ttl) = known_ttl(model) else { return };
    if let Some(Jitter::Time(jitter)) = &model.freshness.jitter
        && let Some((jitter, span)) = known(Some(jitter))
        && jitter >= ttl
    {
        errors.push(say::jitter_eats_ttl(span));
    }
    if let Some((idle, span)) = known(model.freshness.idle.as_ref())
        && idle >= ttl
    {
        errors.push(say::idle_not_shorter(span));
    }
}

pub(super) fn load_timeout(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(name) = given.get("load_timeout") else { return };
    if model.function.sig.asyncness.is_none() {
        errors.push(say::load_timeout_sync(name));
        return;
    }
    let Some(timeout) = &model.concurrency.load_timeout else { return };
    let stale = ["stale_while_revalidate", "stale_if_error", "cache"].iter().any(|name| given.has(name));
    if timeout.soft.is_some() && !stale {
        errors.push(say::soft_without_stale(timeout.span));
    }
    if let Some((soft, span)) = known(timeout.soft.as_ref())
        && let Some((hard, _)) = known(timeout.hard.as_ref())
        && soft >= hard
    {
        errors.push(say::soft_not_shorter(span));
    }
}

/// What is done once for all waiting callers needs them to wait together.
pub(super) fn single_flight(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(name) = given.get("single_flight").filter(|_| !model.concurrency.single_flight) else { return };
    if model.freshness.inline_refresh {
        errors.push(say::needs_flight(name, "refresh = \"inline\""));
    }
    if model.concurrency.load_timeout.as_ref().is_some_and(|timeout| timeout.soft.is_some()) {
        errors.push(say::needs_flight(name, "load_timeout = (soft = …)"));
    }
    if given.has("lock") {
        errors.push(say::needs_flight(name, "lock"));
    }
}

/// A refresh in the background outlives the call, and so does a load past its soft timeout. Where there can be none, that has been reported.
pub(super) fn refresh_owns_its_parameters(model: &Model, given: &Given, errors: &mut Errors) {
    if model.batch.is_some() || model.stands_alone() {
        return;
    }
    let is_async = model.function.sig.asyncness.is_some();
    let refresh = given.get("refresh_ahead").or_else(|| given.get("stale_while_revalidate"));
    let soft = is_async && model.concurrency.load_timeout.as_ref().is_some_and(|timeout| timeout.soft.is_some());
    let refresh = refresh.filter(|_| !given.has("refresh")).or(given.get("load_timeout").filter(|_| soft));
    let Some(by) = refresh else { return };
    // What is wrong in the key has been reported as such.
    let (keyed, lost) = (keyed(model), lost_borrows(model));
    for param in &model.function.params {
        if is_mut(&param.ty) {
            if !keyed.iter().any(|keyed| keyed.name == param.name) {
                errors.push(say::refresh_mut(&param.ty, &param.name, by));
            }
        } else if let Some(found) = borrowed_within(&param.ty)
            && !lost.iter().any(|(lost, _)| lost.name == param.name)
        {
            errors.push(say::refresh_borrows(found, param, by));
        }
    }
}

/// What goes on without its caller runs a function beside the method.
pub(super) fn outlives_no_lone_method(model: &Model, given: &Given, errors: &mut Errors) {
    if !model.stands_alone() {
        return;
    }
    let off = matches!(model.companion, Companion::Off);
    let by = given.get("refresh_ahead").or_else(|| given.get("stale_while_revalidate"));
    if let Some(by) = by.filter(|_| !given.has("refresh")) {
        errors.push(say::refresh_of_lone_method(by, off));
    }
    if let Some(timeout) = &model.concurrency.load_timeout
        && timeout.soft.is_some()
        && model.function.sig.asyncness.is_some()
    {
        errors.push(say::soft_timeout_of_lone_method(timeout.span, off));
    }
}
