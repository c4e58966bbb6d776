//! `register!(…)`.

use super::{at, at_span, code};
use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

pub(crate) fn feature_off() -> Error {
    at_span(
        Span::call_site(),
        "CK161",
        "`register!` needs the feature \"registry\" of cachekit: add it in Cargo.toml, `features = [\"registry\"]`",
    )
}

pub(crate) fn nothing() -> Error {
    at_span(
        Span::call_site(),
        "CK162",
        "`register!` names nothing to register: write cached functions, `register!(user, Repo::find)`",
    )
}

pub(crate) fn not_a_path(found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK162",
        &format!(
            "`{}` is not the name of a cached function: write `user`, `Repo::find`, or `first::<u64>` for an instance of a generic one",
            code(found)
        ),
    )
}

pub(crate) fn unreadable(error: &Error) -> Error {
    at_span(
        error.span(),
        "CK162",
        &format!("this is not a list of cached functions ({error}): write `register!(user, Repo::find)`"),
    )
}
