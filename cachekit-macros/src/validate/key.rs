//! What identifies an entry.

use super::parts::args;
use crate::diagnostics::{Errors, key as say};
use crate::model::{Given, Key, Model, Place, mentioned, mentions, uses};
use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Ident, Receiver, ReceiverKind};

fn receiver(model: &Model) -> Option<&Receiver> {
    match &model.place {
        Place::Method(method) => method.receiver.as_ref(),
        Place::Free => None,
    }
}

fn is_mut_self(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        // `&mut Self`, `Pin<&mut Self>`.
        ReceiverKind::Typed(_, ty) => mentions(ty, &Ident::new("mut", Span::call_site())),
        _ => false,
    }
}

pub(super) fn mut_self(model: &Model, _: &Given, errors: &mut Errors) {
    if let Some(receiver) = receiver(model)
        && is_mut_self(receiver)
    {
        errors.push(say::mut_self(receiver));
    }
}

/// Instances must not share results by accident.
pub(super) fn self_is_accounted_for(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(receiver) = receiver(model) else { return };
    let this = Ident::new("self", Span::call_site());
    let accounted = match &model.key {
        // A `key` or `skip` that could not be read has been reported.
        Key::Params(_) => given.has("key") || (given.has("skip") && given.skipped.is_empty()),
        Key::Template(_) => false,
        Key::Exprs(exprs) => exprs.iter().any(|expr| mentions(expr, &this)),
    };
    if !accounted && !given.skips_self() && !given.has("cache") && !is_mut_self(receiver) {
        errors.push(say::self_in_key(receiver));
    }
}

pub(super) fn skips_whole_parameters(model: &Model, given: &Given, errors: &mut Errors) {
    if !matches!(model.key, Key::Params(_)) {
        return;
    }
    let skipped = |name: &Ident| given.skipped.iter().find(|skipped| skipped.unraw() == name.unraw());
    for param in &model.function.params {
        let Some(first) = param.bound.iter().find_map(skipped) else { continue };
        let rest: Vec<&Ident> = param.bound.iter().filter(|name| skipped(name).is_none()).collect();
        if !rest.is_empty() {
            let rest = rest.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            errors.push(say::half_skipped(first, &rest));
        }
    }
}

pub(super) fn skip_or_key(model: &Model, given: &Given, errors: &mut Errors) {
    for name in &given.skipped {
        let keyed = match &model.key {
            Key::Params(_) => false,
            Key::Template(template) => args(template).any(|arg| arg.unraw() == name.unraw()),
            Key::Exprs(exprs) => exprs.iter().any(|expr| uses(expr, name)),
        };
        if keyed {
            errors.push(say::skipped_and_keyed(name));
        }
    }
}

/// A result that depends on what is left out would be given to calls that differ in it.
pub(super) fn parameters_are_accounted_for(model: &Model, given: &Given, errors: &mut Errors) {
    // A `skip` that could not be read has been reported, and `convert`, beside which `key` is a type.
    if given.has("convert") || (given.has("skip") && given.skipped.is_empty()) {
        return;
    }
    let bound = model.function.names();
    let keyed: &dyn Fn(&Ident) -> bool = match &model.key {
        Key::Params(_) => return,
        Key::Template(template) => &|name| args(template).any(|arg| arg.unraw() == name.unraw()),
        Key::Exprs(exprs) => &|name| exprs.iter().any(|expr| uses(expr, name)),
    };
    let unknown = |name: &Ident| name.to_string().starts_with(char::is_lowercase) && !bound.contains(&name);
    let names: Vec<Ident> = match &model.key {
        Key::Exprs(exprs) => exprs.iter().flat_map(mentioned).collect(),
        _ => Vec::new(),
    };
    let misspelled = names.iter().any(|name| name != "self" && unknown(name));
    let of_nothing = names.is_empty() && !bound.iter().any(|name| keyed(name));
    // Both have been reported.
    if misspelled || of_nothing {
        return;
    }
    let skipped = |name: &Ident| given.skipped.iter().any(|skipped| skipped.unraw() == name.unraw());
    let mut dropped = bound;
    dropped.retain(|name| !keyed(name) && !skipped(name));
    if let Some(first) = dropped.first() {
        errors.push(say::dropped(first, &dropped, &model.key, &given.skipped));
    }
}

pub(super) fn mentions_something(model: &Model, given: &Given, errors: &mut Errors) {
    // In `cached`, `key` beside `convert` is a type; `convert` has been answered.
    if given.has("convert") {
        return;
    }
    let params = &model.function.params;
    let first = params.iter().find_map(|param| param.bound.first());
    let example = first.map_or_else(|| "{id}".into(), |name| format!("{{{name}}}"));
    match &model.key {
        Key::Template(template) if args(template).next().is_none() => {
            errors.push(say::no_parameter(&template.literal, &example));
        }
        Key::Exprs(exprs) => {
            let is_mentioned = |name: &Ident| exprs.iter().any(|expr| mentions(expr, name));
            let this = Ident::new("self", Span::call_site());
            let any = params.iter().any(|param| param.bound.iter().any(is_mentioned)) || is_mentioned(&this);
            // Unknown names have been reported; they were meant to be parameters.
            if !any && exprs.iter().all(|expr| mentioned(expr).is_empty()) {
                match exprs.first() {
                    Some(first) => errors.push(say::no_parameter(first, &example)),
                    None => {
                        errors.push(say::no_parameter(given.get("key").unwrap_or(&model.function.sig.ident), &example))
                    }
                }
            }
        }
        _ => {}
    }
}
