//! Where generated tokens claim to stand.
//!
//! Two rules. What the machine names must not meet what the user names, so its tokens are resolved at mixed site. And lints must not see generated
//! items as the user's own, so whatever of the user's tokens is repeated in one (visibility, generics, types) is resolved at call site: it means the
//! same and counts as expanded.
//!
//! Hygiene covers locals, not items: a local called `value` would be taken for a constant of that name, and a pattern for a comparison with it. So
//! every name that generated code binds is `__cachekit_…` ([`local`] makes the numbered ones), `__argN` for a parameter that has no name of its own.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned as _;
use syn::{Ident, Receiver, ReceiverKind};

/// At the place of `span`, with the machine's names.
pub(super) fn machine(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The name of one of several locals.
pub(super) fn local(name: &str, index: usize, span: Span) -> Ident {
    quote::format_ident!("__cachekit_{name}{index}", span = span)
}

/// Of the tokens as a whole.
pub(super) fn of(tokens: &dyn ToTokens) -> Span {
    machine(tokens.to_token_stream().span())
}

/// The user's tokens in a generated item.
pub(super) fn repeated(tokens: &dyn ToTokens) -> TokenStream {
    each(tokens.to_token_stream(), &|span| Span::call_site().located_at(span))
}

/// A receiver in a generated item: `self` itself keeps its hygiene, which the body's `self` shares.
pub(super) fn repeated_receiver(receiver: &Receiver) -> TokenStream {
    match &receiver.kind {
        ReceiverKind::Typed(_, ty) => {
            let (this, ty) = (&receiver.self_token, repeated(ty));
            quote!(#this: #ty)
        }
        _ => quote!(#receiver),
    }
}

/// The path of the facade as if it had been written at `span`.
pub(super) fn placed(tokens: &dyn ToTokens, span: Span) -> TokenStream {
    each(tokens.to_token_stream(), &|_| span)
}

/// The user's tokens where an error in them is the fault of what stands at `at`.
pub(super) fn blamed(tokens: &dyn ToTokens, at: Span) -> TokenStream {
    each(tokens.to_token_stream(), &|span| span.located_at(at))
}

/// The body behind some statements, in its own braces: in a second pair a body of one expression would be a lint in the user's code.
pub(super) fn continued(statements: &TokenStream, body: &TokenStream) -> TokenStream {
    let mut trees = body.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Brace => {
            let inside = group.stream();
            let mut whole = Group::new(Delimiter::Brace, quote!(#statements #inside));
            whole.set_span(group.span());
            TokenTree::Group(whole).into()
        }
        // What a macro was given as a block.
        _ => quote!({ #statements #body }),
    }
}

fn each(tokens: TokenStream, change: &dyn Fn(Span) -> Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) => {
                let mut changed = Group::new(group.delimiter(), each(group.stream(), change));
                changed.set_span(change(group.span()));
                TokenTree::Group(changed)
            }
            // Resolves by its span alone.
            TokenTree::Ident(ident) if ident == "$crate" => TokenTree::Ident(ident),
            mut tree => {
                tree.set_span(change(tree.span()));
                tree
            }
        })
        .collect()
}
