//! The item under the attribute: what it is, its signature, and our own bugs.

use super::{at, at_span, code};
use crate::args::Block;
use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use std::any::Any;
use syn::parse::ParseBuffer;
use syn::{Attribute, Error, Ident, MetaNameValue, Signature, Type, Variadic};

pub(crate) fn our_bug(attribute: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    at_span(
        Span::call_site(),
        "CK079",
        &format!(
            "`#[{attribute}]` failed with a panic, which is a bug of cachekit and not of your code; please report it with this item, as CONTRIBUTING.md says: {text}"
        ),
    )
}

pub(crate) fn wrong_item(attribute: &str, item: &ParseBuffer<'_>) -> Error {
    const KINDS: &[&str] =
        &["struct", "enum", "union", "trait", "mod", "const", "static", "type", "use", "macro_rules", "extern", "let"];
    let mut tokens = item.cursor().token_stream().into_iter();
    let kind = tokens.find_map(|tree| match tree {
        TokenTree::Ident(ident) if KINDS.iter().any(|kind| ident == kind) => Some(ident),
        _ => None,
    });
    let goes_on = if attribute == "cache" {
        "a function with a body, a method, or an impl block"
    } else {
        "a function with a body, or a method"
    };
    match kind {
        Some(kind) => {
            let article = if matches!(kind.to_string().as_str(), "enum" | "union" | "extern") { "an" } else { "a" };
            at(&kind, "CK080", &format!("`#[{attribute}]` goes on {goes_on}, not on {article} `{kind}`"))
        }
        None => at_span(item.span(), "CK080", &format!("`#[{attribute}]` goes on {goes_on}")),
    }
}

pub(crate) fn no_body(attribute: &str, sig: &Signature) -> Error {
    let way_out = if attribute == "cache" {
        "those of a trait take it with `companion = false`"
    } else {
        "those of a trait take it"
    };
    at(
        &sig.ident,
        "CK081",
        &format!(
            "`#[{attribute}]` goes on functions with a body, and `{}` has none: put it on the implementation ({way_out})",
            sig.ident
        ),
    )
}

pub(crate) fn twice(attribute: &str, again: &Attribute) -> Error {
    at(again, "CK082", &format!("`#[{attribute}]` is on this function twice: write all arguments into one"))
}

pub(crate) fn name_value(attr: &Attribute, pair: &MetaNameValue) -> Error {
    at(
        attr,
        "CK083",
        &format!(
            "`#[cache = {}]` is not how arguments are written: write `#[cache(capacity = 100)]`",
            code(&pair.value)
        ),
    )
}

pub(crate) fn no_cached_method(block: &Block) -> Error {
    at(
        &block.self_ty,
        "CK084",
        "`#[cache]` on an impl block has no effect unless a method in it has its own: write `#[cache] fn …` on those to cache",
    )
}

pub(crate) fn invalidate_on_impl(block: &Block) -> Error {
    at(
        &block.self_ty,
        "CK080",
        "`#[invalidate]` goes on a function with a body, or a method, not on an `impl`: put it on the methods",
    )
}

pub(crate) fn variadic(variadic: &Variadic) -> Error {
    at(
        &variadic.dots,
        "CK085",
        "a variadic function cannot be cached: its key would not know all arguments; take a slice",
    )
}

pub(crate) fn abi(abi: &dyn ToTokens) -> Error {
    at(abi, "CK086", "an `extern` function cannot be cached: cache a Rust function, and call it from the `extern` one")
}

pub(crate) fn unsafe_fn(token: &dyn ToTokens) -> Error {
    at(
        token,
        "CK087",
        "an `unsafe fn` cannot be cached: the companion would call it without its conditions being checked; cache a safe function around it",
    )
}

pub(crate) fn const_fn(token: &dyn ToTokens, attribute: &str) -> Error {
    let what = if attribute == "cache" { "cannot be cached" } else { "cannot invalidate" };
    at(token, "CK088", &format!("a `const fn` {what}: caches exist at run time only; take `const` off"))
}

pub(crate) fn impl_param(ty: &dyn ToTokens, param: &Ident) -> Error {
    at(
        ty,
        "CK089",
        &format!(
            "`{param}` is an `impl Trait`, whose type the companion could not name: write a type parameter, `fn f<T: Trait>({param}: T)`"
        ),
    )
}

pub(crate) fn impl_return(ty: &dyn ToTokens) -> Error {
    at(
        ty,
        "CK090",
        "an `impl Trait` cannot be cached, because its type has no name: return a type, such as `Vec<T>` or `Arc<dyn Trait + Send + Sync>`",
    )
}

pub(crate) fn nothing_returned(output: &dyn ToTokens, text: &str) -> Error {
    at(
        output,
        "CK091",
        &format!(
            "there is nothing to cache: the function returns {text}; return the value that is worth keeping, or take `#[cache]` off"
        ),
    )
}

pub(crate) fn borrowed_return(tokens: &dyn ToTokens, ty: &Type) -> Error {
    at(
        tokens,
        "CK092",
        &format!(
            "a cached value outlives the call, so it cannot borrow, as `{}` does: return `String`, `Arc<str>`, `Arc<T>` or a `&'static` reference",
            code(ty)
        ),
    )
}

pub(crate) fn boxed_future(name: &Ident) -> Error {
    at(
        name,
        "CK142",
        &format!(
            "`{name}` returns a boxed future, which runs once and so is nothing to keep: cache an `async fn`; where `#[async_trait]` made it one, write a bare `#[cache]` above `#[async_trait]`, so that it sees the block first"
        ),
    )
}

pub(crate) fn main_function(name: &Ident) -> Error {
    at(
        name,
        "CK093",
        "`main` runs once, so caching it has no effect: put the work into a function of its own and cache that",
    )
}
