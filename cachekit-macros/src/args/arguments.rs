//! `#[cache(name = value, name(…), name)]`.

use crate::diagnostics::{Errors, args as say};
use proc_macro2::{Delimiter, Group, Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprPath, Ident, PathArguments, PathSegment, Token, TypePath};

/// The arguments that exist, in the order in which the documentation has them.
pub(crate) const KNOWN: &[&str] = &[
    "backend",
    "codec",
    "compress",
    "strategy",
    "capacity",
    "max_bytes",
    "weigher",
    "hasher",
    "name",
    "version",
    "key",
    "skip",
    "ttl",
    "near_ttl",
    "idle",
    "jitter",
    "refresh_ahead",
    "stale_while_revalidate",
    "refresh",
    "stale_if_error",
    "errors",
    "none",
    "cache_if",
    "bypass_if",
    "single_flight",
    "max_loads",
    "load_timeout",
    "timeout",
    "lock",
    "on_backend_error",
    "on_removal",
    "tags",
    "batch",
    "of",
    "http",
    "scope",
    "companion",
    "method",
    "cache",
    "crate",
];

/// Those that take the path of a type.
const NAMES_OF_TYPES: &[&str] = &["strategy", "hasher", "codec"];

pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `method`
    Flag,
    /// `ttl = "30s"`
    Is(Expr),
    /// `skip(db)`
    List(Group),
    /// Something that has been reported already.
    Unreadable,
}

/// All arguments, also those that do not exist.
pub(crate) fn arguments(tokens: TokenStream, errors: &mut Errors) -> Vec<Arg> {
    let mut args = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match argument(input, errors) {
                Some(arg) => args.push(arg),
                None => recover(input),
            }
            separator(input, errors);
        }
        Ok(())
    };
    // The closure consumes everything and reports by itself.
    let complete = read.parse2(tokens);
    errors.keep(complete);
    args
}

fn argument(input: ParseStream<'_>, errors: &mut Errors) -> Option<Arg> {
    let Ok(name) = input.call(Ident::parse_any) else {
        errors.push(say::not_an_argument(input.span(), &input.cursor().token_stream()));
        return None;
    };
    let value = if input.peek(Token![=]) {
        Some(value(&name, input, errors))
    } else if let Ok((Delimiter::Parenthesis, group)) = group(input) {
        Some(Value::List(group))
    } else {
        Some(Value::Flag)
    };
    value.map(|value| Arg { name, value })
}

/// What stands behind `name`, from the equals sign on.
pub(crate) fn value(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Value {
    let equals = match input.parse::<Token![=]>() {
        Ok(equals) => equals,
        Err(error) => {
            errors.push(error);
            return Value::Unreadable;
        }
    };
    if input.is_empty() || input.peek(Token![,]) {
        errors.push(say::no_value(name, equals.span));
        return Value::Unreadable;
    }
    if let Some(path) = type_with_arguments(name, input) {
        return Value::Is(Expr::Path(path));
    }
    let fork = input.fork();
    match fork.parse::<Expr>() {
        Ok(expr) => {
            input.advance_to(&fork);
            Value::Is(expr)
        }
        Err(error) => {
            // At the end of the tokens an error would cover the whole attribute.
            let span = if fork.is_empty() { name.span() } else { error.span() };
            errors.push(say::unreadable(name, &error, span));
            recover(input);
            Value::Unreadable
        }
    }
}

/// `BuildHasherDefault<H>`, which as an expression would be a comparison.
fn type_with_arguments(name: &Ident, input: ParseStream<'_>) -> Option<ExprPath> {
    if !NAMES_OF_TYPES.iter().any(|known| name == known) {
        return None;
    }
    let fork = input.fork();
    let TypePath { qself: None, path, .. } = fork.parse().ok()? else { return None };
    let angled = |segment: &PathSegment| matches!(segment.arguments, PathArguments::AngleBracketed(_));
    let called = |segment: &PathSegment| matches!(segment.arguments, PathArguments::Parenthesized(_));
    if !path.segments.iter().any(angled) || path.segments.iter().any(called) {
        return None;
    }
    if !fork.is_empty() && !fork.peek(Token![,]) {
        return None;
    }
    input.advance_to(&fork);
    Some(ExprPath { attrs: Vec::new(), qself: None, path })
}

fn group(input: ParseStream<'_>) -> syn::Result<(Delimiter, Group)> {
    input.step(|cursor| match cursor.token_tree() {
        Some((proc_macro2::TokenTree::Group(group), rest)) => Ok(((group.delimiter(), group), rest)),
        _ => Err(cursor.error("expected a group")),
    })
}

/// Goes on to the next comma that something like an argument follows, so that the next mistake is found too.
pub(crate) fn recover(input: ParseStream<'_>) {
    while !input.is_empty() && !next_argument(input) {
        skip_one(input);
    }
}

fn next_argument(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    if fork.parse::<Token![,]>().is_err() {
        return false;
    }
    if fork.is_empty() {
        return true;
    }
    fork.call(Ident::parse_any).is_ok()
        && (fork.is_empty()
            || fork.peek(Token![,])
            || fork.peek(syn::token::Paren)
            || (fork.peek(Token![=]) && !fork.peek(Token![==])))
}

fn skip_one(input: ParseStream<'_>) {
    let skipped = input.step(|cursor| match cursor.token_tree() {
        Some((_, rest)) => Ok(((), rest)),
        None => Err(cursor.error("the end")),
    });
    debug_assert!(skipped.is_ok() || input.is_empty());
}

/// The comma between two arguments.
pub(crate) fn separator(input: ParseStream<'_>, errors: &mut Errors) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    let span: Span = input.span();
    errors.push(say::no_comma(span, &input.cursor().token_stream()));
    if input.fork().call(Ident::parse_any).is_err() {
        recover(input);
        // At the comma, or at the end.
        let _: Result<Token![,], _> = input.parse();
    }
}
