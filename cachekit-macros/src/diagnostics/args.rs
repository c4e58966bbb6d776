//! The attribute's arguments as such: names, shapes, repetition.

use super::{at, at_span, code, did_you_mean, peers};
use crate::args::KNOWN;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, Expr, Ident};

pub(crate) fn not_an_argument(span: Span, rest: &TokenStream) -> Error {
    let found = rest.clone().into_iter().next().map(|tree| tree.to_string()).unwrap_or_default();
    at_span(
        span,
        "CK001",
        &format!("expected an argument such as `ttl = \"30s\"`, `skip(db)` or `method`, found `{found}`"),
    )
}

pub(crate) fn no_comma(span: Span, rest: &TokenStream) -> Error {
    let found = rest.clone().into_iter().next().map(|tree| tree.to_string()).unwrap_or_default();
    at_span(span, "CK002", &format!("expected a comma between two arguments, found `{found}`"))
}

pub(crate) fn no_value(name: &Ident, span: Span) -> Error {
    let right = right_shape(name);
    at_span(span, "CK003", &format!("`{name}` has no value behind its `=`: write `{right}`"))
}

pub(crate) fn unreadable(name: &Ident, error: &Error, span: Span) -> Error {
    let right = right_shape(name);
    at_span(span, "CK004", &format!("the value of `{name}` cannot be read ({error}): write `{right}`"))
}

pub(crate) fn unknown(name: &Ident, value: Option<&Expr>) -> Error {
    let text = name.to_string();
    if let Some(ours) = peers::ours(&text, value) {
        return at(name, "CK006", &format!("`{text}` is an argument of the crate `cached`; {ours}"));
    }
    let hint = match peers::elsewhere(&text, value).or_else(|| did_you_mean(&text, KNOWN)) {
        Some(hint) => hint,
        None => format!("the arguments are {}", super::list(KNOWN)),
    };
    at(name, "CK005", &format!("`#[cache]` has no argument `{text}`; {hint}"))
}

pub(crate) fn repeated(name: &Ident) -> Error {
    at(name, "CK008", &format!("`{name}` is given twice: keep one of them"))
}

/// A value of the wrong kind.
pub(crate) fn wrong_shape(name: &Ident, found: &dyn ToTokens) -> Error {
    let right = right_shape(name);
    at(found, "CK009", &format!("`{name}` does not take `{}`: write `{right}`", code(found)))
}

pub(crate) fn missing_value(name: &Ident) -> Error {
    let right = right_shape(name);
    at(name, "CK010", &format!("`{name}` needs a value: write `{right}`"))
}

/// `ttl("30s")`
pub(crate) fn list_for_value(name: &Ident, list: &TokenStream) -> Error {
    let right = right_shape(name);
    at(list, "CK011", &format!("`{name}` takes its value behind an equals sign, not in parentheses: write `{right}`"))
}

/// `skip = db`
pub(crate) fn value_for_list(name: &Ident, value: &Expr) -> Error {
    let names = code(value);
    let names = names.trim_start_matches(['(', '[']).trim_end_matches([')', ']']);
    at(value, "CK012", &format!("`{name}` takes its parameters in parentheses: write `{name}({})`", names.trim()))
}

pub(crate) fn flag_with_value(name: &Ident, value: &dyn ToTokens) -> Error {
    at(value, "CK013", &format!("`{name}` takes no value: write `{name}` alone, or leave it out"))
}

/// An example for every argument.
fn right_shape(name: &Ident) -> String {
    let right = match name.to_string().as_str() {
        "backend" => {
            "backend = \"memory\"`, `\"file\"`, `\"redis\"`, an expression of a type that implements `Backend`, or an array of these, `[\"memory\", \"redis\"]"
        }
        "codec" => "codec = \"json\"` or a path to a type that implements `Codec`, `codec = my::Codec",
        "compress" => "compress = \"lz4\"",
        "near_ttl" => "near_ttl = \"5s\"`, `near_ttl = Duration::from_secs(5)` or `near_ttl = |value| value.lifetime()",
        "timeout" => "timeout = \"250ms\"",
        "lock" => "lock = \"10s\"",
        "on_backend_error" => "on_backend_error = \"bypass\"` or `on_backend_error = \"fail\"",
        "batch" => "batch` alone, or, where several parameters are lists, `batch = ids",
        "of" => "of = user`, or for a method `of = Repo::user",
        "strategy" => "strategy = \"lru\"` or a path to a type that implements `Policy`, `strategy = my::Policy",
        "capacity" => "capacity = 10_000` or `capacity = \"unbounded\"",
        "max_bytes" => "max_bytes = \"64MiB\"",
        "weigher" => "weigher = path::to_function",
        "hasher" => "hasher = std::hash::RandomState",
        "name" => "name = \"users\"",
        "version" => "version = 1",
        "key" => "key = \"{id}:{name}\"` or `key = (id, name.len())",
        "skip" => "skip(db, ctx)",
        "ttl" => "ttl = \"30s\"`, `ttl = Duration::from_secs(30)` or `ttl = |value| value.lifetime()",
        "idle" => "idle = \"10m\"",
        "jitter" => "jitter = \"10%\"` or `jitter = \"3s\"",
        "refresh_ahead" => "refresh_ahead = \"80%\"",
        "stale_while_revalidate" => "stale_while_revalidate = \"1m\"",
        "stale_if_error" => "stale_if_error = \"1h\"",
        "refresh" => "refresh = \"inline\"",
        "errors" => "errors = \"5s\"",
        "none" => "none = \"5s\"` or `none = false",
        "cache_if" => "cache_if = |value| !value.is_empty()",
        "bypass_if" => "bypass_if = id == 0",
        "single_flight" => "single_flight = false",
        "max_loads" => "max_loads = 8",
        "load_timeout" => "load_timeout = (soft = \"200ms\", hard = \"2s\")",
        "on_removal" => "on_removal = path::to_function",
        "tags" => "tags = [\"user:{id}\", \"team:{team}\"]",
        "companion" => "companion = other_name` or `companion = false",
        "cache" => "cache = self.users",
        "crate" => "crate = ::cachekit",
        "when" => "when = \"always\"` or `when = \"before\"",
        other => return format!("{other} = …"),
    };
    right.to_owned()
}

pub(crate) fn on_block(name: &Ident) -> Error {
    at(
        name,
        "CK014",
        &format!(
            "`{name}` says something about one cache, and an impl block has none: put it on the methods, `#[cache({name} …)] fn …` (only `crate` goes here)"
        ),
    )
}
