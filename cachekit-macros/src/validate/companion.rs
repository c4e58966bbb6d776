//! The companion and `method`.

use crate::diagnostics::{Errors, companion as say};
use crate::model::{Companion, Given, Model, Place};
use crate::walk::{self, Node};
use quote::ToTokens as _;
use syn::{Ident, Signature, Type};

const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
    "char", "str",
];

pub(super) fn only_functions_name_it(model: &Model, _: &Given, errors: &mut Errors) {
    let Companion::Named(name) = &model.companion else { return };
    if matches!(model.place, Place::Method(_)) {
        errors.push(say::named_on_method(name, &model.function.sig.ident));
    } else if *name == model.function.sig.ident {
        errors.push(say::own_name(name));
    }
}

/// The companion is a type.
pub(super) fn hides_no_type(model: &Model, _: &Given, errors: &mut Errors) {
    let function = &model.function.sig.ident;
    let (name, renamed) = match (&model.companion, &model.place) {
        (Companion::Default, Place::Free) => (function, false),
        (Companion::Named(name), Place::Free) if name != function => (name, true),
        _ => return,
    };
    if PRIMITIVES.iter().any(|primitive| name == primitive) {
        errors.push(say::primitive(name, name));
        return;
    }
    if names_a_type(&model.function.sig, name) {
        errors.push(say::in_signature(name, name, renamed));
    }
}

/// Whether a type in the signature has this name.
fn names_a_type(signature: &Signature, name: &Ident) -> bool {
    let mut found = false;
    walk::signature(signature, &mut |node| {
        if let Node::Type(Type::Path(path)) = node {
            found |= path.path.leading_colon.is_none()
                && path.qself.is_none()
                && path.path.segments.first().is_some_and(|segment| segment.ident == *name);
        }
        true
    });
    found
}

pub(super) fn method_says_something(model: &Model, given: &Given, errors: &mut Errors) {
    let (Some(name), Place::Method(method)) = (given.get("method"), &model.place) else { return };
    let why = if method.block.is_some() {
        "the `#[cache]` on the impl block says it"
    } else if method.receiver.is_some() {
        "the receiver says it"
    } else if crate::model::names_self(model.function.sig.to_token_stream()) {
        "`Self` in the signature says it"
    } else {
        return;
    };
    errors.push(say::method_said_already(name, why));
}
