//! `#[invalidate(…)]`.

use super::{at, at_span, code, did_you_mean};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Expr, ExprClosure, Ident, LitStr, Pat, Path};

pub(crate) fn nothing() -> Error {
    at_span(
        Span::call_site(),
        "CK094",
        "`#[invalidate]` names nothing to invalidate: write `#[invalidate(user(id))]` or `#[invalidate(tags = [\"team:{team}\"])]`",
    )
}

pub(crate) fn unreadable(error: &Error, span: Span) -> Error {
    at_span(
        span,
        "CK095",
        &format!(
            "this is not a call of a cached function ({error}): write `user(id)`, `Repo::find(id)` or `|value| user(value.id)`"
        ),
    )
}

pub(crate) fn not_a_call(expr: &dyn ToTokens) -> Error {
    let text = code(expr);
    at(
        expr,
        "CK095",
        &format!(
            "`{text}` is not a call of a cached function: write its key behind it, `user(id)`, `Repo::find(id)` or `|value| user(value.id)`"
        ),
    )
}

pub(crate) fn not_a_path(expr: &Expr) -> Error {
    at(
        expr,
        "CK095",
        &format!("`{}` is not the name of a cached function: write `user(id)` or `Repo::find(id)`", code(expr)),
    )
}

pub(crate) fn closure_body(body: &Expr) -> Error {
    at(
        body,
        "CK096",
        &format!(
            "the closure gives `{}`, not a call of a cached function: write `|value| user(value.id)`, several as `|value| (user(value.id), posts(value.author))`",
            code(body)
        ),
    )
}

pub(crate) fn one_value(closure: &ExprClosure) -> Error {
    at(
        closure,
        "CK097",
        &format!(
            "the closure takes {} parameters, but it is given one, the value: write `|value| user(value.id)`",
            closure.inputs.len()
        ),
    )
}

pub(crate) fn before_value(pat: &Pat) -> Error {
    at(
        pat,
        "CK098",
        "with `when = \"before\"` there is no value yet: write the target over the parameters, `user(id)`, or leave `when` out",
    )
}

pub(crate) fn when(literal: &LitStr) -> Error {
    let text = literal.value();
    let hint = did_you_mean(&text, &["always", "before"]).unwrap_or_else(|| {
        "write `when = \"always\"` or `when = \"before\"`, or leave it out for \"unless it returned `Err`\"".into()
    });
    at(literal, "CK099", &format!("`when` has no value \"{text}\"; {hint}"))
}

/// The words that stand beside targets, in the order in which the documentation has them.
const KNOWN: [&str; 4] = ["tags", "soft", "when", "crate"];

pub(crate) fn unknown(name: &Ident) -> Error {
    let text = name.to_string();
    let hint = did_you_mean(&text, &KNOWN)
        .unwrap_or_else(|| "it takes calls such as `user(id)`, and `tags`, `soft`, `when` and `crate`".into());
    at(name, "CK100", &format!("`#[invalidate]` has no argument `{text}`; {hint}"))
}

pub(crate) fn twice(target: &dyn ToTokens) -> Error {
    at(target, "CK101", "this is invalidated already: keep one of the two")
}

/// `soft = true`
pub(crate) fn soft_value(value: &Expr) -> Error {
    at(value, "CK013", "`soft` stands alone: write `tags = […], soft`, or leave it out")
}

pub(crate) fn soft_key(span: Span, target: &Path) -> Error {
    let target = code(target);
    at_span(
        span,
        "CK145",
        &format!(
            "`soft` makes tags stale, and `{target}(…)` names a key: invalidate it by an attribute of its own, or give the function a tag for it, `tags = [\"{target}:{{id}}\"]`"
        ),
    )
}

pub(crate) fn soft_without_tags(span: Span) -> Error {
    at_span(
        span,
        "CK145",
        "`soft` makes tags stale, and there are none: write `#[invalidate(tags = [\"team:{team}\"], soft)]`",
    )
}

#[cfg(test)]
mod tests {
    use super::KNOWN;

    #[test]
    fn the_table_of_the_documentation_has_every_argument() {
        let table = include_str!("../lib.rs").split_once("| `user(id)` |").map_or("", |(_, table)| table);
        let named = table.lines().filter_map(|line| line.strip_prefix("/// | `")?.split([' ', '`']).next());
        let named: Vec<&str> = named.filter(|name| name.chars().all(char::is_lowercase)).collect();
        assert_eq!(named, KNOWN);
    }
}
