//! Every message that the macros can give, one file per topic.
//!
//! A message names the argument, says what is wrong and what to write, and ends in an id under which `docs/diagnostics.md` says more.

pub(crate) mod args;
pub(crate) mod batch;
mod code;
pub(crate) mod companion;
pub(crate) mod far;
pub(crate) mod freshness;
#[cfg(feature = "axum")]
pub(crate) mod http;
pub(crate) mod invalidate;
pub(crate) mod key;
pub(crate) mod outcome;
pub(crate) mod peers;
pub(crate) mod register;
pub(crate) mod shape;
pub(crate) mod size;
pub(crate) mod store;
mod suggest;
pub(crate) mod template;
pub(crate) mod units;

pub(crate) use code::code;
pub(crate) use suggest::{did_you_mean, nearest};

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// The errors found so far: a user wants all of them at once.
#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Keeps the error, if it is one, and gives the value, if it is one.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.into_iter().map(Error::into_compile_error).collect()
    }
}

/// An error that covers some tokens.
fn at(tokens: &dyn ToTokens, id: &str, message: &str) -> Error {
    Error::new_spanned(tokens, format_args!("{message} [{id}]"))
}

fn at_span(span: Span, id: &str, message: &str) -> Error {
    Error::new(span, format_args!("{message} [{id}]"))
}

/// `a`, `b` and `c`, each in backticks.
fn list<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
