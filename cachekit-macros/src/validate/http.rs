//! Cached handlers.

use crate::diagnostics::{Errors, http as say};
use crate::model::{Backend, Given, Http, Model, Param, Place, Store, Tiers, Ttl, is_accounted_for, is_state};
use syn::ext::IdentExt as _;

/// What may stand beside `http(…)`.
const BESIDE: [&str; 16] = [
    "http",
    "backend",
    "max_bytes",
    "name",
    "key",
    "skip",
    "scope",
    "ttl",
    "stale_while_revalidate",
    "stale_if_error",
    "errors",
    "bypass_if",
    "timeout",
    "tags",
    "companion",
    "crate",
];

/// Three of 16 are the cache's own: of everything, of what the key says, and of the URI.
const MOST_TAGS: usize = 13;

/// Axum's handlers have 16.
const MOST_PARAMETERS: usize = 15;

pub(super) fn is_a_handler(model: &Model, _: &Given, errors: &mut Errors) {
    if model.http.is_none() {
        return;
    }
    let sig = &model.function.sig;
    match &model.place {
        Place::Method(method) => match &method.receiver {
            Some(receiver) => errors.push(say::not_free(receiver)),
            None => errors.push(say::not_free(&sig.ident)),
        },
        Place::Free if sig.asyncness.is_none() => errors.push(say::not_async(sig.fn_token.span, &sig.ident)),
        Place::Free => {}
    }
    if let Some(tag) = model.tags.get(MOST_TAGS) {
        errors.push(say::too_many_tags(&tag.literal, MOST_TAGS));
    }
    if let Some(param) = model.function.params.get(MOST_PARAMETERS) {
        errors.push(say::too_many_parameters(&param.pattern));
    }
}

pub(super) fn has_an_effect(model: &Model, given: &Given, errors: &mut Errors) {
    if model.http.is_none() {
        if let Some(name) = given.get("scope") {
            errors.push(say::scope_without_http(name));
        }
        return;
    }
    for name in given.names().filter(|name| !BESIDE.iter().any(|beside| *name == beside)) {
        errors.push(say::no_effect(name));
    }
    if let Some(Ttl::ByValue(closure)) = &model.freshness.ttl {
        errors.push(say::ttl_by_value(closure));
    }
}

/// Where an allocation is means nothing in another process, nor in this one after a restart.
pub(super) fn states_are_told_apart(model: &Model, given: &Given, errors: &mut Errors) {
    let (Some(http), Store::Own(store)) = (&model.http, &model.store) else { return };
    let Tiers::Far(far) = &store.tiers else { return };
    if far.backends.iter().all(Backend::is_memory) {
        return;
    }
    if let Some(param) = model.function.sig.generics.type_params().next() {
        errors.push(say::generic_in_a_backend(&param.ident));
    }
    if model.scope.is_some() {
        return;
    }
    for param in model.function.params.iter().filter(|param| is_asked(param, given, model, http)) {
        if is_state(param) {
            let name = param.bound.first().unwrap_or(&param.name).unraw().to_string();
            errors.push(say::state_of_a_process(&param.ty, &name));
        }
    }
}

fn is_asked(param: &Param, given: &Given, model: &Model, http: &Http) -> bool {
    let is_skipped = param.bound.iter().all(|name| given.skipped.iter().any(|skipped| skipped.unraw() == name.unraw()));
    (!is_skipped || param.bound.is_empty()) && !is_accounted_for(model, http, param)
}
