//! Functions over several ids: what makes sense for each of them, and what for none.

use super::{
    parts::{is_mut, keyed},
    store::OF_THE_CACHE,
};
use crate::diagnostics::{Errors, batch as say};
use crate::model::{Given, Model, NonePolicy, Store, Tiers};
use syn::ext::IdentExt as _;

/// What says something of a call as a whole, and why elements have no use for it.
const OF_CALLS: &[(&str, &str)] = &[
    (
        "key",
        "an element's key are the parameters in their order, with one id in place of the ids; leave out of it what does not matter with `skip(…)`",
    ),
    ("errors", "an error is of the whole call and not of one id, so it is never stored; leave it out"),
    (
        "load_timeout",
        "the body loads several ids at once, and a value stands in for one; put the timeout around the body's own request",
    ),
];

pub(super) fn of_needs_batch(model: &Model, given: &Given, errors: &mut Errors) {
    if model.batch.is_none()
        && !given.has("batch")
        && let Some(name) = given.get("of")
    {
        errors.push(say::of_alone(name));
    }
}

/// The single function says how its entries are kept.
pub(super) fn configured_by_the_single(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(of) = model.batch.as_ref().and_then(|batch| batch.of.as_ref()) else { return };
    for name in OF_THE_CACHE.iter().chain(&["tags", "cache"]).filter_map(|name| given.get(name)) {
        errors.push(say::beside_of(name, of));
    }
}

pub(super) fn makes_sense_per_element(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(batch) = &model.batch else { return };
    if batch.of.is_some() {
        // Those are errors already, but for the key.
        if let Some(name) = given.get("key") {
            errors.push(say::no_effect(name, OF_CALLS[0].1));
        }
        return;
    }
    for (name, why) in OF_CALLS.iter().filter_map(|(name, why)| Some((given.get(name)?, why))) {
        errors.push(say::no_effect(name, why));
    }
    if let (Some(NonePolicy::NotStored(_)), Some(name)) = (&model.outcome.none, given.get("none")) {
        errors.push(say::no_effect(
            name,
            "an id without a value is not stored unless `none = \"10s\"` says for how long; leave it out",
        ));
    }
    let fails =
        matches!(&model.store, Store::Own(store) if matches!(&store.tiers, Tiers::Far(far) if far.fails.is_some()));
    if let Some(name) = given.get("on_backend_error").filter(|_| fails) {
        errors.push(say::no_effect(
            name,
            "where a backend does not answer, the body is asked for its ids too; leave it out",
        ));
    }
    if let Some(name) = given.get("none").filter(|_| given.has("cache")) {
        errors.push(say::no_effect(name, "the cache is built elsewhere, of values and not of options; leave it out"));
    }
}

/// A refresh needs arguments of its own for each element; the call has them.
pub(super) fn refreshes_inline(model: &Model, given: &Given, errors: &mut Errors) {
    if model.batch.is_none() || given.has("refresh") || given.has("of") {
        return;
    }
    for name in ["refresh_ahead", "stale_while_revalidate"].iter().filter_map(|name| given.get(name)) {
        errors.push(say::refresh_inline(name));
    }
}

pub(super) fn has_a_place(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(batch) = model.batch.as_ref().filter(|_| model.stands_alone()) else { return };
    errors.push(say::lone_method(given.get("companion").unwrap_or(&batch.name)));
}

/// The body may run twice.
pub(super) fn runs_twice(model: &Model, _: &Given, errors: &mut Errors) {
    let Some(batch) = &model.batch else { return };
    // Those in the key have been reported as such.
    let keyed = keyed(model);
    for (index, param) in model.function.params.iter().enumerate() {
        let is_keyed = keyed.iter().any(|keyed| keyed.name == param.name);
        if !is_keyed && index != batch.ids && is_mut(&param.ty) {
            errors.push(say::mut_parameter(&param.ty, &param.name));
        }
    }
}

pub(super) fn ids_are_there(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(batch) = &model.batch else { return };
    let Some(ids) = model.function.params.get(batch.ids) else { return };
    let is_ids = |name: &&syn::Ident| ids.bound.iter().any(|bound| bound.unraw() == name.unraw());
    if let Some(name) = given.skipped.iter().find(is_ids) {
        errors.push(say::ids_skipped(name));
    }
    if let Some(attr) = ids.attrs.first() {
        errors.push(say::optional_ids(attr, &ids.name));
    }
}
