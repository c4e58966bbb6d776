//! The user's functions that take the key: listener and weigher.
//!
//! They name the key's type, which the function around the static of a generic function or of a method does not know. So whoever calls it passes
//! them.

use super::{
    context::{Context, Home},
    spans,
};
use crate::model::{Bound, Store};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, Ident};

#[derive(Clone, Copy)]
pub(super) enum Callback {
    OnRemoval,
    Weigher,
}

impl Context<'_> {
    /// What the builder gets.
    pub(super) fn callback(&self, which: Callback, function: &Expr) -> TokenStream {
        if self.callbacks_are_passed() {
            let name = which.parameter(self.span);
            quote_spanned!(self.span=> #name())
        } else {
            quote::quote!(#function)
        }
    }

    fn callbacks_are_passed(&self) -> bool {
        !self.is_plain() && self.home != Home::Nowhere
    }

    /// Those that are passed.
    fn callbacks(&self) -> impl Iterator<Item = (Callback, &Expr)> {
        let weigher = match &self.model.store {
            Store::Own(store) => match &store.bound {
                Some(Bound::Bytes(bytes)) => bytes.weigher.as_ref(),
                _ => None,
            },
            Store::Elsewhere(_) => None,
        };
        let removal = self.model.on_removal.as_ref().map(|function| (Callback::OnRemoval, function));
        let both = removal.into_iter().chain(weigher.map(|function| (Callback::Weigher, function)));
        both.filter(|_| self.callbacks_are_passed())
    }

    /// Some function of the user's names the very type of the key.
    pub(super) fn names_key(&self) -> bool {
        self.callbacks().next().is_some()
    }

    /// The key is named where a callback would otherwise tell its type, right or wrong: then only the callback is wrong.
    pub(super) fn site_turbofish(&self) -> TokenStream {
        if self.is_plain() {
            return TokenStream::new();
        }
        match self.generic_key().filter(|_| self.names_key()) {
            Some(key) => {
                let args = self.type_args().map(|arg| spans::placed(arg, self.span));
                quote_spanned!(self.span=> ::<#(#args,)* #key>)
            }
            None => self.turbofish(true),
        }
    }

    pub(super) fn callback_parameters(&self, value: &TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let parameters = self.callbacks().map(|(which, _)| {
            let (name, signature) = (which.parameter(span), which.signature(k, value, span));
            quote_spanned!(span=> #name: fn() -> ::std::boxed::Box<dyn #signature + ::core::marker::Send + ::core::marker::Sync>)
        });
        quote_spanned!(span=> #(#parameters),*)
    }

    pub(super) fn callback_arguments(&self) -> TokenStream {
        let arguments = self.callbacks().map(|(_, function)| {
            let span = spans::of(function);
            quote_spanned!(span=> || ::std::boxed::Box::new(#function))
        });
        quote_spanned!(self.span=> #(#arguments),*)
    }
}

impl Callback {
    /// The name under which it is passed.
    fn parameter(self, span: Span) -> Ident {
        let name = match self {
            Callback::OnRemoval => "__cachekit_on_removal",
            Callback::Weigher => "__cachekit_weigher",
        };
        Ident::new(name, span)
    }

    fn signature(self, k: &TokenStream, value: &TokenStream, span: Span) -> TokenStream {
        match self {
            Callback::OnRemoval => quote_spanned!(span=> ::core::ops::Fn(&__CachekitKey, &#value, #k::RemovalCause)),
            Callback::Weigher => {
                quote_spanned!(span=> ::core::ops::Fn(&__CachekitKey, &#value) -> ::core::primitive::u64)
            }
        }
    }
}
