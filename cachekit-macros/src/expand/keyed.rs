//! The operations that find an entry, or the whole cache, without a call of the function.

use super::{
    companion::{Operation, Takes},
    context::{Context, Home},
    key::mentions,
    spans,
};
use crate::model::Store;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Receiver, ReceiverKind};

/// Beside a method whose key is an expression, the type of which no signature can name: instead of a handle. Values are not put there by hand.
const INSTEAD_OF_A_HANDLE: [&str; 5] = ["get", "invalidate", "explain", "clear", "stats"];

impl Context<'_> {
    pub(super) fn keyed_operations(&self) -> Vec<Operation> {
        let (k, span, value) = (&self.k, self.span, self.value());
        let cache = self.cache();
        let over = |function: &str| {
            let (function, awaited) = self.entry_function(function);
            let call = self.with_parts(&quote_spanned!(span=> #k::#function(#cache, &__cachekit_parts)));
            self.awaited(call, awaited)
        };
        let tags = self.tag_array();
        let (function, awaited) = self.entry_function("insert");
        let insert =
            self.with_parts(&quote_spanned!(span=> #k::#function(#cache, &__cachekit_parts, __cachekit_value, #tags)));
        let insert = self.awaited(insert, awaited);
        let delivery = quote_spanned!(span=> #k::Delivery);
        let operation = |name, docs, takes, must_use, output, body| Operation {
            name,
            docs,
            takes,
            follows: true,
            must_use,
            output,
            body,
        };
        let mut operations = vec![
            operation(
                "get",
                "The cached value, if there is one; never computes.",
                Takes::Keys,
                true,
                quote_spanned!(span=> ::core::option::Option<#value>),
                over("get"),
            ),
            operation(
                "insert",
                "Puts a value into the cache, as if it had been computed.",
                Takes::KeysAndValue,
                false,
                delivery.clone(),
                insert,
            ),
            operation(
                "invalidate",
                "Removes the value: the next call computes.",
                Takes::Keys,
                false,
                delivery.clone(),
                over("invalidate"),
            ),
            operation(
                "explain",
                "Says what the cache knows about a key, and why a call would hit or miss.",
                Takes::Keys,
                true,
                quote_spanned!(span=> #k::Explain),
                over("explain"),
            ),
        ];
        let (cache, infer) = self.whole_cache();
        let owned = self.owns_cache();
        let whole = |function: &str| {
            let (function, awaited) = self.entry_function(function);
            if owned {
                quote_spanned!(span=> { let __cachekit_cache = #cache; #infer #k::#function(__cachekit_cache) #awaited })
            } else {
                // In one expression: the user's may have made temporaries.
                quote_spanned!(span=> { #k::#function(#cache) })
            }
        };
        operations.push(operation(
            "clear",
            "Removes all values of this cache.",
            Takes::Nothing,
            false,
            delivery,
            whole("clear"),
        ));
        operations.push(Operation {
            follows: false,
            ..operation(
                "stats",
                "What the cache has counted.",
                Takes::Nothing,
                true,
                quote_spanned!(span=> #k::Stats),
                whole("stats"),
            )
        });
        operations
    }

    /// Those of a method that has no handle.
    pub(super) fn operations_without_handle(&self) -> Vec<Operation> {
        if !self.lacks_handle() {
            return Vec::new();
        }
        let mut operations = self.keyed_operations();
        operations.retain(|operation| {
            INSTEAD_OF_A_HANDLE.contains(&operation.name)
                && (self.finds_whole_cache() || !matches!(operation.takes, Takes::Nothing))
        });
        operations
    }

    /// A method with a cache of its own and a key of an unknown type.
    pub(super) fn lacks_handle(&self) -> bool {
        matches!(self.home, Home::Beside | Home::InherentImpl) && self.owns_cache() && self.generic_key().is_none()
    }

    /// Whether the cache can be reached without a call: not if it is in a field.
    pub(super) fn by_key(&self) -> bool {
        match &self.model.store {
            Store::Own(_) => true,
            Store::Elsewhere(cache) => {
                !mentions(cache, "self") && self.params.iter().all(|param| !mentions(cache, &param.name.to_string()))
            }
        }
    }

    /// The cache without a key at hand, and what tells the compiler the key's type.
    pub(super) fn whole_cache(&self) -> (TokenStream, TokenStream) {
        let (k, span) = (&self.k, self.span);
        if self.is_plain() || !self.owns_cache() {
            return (self.cache(), TokenStream::new());
        }
        if self.generic_key().is_some() {
            let (path, turbofish) = (self.path("cache"), self.turbofish(false));
            return (quote_spanned!(span=> #path #turbofish()), TokenStream::new());
        }
        let keys = self.keys();
        let (names, types): (Vec<_>, Vec<_>) =
            keys.iter().map(|param| (&param.name, spans::repeated(&param.ty))).unzip();
        if let Some(receiver) = self.sig.receiver().filter(|_| self.key_mentions_self()) {
            let (path, turbofish) = (self.path("__key"), self.turbofish(false));
            let this = receiver_type(receiver);
            let closure = quote_spanned!(span=> |(__cachekit_self, #(#names,)*): (#this, #(#types,)*)| #path #turbofish (__cachekit_self, #(#names),*));
            return (self.cache(), quote_spanned!(span=> #k::keyed_like(__cachekit_cache, #closure);));
        }
        let owned = self.with_parts(&quote_spanned!(span=> #k::Parts::to_key(&__cachekit_parts)));
        (self.cache(), quote_spanned!(span=> #k::keyed_like(__cachekit_cache, |(#(#names,)*): (#(#types,)*)| #owned);))
    }

    /// A listener or a weigher is of the key's very type, which is hidden where a key is computed from a `self` that is not at hand.
    pub(super) fn finds_whole_cache(&self) -> bool {
        !self.names_key() || !self.key_mentions_self()
    }

    /// Computes a key that mentions `self`, which a closure cannot take.
    pub(super) fn key_function(&self) -> TokenStream {
        let (k, span, name) = (&self.k, self.span, self.name("__key"));
        let (generics, clause) = (self.generics(false), self.clause(false));
        let (inputs, permissions) = (self.inputs(&Takes::Keys), self.permissions());
        let key = self.with_parts(&quote_spanned!(span=> #k::Parts::to_key(&__cachekit_parts)));
        let stored = self.far().map(|_| quote_spanned!(span=> + #k::Serialize));
        quote_spanned!(span=> #permissions fn #name #generics (#inputs) -> ::core::option::Option<impl #k::Key #stored> #clause #key)
    }
}

/// `&Self`
fn receiver_type(receiver: &Receiver) -> TokenStream {
    match &receiver.kind {
        ReceiverKind::Typed(_, ty) => spans::repeated(ty),
        ReceiverKind::Reference(and, lifetime, _) => quote!(#and #lifetime Self),
        _ => quote!(Self),
    }
}
