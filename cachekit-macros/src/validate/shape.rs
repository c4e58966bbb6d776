//! The signature.

use crate::diagnostics::{Errors, shape as say};
use crate::model::{Given, Model, Place, outlived};
use crate::walk::{self, Node};
use syn::{ReturnType, Safety, Type, TypeImplTrait};

pub(super) fn qualifiers(model: &Model, _: &Given, errors: &mut Errors) {
    let sig = &model.function.sig;
    // It has been reported, and cannot be without the others.
    if sig.variadic.is_some() {
        return;
    }
    if let Some(abi) = &sig.abi {
        errors.push(say::abi(abi));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(say::unsafe_fn(token));
    }
    if let Some(token) = &sig.constness {
        errors.push(say::const_fn(token, "cache"));
    }
}

pub(super) fn impl_parameters(model: &Model, _: &Given, errors: &mut Errors) {
    for param in &model.function.params {
        if let Some(found) = first_impl(&param.ty) {
            errors.push(say::impl_param(found, &param.name));
        }
    }
}

fn first_impl(ty: &Type) -> Option<&TypeImplTrait> {
    let mut found = None;
    walk::ty(ty, &mut |node| {
        let Node::Type(Type::ImplTrait(ty)) = node else { return true };
        found.get_or_insert(ty);
        false
    });
    found
}

pub(super) fn returns_something(model: &Model, _: &Given, errors: &mut Errors) {
    if is_main(model) {
        return;
    }
    match &model.function.sig.output {
        ReturnType::Default => errors.push(say::nothing_returned(&model.function.sig.ident, "nothing")),
        ReturnType::Type(_, ty) => match ungrouped(ty) {
            Type::Tuple(tuple) if tuple.elems.is_empty() => errors.push(say::nothing_returned(ty, "`()`")),
            Type::Never(_) => errors.push(say::nothing_returned(ty, "`!`")),
            _ => {}
        },
    }
}

/// `$ty:ty` of `macro_rules!` leaves an invisible group.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        ty => ty,
    }
}

pub(super) fn returns_a_named_type(model: &Model, _: &Given, errors: &mut Errors) {
    if let ReturnType::Type(_, ty) = &model.function.sig.output
        && let Some(found) = first_impl(ty)
    {
        errors.push(say::impl_return(found));
    }
}

pub(super) fn returns_nothing_borrowed(model: &Model, _: &Given, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &model.function.sig.output else { return };
    if first_impl(ty).is_some() {
        return;
    }
    if is_boxed_future(ty) {
        errors.push(say::boxed_future(&model.function.sig.ident));
    } else if outlived(ty) {
        errors.push(say::borrowed_return(ty, ty));
    }
}

/// `Pin<Box<dyn Future<…>>>`: what an attribute for async methods of traits leaves.
fn is_boxed_future(ty: &Type) -> bool {
    let mut names = Vec::new();
    walk::ty(ty, &mut |node| {
        if let Node::Segment(segment) = node {
            names.push(segment.ident.to_string());
        }
        true
    });
    let mut names = names.iter().filter(|name| matches!(name.as_str(), "Pin" | "Box" | "Future"));
    ["Pin", "Box", "Future"].iter().all(|name| names.next().is_some_and(|found| found == name))
}

pub(super) fn not_main(model: &Model, _: &Given, errors: &mut Errors) {
    if is_main(model) {
        errors.push(say::main_function(&model.function.sig.ident));
    }
}

fn is_main(model: &Model) -> bool {
    let sig = &model.function.sig;
    matches!(model.place, Place::Free) && sig.ident == "main" && sig.inputs.is_empty()
}
