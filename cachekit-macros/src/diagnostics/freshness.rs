//! ttl, staleness, refresh, load timeouts.

use super::{at, at_span, code, did_you_mean};
use crate::model::Param;
use proc_macro2::Span;
use syn::{Error, Expr, Ident, LitBool, LitStr, Type};

pub(crate) fn refresh_mode(literal: &LitStr) -> Error {
    let hint = did_you_mean(&literal.value(), &["inline"]).unwrap_or_else(|| {
        "write `refresh = \"inline\"` to recompute in the call itself, or leave it out for a task of its own".into()
    });
    at(literal, "CK056", &format!("`refresh` has no mode \"{}\"; {hint}", literal.value()))
}

/// In `cached`, `refresh = true` renews the ttl.
pub(crate) fn refresh_bool(literal: &LitBool) -> Error {
    let text = "`refresh` says how to recompute, not whether: write `refresh = \"inline\"` beside `refresh_ahead` or `stale_while_revalidate`; to keep an entry for as long as it is used, write `idle = \"30s\"`";
    at(literal, "CK102", text)
}

pub(crate) fn needs_ttl(name: &Ident) -> Error {
    let what = match name.to_string().as_str() {
        "jitter" => "is taken off the ttl",
        "refresh_ahead" => "is a part of the ttl",
        _ => "begins where the ttl ends",
    };
    at(
        name,
        "CK057",
        &format!("`{name}` has no effect without `ttl`: it {what}; add `ttl = \"30s\"`, or leave `{name}` out"),
    )
}

pub(crate) fn nothing_to_refresh(name: &Ident) -> Error {
    at(
        name,
        "CK058",
        "`refresh` has no effect without `refresh_ahead` or `stale_while_revalidate`: add `refresh_ahead = \"80%\"`, or leave it out",
    )
}

pub(crate) fn jitter_eats_ttl(span: Span) -> Error {
    at_span(
        span,
        "CK059",
        "`jitter` is not shorter than `ttl`, off which it is taken: write a part of it, `jitter = \"10%\"`",
    )
}

pub(crate) fn load_timeout_part(found: &Expr) -> Error {
    let text = code(found);
    let hint = did_you_mean(&text, &["soft", "hard"]).unwrap_or_else(|| "it has `soft` and `hard`.".into());
    at(
        found,
        "CK060",
        &format!(
            "`load_timeout` has no part `{text}`; {hint} Write `load_timeout = (soft = \"200ms\", hard = \"2s\")`"
        ),
    )
}

pub(crate) fn load_timeout_sync(name: &Ident) -> Error {
    at(
        name,
        "CK061",
        "`load_timeout` needs an `async fn`: a running sync body cannot be abandoned; make the function async, or leave `load_timeout` out",
    )
}

pub(crate) fn soft_without_stale(span: Span) -> Error {
    at_span(
        span,
        "CK062",
        "`load_timeout`'s `soft` has no effect without stale values to give: add `stale_while_revalidate = \"1m\"` or `stale_if_error = \"1h\"`, or leave `soft` out",
    )
}

pub(crate) fn soft_not_shorter(span: Span) -> Error {
    at_span(
        span,
        "CK063",
        "`load_timeout`'s `soft` is not shorter than `hard`, so it never comes to it: write `load_timeout = (soft = \"200ms\", hard = \"2s\")`",
    )
}

pub(crate) fn idle_not_shorter(span: Span) -> Error {
    at_span(
        span,
        "CK064",
        "`idle` is not shorter than `ttl`, so it has no effect: write a shorter one, or leave it out",
    )
}

pub(crate) fn refresh_mut(ty: &Type, param: &Ident, by: &Ident) -> Error {
    let way_out = if by == "load_timeout" { "leave `soft` out" } else { "write `refresh = \"inline\"`" };
    at(
        ty,
        "CK065",
        &format!(
            "`{param}` is a `&mut`, which cannot go to the background task that `{by}` starts: take an `Arc<T>` or something `Clone`, or {way_out}"
        ),
    )
}

pub(crate) fn refresh_borrows(found: &Type, param: &Param, by: &Ident) -> Error {
    let way_out = if by == "load_timeout" { "leave `soft` out" } else { "write `refresh = \"inline\"`" };
    let what = match &param.bound[..] {
        [only] if *only == param.name => format!("`{only}`"),
        _ => "this parameter".to_owned(),
    };
    at(
        found,
        "CK141",
        &format!(
            "{what} borrows what is in it, `{}`, from a caller who does not wait for the background task that `{by}` starts: take it owned, or {way_out}",
            code(found)
        ),
    )
}

pub(crate) fn needs_flight(name: &Ident, what: &str) -> Error {
    at(
        name,
        "CK066",
        &format!(
            "`{what}` needs `single_flight`, which `single_flight = false` switches off: leave one of the two out"
        ),
    )
}

/// Why nothing stands beside a method, and what to write for that to change.
fn lone(off: bool) -> &'static str {
    if off {
        "with `companion = false` nothing stands beside it: put a bare `#[cache]` on the impl block and leave `companion = false` out"
    } else {
        "nothing can stand beside it, since this type cannot have an inherent impl here: implement the trait for a type of your own that names all parameters of the impl"
    }
}

pub(crate) fn refresh_of_lone_method(by: &Ident, off: bool) -> Error {
    let text = format!(
        "`{by}` refreshes in a task of its own, which runs a function beside this method, and {}; or write `refresh = \"inline\"`",
        lone(off)
    );
    at(by, "CK104", &text)
}

pub(crate) fn soft_timeout_of_lone_method(span: Span, off: bool) -> Error {
    let text = format!(
        "after `soft` the load goes on without its caller, in a function beside this method, and {}; or leave `soft` out",
        lone(off)
    );
    at_span(span, "CK105", &text)
}
