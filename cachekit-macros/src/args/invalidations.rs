//! `#[invalidate(user(id), |value| posts(value.author), name = value)]`.

use super::arguments::{Arg, Value, recover, separator, value};
use crate::diagnostics::{Errors, invalidate as say};
use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Ident, Token};

pub(crate) enum Entry {
    /// `tags = […]`
    Named(Arg),
    /// Anything else: a call or a closure, if it is right.
    Target(Expr),
}

pub(crate) fn invalidations(tokens: TokenStream, errors: &mut Errors) -> Vec<Entry> {
    let mut entries = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            entries.extend(entry(input, errors));
            separator(input, errors);
        }
        Ok(())
    };
    let complete = read.parse2(tokens);
    errors.keep(complete);
    entries
}

fn entry(input: ParseStream<'_>, errors: &mut Errors) -> Option<Entry> {
    let fork = input.fork();
    if let Ok(name) = fork.call(Ident::parse_any)
        && fork.peek(Token![=])
        && !fork.peek(Token![==])
    {
        input.advance_to(&fork);
        let value: Value = value(&name, input, errors);
        return Some(Entry::Named(Arg { name, value }));
    }
    let fork = input.fork();
    match fork.parse::<Expr>() {
        Ok(expr) => {
            input.advance_to(&fork);
            Some(Entry::Target(expr))
        }
        Err(error) => {
            let span = if fork.is_empty() { input.span() } else { error.span() };
            errors.push(say::unreadable(&error, span));
            recover(input);
            None
        }
    }
}
