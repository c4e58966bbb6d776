//! How much, and what is kept: strategy, capacity, hasher, name, version.

use super::{at, code, did_you_mean, list};
use syn::{Error, Expr, ExprPath, LitInt, LitStr};

pub(crate) const STRATEGIES: &[&str] =
    &["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];

pub(crate) fn strategy(literal: &LitStr) -> Error {
    let text = literal.value();
    let hint = did_you_mean(&text, STRATEGIES).unwrap_or_else(|| {
        format!(
            "the strategies are {}, and a path to a type that implements `Policy` works too, `strategy = my::Policy`",
            list(STRATEGIES.iter().map(|name| format!("\"{name}\"")))
        )
    });
    at(literal, "CK034", &format!("there is no strategy \"{text}\"; {hint}"))
}

pub(crate) fn unquoted_strategy(path: &ExprPath, name: &str) -> Error {
    at(
        path,
        "CK035",
        &format!(
            "the names of strategies are strings: write `strategy = \"{name}\"` (a path means a type of yours that implements `Policy`)"
        ),
    )
}

pub(crate) fn no_capacity(int: &LitInt) -> Error {
    at(
        int,
        "CK036",
        "`capacity = 0` keeps nothing: write the number of entries to keep, `capacity = 10_000`, or take `#[cache]` off",
    )
}

pub(crate) fn negative_capacity(expr: &Expr) -> Error {
    at(
        expr,
        "CK036",
        "`capacity` is negative: write the number of entries to keep, `capacity = 10_000`, or `capacity = \"unbounded\"`",
    )
}

/// `is_size`: it would do for `max_bytes`.
pub(crate) fn capacity_string(literal: &LitStr, is_size: bool) -> Error {
    let text = literal.value();
    let digits: String = text.chars().filter(|c| !matches!(c, '_' | ',' | ' ')).collect();
    let right = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("write a number, `capacity = {}`", text.trim().replace(",", "_").replace(" ", "_"))
    } else if is_size {
        format!("it counts entries: for a bound in bytes write `max_bytes = \"{text}\"`")
    } else if let Some(hint) = did_you_mean(&text, &["unbounded"]) {
        hint
    } else {
        "it counts entries: write a number, `capacity = 10_000`, or `capacity = \"unbounded\"`".to_owned()
    };
    at(literal, "CK037", &format!("`capacity = \"{text}\"` is not a number of entries; {right}"))
}

pub(crate) fn name_of_lines(literal: &LitStr) -> Error {
    let mut line = String::new();
    for word in literal.value().split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()) {
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    let line = if line.is_empty() { "users" } else { &line };
    at(
        literal,
        "CK144",
        &format!(
            "`name` has a line break, a tab or another control character in it, and stands in logs and in the keys of backends: write `name = \"{line}\"`"
        ),
    )
}

pub(crate) fn version_range(int: &LitInt) -> Error {
    at(int, "CK038", &format!("`version = {int}` does not fit: write an integer from 0 to {}", u64::MAX))
}

pub(crate) fn unbounded_strategy(strategy: &impl quote::ToTokens) -> Error {
    at(
        strategy,
        "CK039",
        "`strategy` has no effect with `capacity = \"unbounded\"`, which never evicts: leave one of the two out",
    )
}

pub(crate) fn cache_elsewhere(name: &syn::Ident) -> Error {
    at(
        name,
        "CK040",
        &format!(
            "`{name}` has no effect beside `cache = …`: that cache exists already, so set it where the cache is built (`Cache::builder()`)"
        ),
    )
}

/// `hasher = RandomState::new()`
pub(crate) fn hasher_value(name: &syn::Ident, expr: &Expr) -> Error {
    at(
        expr,
        "CK114",
        &format!(
            "`{name}` takes the type of a hasher, not a value: write `{name} = {}`",
            type_of(expr).as_deref().unwrap_or("std::hash::RandomState")
        ),
    )
}

/// The type of which an expression makes a value, as far as it tells: `Type::new()`, `Type { … }`.
pub(super) fn type_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.path.segments.len() > 1 => {
                let mut segments = path.path.segments.clone();
                segments.pop();
                segments.pop_punct();
                Some(code(&segments))
            }
            _ => None,
        },
        Expr::Struct(value) => Some(code(&value.path)),
        _ => None,
    }
}

pub(crate) fn one_entry(name: &syn::Ident) -> Error {
    let why = if name == "hasher" { "there is nothing to hash" } else { "nothing is ever evicted" };
    at(
        name,
        "CK115",
        &format!("`{name}` has no effect here: without a key the cache holds one entry, so {why}; leave it out"),
    )
}
