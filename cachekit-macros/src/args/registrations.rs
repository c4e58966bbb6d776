//! `register!(user, Repo::find, first::<u64>)`.

use crate::diagnostics::{Errors, register as say};
use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Path, Token};

pub(crate) fn registrations(tokens: TokenStream, errors: &mut Errors) -> Vec<Path> {
    let read = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens).map_err(|error| say::unreadable(&error));
    let paths = errors.keep(read).into_iter().flatten().filter_map(|expr| match expr {
        Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Some(path.path),
        other => {
            errors.push(say::not_a_path(&other));
            None
        }
    });
    let paths: Vec<Path> = paths.collect();
    if paths.is_empty() && errors.is_empty() {
        errors.push(say::nothing());
    }
    paths
}
