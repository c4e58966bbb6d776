//! What puts caches into the registry (feature `registry`): the names and texts that it needs, `register!`, and what enlists a function before `main`.

use super::{
    context::{Context, Home},
    forms,
    named::beside,
};
use crate::{
    features::{Registry, registry},
    model::{Method, Store},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Path, Type};

/// `register!(…)`: the first conflict, after all of them are registered.
pub(crate) fn registrations(paths: &[Path]) -> TokenStream {
    let mut calls = paths.iter().map(|path| {
        let called = beside(path, "__register", method_registration);
        quote!(#called())
    });
    let first = calls.next();
    // What stands in parentheses is called in any case.
    quote!(#first #(.and(#calls))*)
}

/// What it is called beside a method; of one that is not cached the compiler says that there is none.
pub(super) fn method_registration(method: &Ident, span: Span) -> Ident {
    format_ident!("__{}_needs_cache_to_be_registered", method, span = span)
}

impl Context<'_> {
    /// The builder calls about the registry.
    pub(super) fn registry_chain(&self) -> TokenStream {
        if registry() == Registry::Off {
            return TokenStream::new();
        }
        let (k, span) = (&self.k, self.span);
        let name = self.registry_name().map(|name| quote_spanned!(span=> .registered_as(#name)));
        let texts = self.text_types().map(|(key, value)| quote_spanned!(span=> .texts(#k::texts!(#key, #value))));
        quote!(#name #texts)
    }

    /// Where the name of the cache does not tell it from those of other functions, or of other instances of this one.
    fn registry_name(&self) -> Option<TokenStream> {
        let Store::Own(store) = &self.model.store else { return None };
        if self.far().is_some() {
            return None;
        }
        match &store.name {
            Some(name) => self.is_instance().then(|| self.shared_name(name)),
            // That of a function in a function lacks the outer one.
            None if matches!(self.home, Home::Companion | Home::Hidden) && !self.is_instance() => {
                let name = self.shared_path(self.static_name());
                Some(quote_spanned!(self.span=> ::std::string::String::from(#name)))
            }
            None => None,
        }
    }

    /// There may be several of its kind.
    fn is_instance(&self) -> bool {
        self.method().is_some() || self.type_args().next().is_some()
    }

    /// The types of key and value, where they can be written without asking anything of them.
    fn text_types(&self) -> Option<(TokenStream, TokenStream)> {
        if self.is_plain() {
            let (k, companion) = (&self.k, &self.companion);
            return Some((quote_spanned!(self.span=> <#companion as #k::Cached>::Key), self.value()));
        }
        let is_plain = |(ty, form): (Type, TokenStream)| forms::owns(&form) || forms::is_common(&ty);
        if self.is_inline() || !self.declared_parts().all(is_plain) {
            return None;
        }
        Some((self.generic_key()?, self.value()))
    }

    /// What `register!` calls, and what enlists it before `main`.
    pub(super) fn registration(&self) -> TokenStream {
        let Some(function) = self.registration_function() else { return TokenStream::new() };
        let (cfgs, doc) = (&self.cfgs, quote_spanned!(self.span=> #[doc(hidden)]));
        quote!(#(#cfgs)* #doc #function)
    }

    fn registration_function(&self) -> Option<TokenStream> {
        if registry() == Registry::Off || !self.can_be_registered() {
            return None;
        }
        let (k, span, name) = (&self.k, self.span, self.name("__register"));
        let key = self.generic_key().is_some();
        let (generics, clause) = (self.generics(key), self.clause(key));
        let (cache, infer) = self.whole_cache();
        let vis = if self.home == Home::Hidden { TokenStream::new() } else { self.vis() };
        let output = quote_spanned!(span=> ::core::result::Result<(), #k::Conflict>);
        let body = if self.owns_cache() {
            quote_spanned!(span=> { let __cachekit_cache = #cache; #infer #k::registered(__cachekit_cache) })
        } else {
            quote_spanned!(span=> { #k::registered(#cache) })
        };
        Some(quote_spanned!(span=> #[inline] #vis fn #name #generics () -> #output #clause #body))
    }

    fn can_be_registered(&self) -> bool {
        self.by_key() && (!self.lacks_handle() || self.finds_whole_cache())
    }

    /// Before `main`, of a function that has one cache.
    pub(super) fn enlisted(&self) -> TokenStream {
        if registry() != Registry::AtStart || self.type_args().next().is_some() || !self.can_be_registered() {
            return TokenStream::new();
        }
        let (k, span, cfgs) = (&self.k, self.span, &self.cfgs);
        let register = match (self.home, self.method()) {
            (Home::Companion | Home::Hidden, _) => self.path("__register"),
            // Outside of a block nobody knows which type it is of, and whether that is one.
            (_, Some(Method { block: Some(block), .. })) if block.generics.params.is_empty() => {
                let (this, name) = (&block.self_ty, self.name("__register"));
                quote_spanned!(span=> <#this>::#name)
            }
            _ => return TokenStream::new(),
        };
        quote_spanned!(span=> #(#cfgs)* #k::inventory::submit! { #k::AtStart(#register) })
    }
}
