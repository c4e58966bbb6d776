//! Backends, and entries as bytes.

use super::store::type_of;
use super::{at, at_span, code, did_you_mean, list};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Expr, ExprArray, ExprPath, Ident, LitStr};

pub(crate) const BACKENDS: &[&str] = &["memory", "file", "redis"];

pub(crate) const CODECS: &[&str] = &["json", "postcard", "msgpack", "bincode"];

fn quoted(names: &[&str]) -> String {
    list(names.iter().map(|name| format!("\"{name}\"")))
}

pub(crate) fn backend(literal: &LitStr) -> Error {
    let text = literal.value();
    // An address may hold a password, which no message repeats.
    if let Some((scheme, _)) = text.split_once("://") {
        let (kind, tell) =
            if scheme.starts_with("file") { ("file", "CACHEKIT_DIR") } else { ("redis", "CACHEKIT_REDIS_URL") };
        return at(
            literal,
            "CK032",
            &format!(
                "`backend` takes the kind of a backend and not its address: write `backend = \"{kind}\"`, and give the address at run time, in the variable {tell}, in `cachekit.toml` or to `cachekit::configure()`"
            ),
        );
    }
    let hint = match text.to_lowercase().as_str() {
        "disk" | "fs" | "redb" | "sled" => "here it is `\"file\"`".to_owned(),
        "valkey" | "keydb" => "Valkey speaks the protocol of Redis: write `\"redis\"`".to_owned(),
        "mem" | "ram" | "local" | "moka" | "in-memory" => "here it is `\"memory\"`".to_owned(),
        other => did_you_mean(other, BACKENDS).unwrap_or_else(|| {
            format!(
                "there are {}, and an expression of a type that implements `Backend` works too, `backend = my::backend()`",
                quoted(BACKENDS)
            )
        }),
    };
    at(literal, "CK032", &format!("there is no backend \"{text}\"; {hint}"))
}

pub(crate) fn no_backend(array: &ExprArray) -> Error {
    at(array, "CK033", "`backend = []` names no backend: write `backend = \"memory\"`, or leave it out")
}

pub(crate) fn backend_twice(second: &Expr) -> Error {
    at(second, "CK033", &format!("`backend` names `{}` twice: keep one of them", code(second)))
}

pub(crate) fn unquoted(argument: &Ident, path: &ExprPath, name: &str) -> Error {
    let (ours, what) = if argument == "codec" {
        ("codecs", "a type of yours that implements `Codec`")
    } else {
        ("backends", "a value of yours that implements `Backend`")
    };
    at(path, "CK116", &format!("the names of {ours} are strings: write `\"{name}\"` (a path means {what})"))
}

pub(crate) fn memory_not_first(memory: &Expr) -> Error {
    at(
        memory,
        "CK117",
        "an array of backends is ordered, nearest first, and nothing is nearer than \"memory\": put it first",
    )
}

pub(crate) fn codec(literal: &LitStr) -> Error {
    let text = literal.value();
    let hint = match text.to_lowercase().as_str() {
        "messagepack" | "rmp" | "rmp-serde" | "message-pack" => "here it is `\"msgpack\"`".to_owned(),
        "serde_json" | "serde-json" => "here it is `\"json\"`".to_owned(),
        "raw" | "bytes" | "string" => "bytes and strings are stored as they are when `codec` is left out".to_owned(),
        other => did_you_mean(other, CODECS).unwrap_or_else(|| {
            format!(
                "there are {}, and a path to a type that implements `Codec` works too, `codec = my::Codec`",
                quoted(CODECS)
            )
        }),
    };
    at(literal, "CK118", &format!("there is no codec \"{text}\"; {hint}"))
}

/// `codec = Codec::new()`
pub(crate) fn codec_value(name: &Ident, expr: &Expr) -> Error {
    at(
        expr,
        "CK119",
        &format!(
            "`{name}` takes the type of a codec, which is `Default`, and not a value: write `{name} = {}`",
            type_of(expr).as_deref().unwrap_or("my::Codec")
        ),
    )
}

