//! What is stored, and the closures that decide.

use super::{at, at_span, code};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Expr, ExprClosure, Ident, LitInt};

pub(crate) fn one_value(name: &Ident, closure: &ExprClosure) -> Error {
    let example = match name.to_string().as_str() {
        "ttl" => "ttl = |value| value.lifetime()",
        "near_ttl" => "near_ttl = |value| value.lifetime()",
        _ => "cache_if = |value| !value.is_empty()",
    };
    let count = closure.inputs.len();
    at(
        closure,
        "CK067",
        &format!("the closure of `{name}` takes {count} parameters, but it is given one, the value: write `{example}`"),
    )
}

pub(crate) fn constant(name: &Ident, expr: &Expr) -> Error {
    let instead = if name == "bypass_if" {
        "write a condition over the parameters, `bypass_if = id == 0`, or leave it out"
    } else {
        "write a closure over the value, `cache_if = |value| !value.is_empty()`, or leave it out"
    };
    at(expr, "CK068", &format!("`{name} = {}` says the same of every call: {instead}", code(expr)))
}

pub(crate) fn bypass_closure(closure: &ExprClosure) -> Error {
    at(
        closure,
        "CK069",
        "`bypass_if` is asked before there is a value: write an expression over the parameters, `bypass_if = id == 0` (`cache_if` takes a closure over the value)",
    )
}

pub(crate) fn no_loads(int: &LitInt) -> Error {
    at(
        int,
        "CK071",
        "`max_loads = 0` lets nothing be computed: write the most computations at once, `max_loads = 8`, or leave it out",
    )
}

pub(crate) fn no_result(name: &Ident, output: &dyn ToTokens) -> Error {
    at(
        name,
        "CK072",
        &format!(
            "`{name}` is about `Err`, and this function returns `{}`: return a `Result`, or leave it out",
            code(output)
        ),
    )
}

pub(crate) fn no_option(name: &Ident, output: &dyn ToTokens) -> Error {
    at(
        name,
        "CK073",
        &format!(
            "`none` is about `None`, and this function returns `{}`: return an `Option`, or leave it out",
            code(output)
        ),
    )
}

pub(crate) fn hard_without_result(span: Span, output: &dyn ToTokens) -> Error {
    at_span(
        span,
        "CK103",
        &format!(
            "`load_timeout`'s `hard` ends a call with an error, and this function returns `{}`: return a `Result` whose error is `From<cachekit::Error>`, or leave `hard` out",
            code(output)
        ),
    )
}
