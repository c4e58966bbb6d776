//! Entries as bytes: what needs them, what they need.

use super::freshness::{known, known_ttl};
use super::outcome::plain_output;
use crate::diagnostics::{Errors, far as say};
use crate::features::Feature;
use crate::model::{Backend, Codec, Far, Format, Given, Model, Place, Store, Tiers, Ttl};
use quote::ToTokens as _;
use syn::GenericParam;

/// What is said about entries as bytes.
const OF_BYTES: &[&str] = &["codec", "compress", "near_ttl", "timeout", "lock", "on_backend_error"];

/// What is said about the typed memory.
const OF_MEMORY: &[&str] =
    &["strategy", "capacity", "max_bytes", "weigher", "hasher", "idle", "on_removal", "near_ttl"];

fn far(model: &Model) -> Option<&Far> {
    match &model.store {
        Store::Own(store) => match &store.tiers {
            Tiers::Far(far) => Some(far),
            Tiers::Memory | Tiers::Unreadable => None,
        },
        Store::Elsewhere(_) => None,
    }
}

pub(super) fn features_are_on(model: &Model, _: &Given, errors: &mut Errors) {
    let Some(far) = far(model) else { return };
    let mut needs = |feature: Feature, argument: &str, at: proc_macro2::TokenStream| {
        if !feature.is_on() {
            errors.push(say::feature_off(argument, feature.name(), &at));
        }
    };
    for backend in &far.backends {
        match backend {
            Backend::Memory(_) => {}
            Backend::File(literal) => needs(Feature::File, "backend", literal.to_token_stream()),
            Backend::Redis(literal) => needs(Feature::Redis, "backend", literal.to_token_stream()),
            Backend::Own(expr) => needs(Feature::Backend, "backend", expr.to_token_stream()),
        }
    }
    if let Some(Codec::Named(literal, format)) = &far.codec {
        let feature = match format {
            Format::Json => None,
            Format::Postcard => Some(Feature::Postcard),
            Format::MsgPack => Some(Feature::MsgPack),
            Format::Bincode => Some(Feature::Bincode),
        };
        if let Some(feature) = feature {
            needs(feature, "codec", literal.to_token_stream());
        }
    }
    if let Some(span) = far.compress {
        needs(Feature::Lz4, "compress", syn::LitStr::new("lz4", span).to_token_stream());
    }
}

pub(super) fn bytes_somewhere(model: &Model, given: &Given, errors: &mut Errors) {
    if !matches!(&model.store, Store::Own(store) if matches!(store.tiers, Tiers::Memory)) {
        return;
    }
    for name in OF_BYTES.iter().filter_map(|name| given.get(name)) {
        errors.push(say::no_bytes(name));
    }
}

pub(super) fn memory_somewhere(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(far) = far(model) else { return };
    if far.backends.iter().any(Backend::is_memory) {
        return;
    }
    for name in OF_MEMORY.iter().filter_map(|name| given.get(name)) {
        errors.push(say::no_memory(name));
    }
}

/// A lock that only this process sees is what single flight is already.
pub(super) fn lock_is_shared(model: &Model, given: &Given, errors: &mut Errors) {
    if let Some(far) = far(model)
        && !far.backends.iter().any(Backend::may_be_shared)
        && let Some(name) = given.get("lock")
    {
        errors.push(say::lock_not_shared(name));
    }
}

pub(super) fn near_within_ttl(model: &Model, _: &Given, errors: &mut Errors) {
    if let Some(Far { near_ttl: Some(Ttl::Time(near)), .. }) = far(model)
        && let Some((near, span)) = known(Some(near))
        && known_ttl(model).is_some_and(|ttl| near >= ttl)
    {
        errors.push(say::near_not_shorter(span));
    }
}

/// Other processes, and this one after a restart, must find the entries under the same name; that of a type is not the same in every build.
pub(super) fn instances_have_a_name(model: &Model, given: &Given, errors: &mut Errors) {
    if far(model).is_none() || given.has("name") {
        return;
    }
    let Some(name) = given.get("backend") else { return };
    let generic = model.function.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    let what = match &model.place {
        Place::Method(_) => "a method",
        Place::Free if generic => "a generic function",
        Place::Free => return,
    };
    errors.push(say::no_name(name, what, &model.function.sig.ident));
}

pub(super) fn failures_need_a_result(model: &Model, _: &Given, errors: &mut Errors) {
    if let Some(Far { fails: Some(span), .. }) = far(model)
        && let Some(output) = plain_output(model)
    {
        errors.push(say::fails_without_result(*span, output));
    }
}
