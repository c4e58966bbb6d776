//! Patterns of parameters.

use super::key::same;
use crate::{each::each_mut, model::Param};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Pat, PatIdent, PathArguments, Token, Type, parse_quote};

/// `Path(id): Path<u64>`: an extractor is no key, but what it is taken apart into, which is all that the body has of it.
pub(super) fn is_wrapper(param: &Param) -> bool {
    let (Pat::TupleStruct(pattern), Type::Path(ty)) = (&param.pattern, &param.ty) else { return false };
    let names = (pattern.path.segments.last(), ty.path.segments.last());
    let (Some(one), Some(other)) = names else { return false };
    let of_one = matches!(&other.arguments, PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1);
    one.ident == other.ident && of_one && pattern.elems.len() == 1 && !param.bound.is_empty()
}

/// `let pattern = &argument;` for every pattern of which a name is mentioned.
pub(super) fn rebound<'a>(
    params: impl IntoIterator<Item = &'a Param>,
    span: Span,
    mentioned: &dyn Fn(&Ident) -> bool,
) -> TokenStream {
    let bindings = params.into_iter().filter_map(|param| {
        let plain = matches!(param.bound.as_slice(), [only] if same(only, &param.name));
        if plain || !param.bound.iter().any(mentioned) {
            return None;
        }
        let (mut pattern, name) = (param.pattern.clone(), &param.name);
        only_mentioned(&mut pattern, mentioned);
        Some(quote_spanned!(span=> let #pattern = &#name;))
    });
    quote!(#(#bindings)*)
}

/// Turns a pattern into one that binds by reference, and only what is mentioned.
fn only_mentioned(pattern: &mut Pat, mentioned: &dyn Fn(&Ident) -> bool) {
    match pattern {
        Pat::Ident(PatIdent { ident, subpat, by_ref, mutability, .. }) => {
            (*by_ref, *mutability) = (None, None);
            let constant = ident.to_string().starts_with(char::is_uppercase);
            match subpat {
                Some((_, inner)) => {
                    only_mentioned(inner, mentioned);
                    if !constant && !mentioned(ident) {
                        *pattern = (**inner).clone();
                    }
                }
                None if !constant && !mentioned(ident) => *pattern = parse_quote!(_),
                None => {}
            }
        }
        Pat::Or(pat) => each_mut(&mut pat.cases, &mut |pat| only_mentioned(pat, mentioned)),
        Pat::Paren(pat) => only_mentioned(&mut pat.pat, mentioned),
        Pat::Reference(pat) => only_mentioned(&mut pat.pat, mentioned),
        Pat::Slice(pat) => each_mut(&mut pat.elems, &mut |pat| only_mentioned(pat, mentioned)),
        Pat::Tuple(pat) => each_mut(&mut pat.elems, &mut |pat| only_mentioned(pat, mentioned)),
        Pat::TupleStruct(pat) => each_mut(&mut pat.elems, &mut |pat| only_mentioned(pat, mentioned)),
        Pat::Type(pat) => only_mentioned(&mut pat.pat, mentioned),
        Pat::Struct(pat) => each_mut(&mut pat.fields, &mut |field| {
            only_mentioned(&mut field.pat, mentioned);
            if field.colon_token.is_none() && matches!(&*field.pat, Pat::Wild(_)) {
                field.colon_token = Some(<Token![:]>::default());
            }
        }),
        _ => {}
    }
}
