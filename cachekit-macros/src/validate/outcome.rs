//! `Err` and `None`. Aliases and generics are left to the type system; what no alias can change is said here.

use crate::diagnostics::{Errors, outcome as say};
use crate::model::{Given, Model};
use syn::{ReturnType, Type};

const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
    "char", "str", "String",
];

/// The returned type, if it is neither a `Result` nor an `Option` whatever is in scope.
pub(super) fn plain_output(model: &Model) -> Option<&Type> {
    let ReturnType::Type(_, ty) = &model.function.sig.output else { return None };
    let plain = match &**ty {
        Type::Path(path) => PRIMITIVES.iter().any(|name| path.path.is_ident(name)),
        // The empty one is reported as nothing to cache.
        Type::Tuple(tuple) => !tuple.elems.is_empty(),
        Type::Reference(_) | Type::Array(_) | Type::Slice(_) | Type::FnPtr(_) | Type::Ptr(_) => true,
        _ => false,
    };
    plain.then_some(ty)
}

pub(super) fn errors_need_a_result(model: &Model, given: &Given, errors: &mut Errors) {
    let Some(output) = plain_output(model) else { return };
    for name in ["errors", "stale_if_error"] {
        if let Some(name) = given.get(name) {
            errors.push(say::no_result(name, output));
        }
    }
}

pub(super) fn none_needs_an_option(model: &Model, given: &Given, errors: &mut Errors) {
    if let Some(output) = plain_output(model)
        && let Some(name) = given.get("none")
    {
        errors.push(say::no_option(name, output));
    }
}

pub(super) fn hard_timeouts_need_a_result(model: &Model, _: &Given, errors: &mut Errors) {
    if let Some(output) = plain_output(model)
        && let Some(timeout) = &model.concurrency.load_timeout
        && timeout.hard.is_some()
        && model.function.sig.asyncness.is_some()
    {
        errors.push(say::hard_without_result(timeout.span, output));
    }
}
