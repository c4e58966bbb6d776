//! From the name of a cached function to what stands beside it.

use super::spans;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;
use syn::ext::IdentExt as _;

/// `user` → `user::free`, of a function; `Repo::find` → `Repo::method(find)`, of a method: what stands before it is a type, which begins with a capital.
pub(super) fn beside(path: &Path, free: &str, method: fn(&Ident, Span) -> Ident) -> TokenStream {
    let mut path = path.clone();
    let Some(last) = path.segments.pop() else { return TokenStream::new() };
    let of_type = path.segments.last().is_some_and(|segment| segment.ident.to_string().starts_with(char::is_uppercase));
    let arguments = &last.arguments;
    if of_type {
        let hidden = method(&last.ident.unraw(), last.ident.span());
        return quote!(#path #hidden #arguments);
    }
    let companion = &last.ident;
    let hidden = Ident::new(free, spans::machine(last.ident.span()));
    quote!(#path #companion::#hidden #arguments)
}