pub(crate) fn compression(literal: &LitStr) -> Error {
    at(
        literal,
        "CK120",
        &format!(
            "there is no compression \"{}\": write `compress = \"lz4\"`, the only one, or leave it out",
            literal.value()
        ),
    )
}

pub(crate) fn on_backend_error(literal: &LitStr) -> Error {
    let text = literal.value();
    let hint = did_you_mean(&text, &["bypass", "fail"]).unwrap_or_else(|| {
        "write `on_backend_error = \"fail\"` for calls that fail with the backend, or leave it out for calls that compute".into()
    });
    at(literal, "CK121", &format!("`on_backend_error` has no way \"{text}\"; {hint}"))
}

pub(crate) fn feature_off(argument: &str, feature: &str, found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK122",
        &format!(
            "`{argument} = {}` needs the feature \"{feature}\" of cachekit: add it in Cargo.toml, `features = [\"{feature}\"]`",
            code(found)
        ),
    )
}

#[cfg(not(feature = "axum"))]
pub(crate) fn no_axum(name: &Ident) -> Error {
    at(
        name,
        "CK122",
        &format!("`{name}` needs the feature \"axum\" of cachekit: add it in Cargo.toml, `features = [\"axum\"]`"),
    )
}

pub(crate) fn no_bytes(name: &Ident) -> Error {
    let why = match name.to_string().as_str() {
        "codec" => "the memory of this process holds values as they are, not encoded",
        "compress" => "the memory of this process holds values as they are, not bytes",
        "near_ttl" => "it is the ttl in the memory in front of another backend",
        "timeout" => "it bounds the waits for backends, and the memory of this process is never waited for",
        "lock" => {
            "it locks out other processes, with which nothing is shared (within this one a value is computed once anyway)"
        }
        _ => "the memory of this process does not fail",
    };
    let more =
        if name == "timeout" { "; to bound the function itself write `load_timeout = (hard = \"2s\")`" } else { "" };
    at(
        name,
        "CK123",
        &format!(
            "`{name}` has no effect without a backend beside the memory of this process: {why}; add `backend = [\"memory\", \"redis\"]`, or leave it out{more}"
        ),
    )
}

pub(crate) fn no_memory(name: &Ident) -> Error {
    let why = match name.to_string().as_str() {
        "strategy" => "it chooses what to evict from the memory of this process",
        "capacity" => "it counts the entries in the memory of this process",
        "max_bytes" | "weigher" => "it bounds the memory of this process",
        "hasher" => "it hashes for the table in the memory of this process",
        "idle" => "only the memory of this process knows when an entry was last used",
        "on_removal" => "it is told what leaves the memory of this process",
        _ => "it is the ttl in the memory in front of the other backends",
    };
    at(
        name,
        "CK124",
        &format!(
            "`{name}` has no effect without \"memory\" among the backends: {why}; put \"memory\" first, as in `backend = [\"memory\", \"redis\"]`, or leave `{name}` out"
        ),
    )
}

pub(crate) fn lock_not_shared(name: &Ident) -> Error {
    at(
        name,
        "CK125",
        "`lock` has no effect on \"file\", which one process has for itself (within a process a value is computed once anyway): share a backend, `backend = \"redis\"`, or leave it out",
    )
}

pub(crate) fn near_not_shorter(span: Span) -> Error {
    at_span(
        span,
        "CK126",
        "`near_ttl` is not shorter than `ttl`, which bounds it anyway, so it has no effect: write a shorter one, or leave it out",
    )
}

pub(crate) fn no_name(name: &Ident, what: &str, function: &Ident) -> Error {
    at(
        name,
        "CK127",
        &format!(
            "the entries of {what} in a backend need a name that is the same in every build and process, and the macro does not see one: add `name = \"{function}\"`"
        ),
    )
}

pub(crate) fn fails_without_result(span: Span, output: &dyn ToTokens) -> Error {
    at_span(
        span,
        "CK129",
        &format!(
            "`on_backend_error = \"fail\"` ends a call with an error, and this function returns `{}`: return a `Result` whose error is `From<cachekit::Error>`, or leave it out",
            code(output)
        ),
    )
}
