//! `http(…)`: cached handlers.

use super::{at, at_span, code, did_you_mean, list};
use crate::model::HTTP_ARGUMENTS;
use proc_macro2::{Group, Span};
use quote::ToTokens;
use syn::{Error, Expr, Ident, LitStr};

pub(crate) fn unknown(name: &Ident) -> Error {
    let text = name.to_string();
    let hint = match text.as_str() {
        "ttl" | "stale_while_revalidate" | "stale_if_error" | "tags" | "key" | "skip" | "errors" | "bypass_if"
        | "scope" | "backend" | "max_bytes" => {
            format!("it stands beside: `#[cache(http(…), {text} = …)]`")
        }
        "max_age" | "browser_ttl" | "s_maxage" => {
            "how long clients may keep a response is `client_ttl`, how long the cache keeps it is `ttl`, beside `http(…)`"
                .to_owned()
        }
        other => did_you_mean(other, HTTP_ARGUMENTS)
            .unwrap_or_else(|| format!("there are {}", list(HTTP_ARGUMENTS))),
    };
    at(name, "CK150", &format!("`http(…)` has no argument `{name}`; {hint}"))
}

pub(crate) fn list_for_value(name: &Ident, found: &Group) -> Error {
    at(found, "CK150", &format!("`{name}` takes a value: write `{name} = …`"))
}

/// `http = "30s"`
pub(crate) fn value(found: &Expr) -> Error {
    at(
        found,
        "CK150",
        "`http` stands alone, or has parentheses: write `http, ttl = \"30s\"`, or `http(client_ttl = \"10s\"), ttl = \"30s\"`",
    )
}

pub(crate) fn not_async(token: Span, function: &Ident) -> Error {
    at_span(
        token,
        "CK151",
        &format!(
            "`http(…)` is for handlers of Axum, which are async: write `async fn {function}`; a function that computes a value is cached without `http(…)`"
        ),
    )
}

pub(crate) fn not_free(found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK151",
        "`http(…)` is for handlers of Axum, which are functions: put what the method needs into the state, `State(app): State<Arc<App>>`",
    )
}

pub(crate) fn no_effect(name: &Ident) -> Error {
    let why = match name.to_string().as_str() {
        "strategy" | "capacity" | "weigher" | "hasher" | "idle" | "on_removal" => {
            "responses are held to a number of bytes: write `max_bytes = \"64 MiB\"`"
        }
        "refresh_ahead" | "refresh" | "jitter" => {
            "a response says how long it is fresh, and `stale_while_revalidate` refreshes it in the background"
        }
        "none" | "cache_if" => "what is stored is said of responses: write `http(statuses = [200, 404])`, or `errors`",
        "load_timeout" | "max_loads" | "single_flight" => {
            "handlers are bounded by layers of tower: `TimeoutLayer`, `ConcurrencyLimitLayer`"
        }
        "codec" | "compress" => "responses have a format of their own, and are compressed by `CompressionLayer`",
        "batch" | "of" => "a handler answers one request",
        _ => "a response has no use for it",
    };
    at(name, "CK152", &format!("`{name}` has no effect beside `http(…)`: {why}; leave it out"))
}

pub(crate) fn ttl_by_value(closure: &dyn ToTokens) -> Error {
    at(
        closure,
        "CK152",
        "the ttl of a response depends on no value: write `ttl = \"30s\"`, and let the handler say otherwise with `Cache-Control` or `Cachekit-Cache-Control`",
    )
}

pub(crate) fn scope_without_http(name: &Ident) -> Error {
    at(name, "CK153", "`scope` tells the states of handlers apart: write `http(…)` beside it, or leave it out")
}

pub(crate) fn state_of_a_process(found: &dyn ToTokens, name: &str) -> Error {
    at(
        found,
        "CK154",
        &format!(
            "in a backend that outlives the process, where the state is tells nothing: write what tells it from others, `scope = \"a name\"`, or share what this handler gives with `skip({name})`"
        ),
    )
}

pub(crate) fn generic_in_a_backend(found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK154",
        "in a backend that outlives the process, the types of a generic handler cannot be told apart: cache one handler for each, that calls this one",
    )
}

pub(crate) fn client_twice(name: &Ident) -> Error {
    at(
        name,
        "CK155",
        "`client_ttl` and `cache_control` both say what clients are told: keep one of them (`client_ttl = \"10s\"` is `cache_control = \"max-age=10\"`)",
    )
}

pub(crate) fn no_field(field: &LitStr) -> Error {
    let text = field.value();
    let way_out = if text == "*" {
        "a response that depends on more than its fields is not cached: take `#[cache]` off, or name the fields"
    } else {
        "write names such as `vary = [\"accept-language\"]`"
    };
    at(field, "CK156", &format!("\"{}\" is not the name of a field of requests: {way_out}", text.escape_debug()))
}

pub(crate) fn field_twice(field: &LitStr) -> Error {
    at(field, "CK156", &format!("`vary` names \"{}\" twice: keep one of them", field.value()))
}

pub(crate) fn no_value_of_a_field(text: &LitStr) -> Error {
    at(
        text,
        "CK156",
        "this cannot be the value of a field: write ASCII on one line, `cache_control = \"public, max-age=60\"`",
    )
}

pub(crate) fn blank_in_a_key(key: &LitStr) -> Error {
    at(key, "CK156", "`Surrogate-Key` separates its keys by blanks, so a key has none: write `\"user-{id}\"`")
}

pub(crate) fn no_status(name: &Ident, found: &Expr) -> Error {
    at(
        found,
        "CK157",
        &format!("`{}` is not a status of a response that can be stored: write `{name} = [200, 404]`", code(found)),
    )
}

pub(crate) fn private(found: &Expr) -> Error {
    at(
        found,
        "CK158",
        "`private` says whom a response is for, by what the handler takes: write `private = user.id`, of a parameter `user`; without an identity (`None`) a request goes past the cache",
    )
}

pub(crate) fn too_many_tags(found: &dyn ToTokens, most: usize) -> Error {
    at(found, "CK159", &format!("a response has at most {most} tags, beside three of its own: leave some out"))
}

pub(crate) fn too_many_parameters(found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK160",
        "a cached handler has at most 15 parameters, since Axum takes 16 and one is the cache's: put several into one extractor",
    )
}
