//! The parts of a key, one by one.

use crate::diagnostics::{Errors, code, key as say};
use crate::model::{Given, Key, Model, Param, Template, TemplatePart, mentioned, unownable};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, GenericArgument, Ident, PathArguments, Type, TypePath};

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

/// The same part twice tells no more calls apart. Of a call, which may come to something else the second time, that is not known. What cannot be a part at all, or
/// names nothing, is reported as that.
pub(super) fn no_repeated_parts(model: &Model, _: &Given, errors: &mut Errors) {
    let names = model.function.names();
    let is_known = |name: &Ident| {
        let text = name.unraw().to_string();
        !text.starts_with(char::is_lowercase) || text == "self" || names.iter().any(|known| known.unraw() == text)
    };
    match &model.key {
        Key::Params(_) => {}
        Key::Template(template) => {
            let fits = |(arg, spec): &(&Ident, &str)| !spec.is_empty() || !is_refused(model, arg);
            let parts: Vec<(&Ident, &str)> = template.parts.iter().filter_map(part_of).filter(fits).collect();
            let repeated = parts.iter().enumerate().find(|(index, part)| parts[..*index].contains(*part));
            if let Some((_, (arg, spec))) = repeated {
                let spec = if spec.is_empty() { String::new() } else { format!(":{spec}") };
                errors.push(say::part_twice(&template.literal, &format!("{{{}{spec}}}", arg.unraw())));
            }
        }
        Key::Exprs(exprs) => {
            let fits = |expr: &Expr| {
                let is_refused = alone(expr).is_some_and(|name| is_refused(model, name));
                is_place(expr) && !is_refused && mentioned(expr).iter().all(is_known)
            };
            let mut texts: Vec<String> = Vec::new();
            for expr in exprs.iter().filter(|expr| fits(expr)) {
                let text = expr.to_token_stream().to_string();
                if texts.contains(&text) {
                    errors.push(say::part_twice(expr, &code(expr)));
                } else {
                    texts.push(text);
                }
            }
        }
    }
}

/// The parameter is no part of a key as it is.
fn is_refused(model: &Model, name: &Ident) -> bool {
    let param = model.function.params.iter().find(|param| param.name == *name);
    param.is_some_and(|param| float(&param.ty).is_some() || is_mut(&param.ty) || unownable(&param.ty).is_some())
}

fn part_of(part: &TemplatePart) -> Option<(&Ident, &str)> {
    match part {
        TemplatePart::Text => None,
        TemplatePart::Arg(arg) => Some((arg, "")),
        TemplatePart::Formatted { arg, spec } => Some((arg, spec)),
    }
}

/// `id`, `self.id`.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        _ => false,
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
            let plain = template
                .parts
                .iter()
                .filter_map(|part| if let TemplatePart::Arg(arg) = part { Some(arg) } else { None });
            for (param, float) in once(plain).into_iter().filter_map(of) {
                errors.push(say::float(&template.literal, float, param, false));
            }
        }
        Key::Exprs(exprs) => {
            for name in once(exprs.iter().filter_map(alone)) {
                if let Some((param, float)) = of(name) {
                    errors.push(say::float(name, float, param, false));
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

/// A key outlives the call. What only looks owned, an alias of a reference, is the compiler's to report.
pub(super) fn no_lost_borrows(model: &Model, _: &Given, errors: &mut Errors) {
    for (param, found) in lost_borrows(model) {
        let is_id = ids(model).is_some_and(|ids| ids.name == param.name);
        errors.push(say::borrowed(found, param, is_id, !is_id && matches!(model.key, Key::Params(_))));
    }
}

/// The parameters that no form makes part of a key, with what is the matter. Formatted, they are text.
pub(super) fn lost_borrows(model: &Model) -> Vec<(&Param, &Type)> {
    let element = |param: &Param| {
        model
            .batch
            .as_ref()
            .filter(|_| ids(model).is_some_and(|ids| ids.name == param.name))
            .map(|batch| &batch.element)
    };
    let is_formatted = |param: &Param| {
        matches!(&model.key, Key::Template(template)
            if !template.parts.iter().any(|part| matches!(part, TemplatePart::Arg(arg) if *arg == param.name)))
    };
    let whole = keyed(model).into_iter().filter(|param| !is_mut(&param.ty) && !is_formatted(param));
    whole.filter_map(|param| Some((param, unownable(element(param).unwrap_or(&param.ty))?))).collect()
}

fn ids(model: &Model) -> Option<&Param> {
    model.function.params.get(model.batch.as_ref()?.ids)
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

/// The parameters that are parts of the key, each once.
pub(super) fn keyed(model: &Model) -> Vec<&Param> {
    let params = &model.function.params;
    let named = |name: &Ident| params.iter().find(|param| param.name == *name);
    match &model.key {
        Key::Params(indices) => indices.iter().map(|index| &params[*index]).collect(),
        Key::Template(template) => once(args(template)).iter().filter_map(|name| named(name)).collect(),
        Key::Exprs(exprs) => once(exprs.iter().filter_map(alone)).iter().filter_map(|name| named(name)).collect(),
    }
}

/// `id`
fn alone(expr: &Expr) -> Option<&Ident> {
    if let Expr::Path(path) = expr { path.path.get_ident() } else { None }
}

fn once<'a>(names: impl Iterator<Item = &'a Ident>) -> Vec<&'a Ident> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// The names that a template mentions.
pub(super) fn args(template: &Template) -> impl Iterator<Item = &Ident> {
    template.parts.iter().filter_map(|part| match part {
        TemplatePart::Arg(arg) | TemplatePart::Formatted { arg, .. } => Some(arg),
        TemplatePart::Text => None,
    })
}
