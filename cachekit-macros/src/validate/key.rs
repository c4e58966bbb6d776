//! What identifies an entry.

use crate::diagnostics::{Errors, key as say};
use crate::model::{Given, Key, Model, Param, Place, Template, TemplatePart, mentioned, mentions, uses};
use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Expr, GenericArgument, Ident, PathArguments, Receiver, ReceiverKind, Type, TypePath};

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
    let bound: Vec<&Ident> = model.function.params.iter().flat_map(|param| &param.bound).collect();
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
    let dropped: Vec<&Ident> = bound.into_iter().filter(|name| !keyed(name) && !skipped(name)).collect();
    if let Some(first) = dropped.first() {
        errors.push(say::dropped(first, &dropped, &model.key, &given.skipped));
    }
}

fn args(template: &Template) -> impl Iterator<Item = &Ident> {
    template.parts.iter().filter_map(|part| match part {
        TemplatePart::Arg(arg) | TemplatePart::Formatted { arg, .. } => Some(arg),
        TemplatePart::Text => None,
    })
}

pub(super) fn mentions_something(model: &Model, given: &Given, errors: &mut Errors) {
    // In `cached`, `key` beside `convert` is a type; `convert` has been answered.
    if given.has("convert") {
        return;
    }
    let params = &model.function.params;
    let example =
        params.iter().flat_map(|param| &param.bound).next().map_or_else(|| "{id}".into(), |name| format!("{{{name}}}"));
    match &model.key {
        Key::Template(template) if args(template).next().is_none() => {
            errors.push(say::no_parameter(&template.literal, &example));
        }
        Key::Exprs(exprs) => {
            let names = params.iter().flat_map(|param| &param.bound);
            let this = Ident::new("self", Span::call_site());
            let any = names.chain([&this]).any(|name| exprs.iter().any(|expr| mentions(expr, name)));
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

pub(super) fn few_parts(model: &Model, _: &Given, errors: &mut Errors) {
    const MOST: usize = 12;
    match &model.key {
        Key::Params(params) => {
            if let Some(index) = params.get(MOST) {
                errors.push(say::too_many_parts(&model.function.params[*index].pattern, params.len()));
            }
        }
        Key::Template(template) => {
            let count = args(template).count();
            if count > MOST {
                errors.push(say::too_many_parts(&template.literal, count));
            }
        }
        Key::Exprs(exprs) => {
            if let Some(expr) = exprs.get(MOST) {
                errors.push(say::too_many_parts(expr, exprs.len()));
            }
        }
    }
}

pub(super) fn no_floats(model: &Model, _: &Given, errors: &mut Errors) {
    let params = &model.function.params;
    let of = |name: &Ident| {
        params.iter().find(|param| param.name == *name).and_then(|param| Some((param, float(&param.ty)?)))
    };
    match &model.key {
        Key::Params(indices) => {
            for param in indices.iter().map(|index| &params[*index]) {
                if let Some(float) = float(&param.ty) {
                    errors.push(say::float(float, float, param, true));
                }
            }
        }
        Key::Template(template) => {
            for part in &template.parts {
                if let TemplatePart::Arg(arg) = part
                    && let Some((param, float)) = of(arg)
                {
                    errors.push(say::float(&template.literal, float, param, false));
                }
            }
        }
        Key::Exprs(exprs) => {
            for expr in exprs {
                if let Expr::Path(path) = expr
                    && let Some((param, float)) = path.path.get_ident().and_then(of)
                {
                    errors.push(say::float(path, float, param, false));
                }
            }
        }
    }
}

/// The first float in a type whose `Eq` is that of what it holds.
fn float(ty: &Type) -> Option<&TypePath> {
    const TRANSPARENT: &[&str] = &["Option", "Vec", "Box", "Rc", "Arc", "Cow"];
    match ty {
        Type::Path(path) if path.path.is_ident("f32") || path.path.is_ident("f64") => Some(path),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            let known = TRANSPARENT.iter().any(|name| last.ident == name);
            arguments.args.iter().filter(|_| known).find_map(|argument| match argument {
                GenericArgument::Type(ty) => float(ty),
                _ => None,
            })
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(float),
        Type::Array(array) => float(&array.elem),
        Type::Slice(slice) => float(&slice.elem),
        Type::Reference(reference) => float(&reference.elem),
        Type::Paren(paren) => float(&paren.elem),
        Type::Group(group) => float(&group.elem),
        _ => None,
    }
}

pub(super) fn no_mut_references(model: &Model, _: &Given, errors: &mut Errors) {
    for param in keyed(model).into_iter().filter(|param| is_mut(&param.ty)) {
        errors.push(say::mut_reference(&param.ty, &param.name));
    }
}

/// `&mut T`, also in an `Option`.
pub(super) fn is_mut(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_some(),
        Type::Paren(inner) => is_mut(&inner.elem),
        Type::Group(inner) => is_mut(&inner.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident == "Option"
                && matches!(&last.arguments, PathArguments::AngleBracketed(arguments)
                    if arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Type(ty) if is_mut(ty))))
        }),
        _ => false,
    }
}

/// The parameters that are parts of the key as they are.
fn keyed(model: &Model) -> Vec<&Param> {
    let params = &model.function.params;
    let named = |name: &Ident| params.iter().find(|param| param.name == *name);
    match &model.key {
        Key::Params(indices) => indices.iter().map(|index| &params[*index]).collect(),
        Key::Template(template) => args(template).filter_map(named).collect(),
        Key::Exprs(exprs) => exprs
            .iter()
            .filter_map(|expr| match expr {
                Expr::Path(path) => path.path.get_ident().and_then(named),
                _ => None,
            })
            .collect(),
    }
}
