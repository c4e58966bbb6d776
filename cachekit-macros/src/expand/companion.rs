//! The companion: an enum without values that has the function's name in the type namespace, and the operations on it.

use super::{
    context::{Context, Home},
    spans,
};
use crate::model::{Function, Param};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{PathArguments, ReturnType, Type};

/// The parameters of an operation, besides the receiver.
pub(super) enum Takes {
    Nothing,
    Keys,
    /// Keys, what tags mention, and the value.
    KeysAndValue,
    Everything,
}

/// One function beside the wrapper.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) docs: &'static str,
    pub(super) takes: Takes,
    /// Async if the function is.
    pub(super) follows: bool,
    pub(super) must_use: bool,
    pub(super) output: TokenStream,
    pub(super) body: TokenStream,
}

impl Context<'_> {
    pub(super) fn companion_items(&self) -> TokenStream {
        let (k, span, cfgs, companion) = (&self.k, self.span, &self.cfgs, &self.companion);
        let hidden = self.home == Home::Hidden;
        let vis = if hidden { TokenStream::new() } else { spans::repeated(&self.function().vis) };
        let doc = (!hidden).then(|| quote_spanned!(span=> #[doc(hidden)]));
        // Without it, a lint for exported enums speaks up.
        let exhaustive = (!hidden).then(|| quote_spanned!(span=> #[non_exhaustive]));
        let types = self.is_plain().then(|| {
            let key = self.concrete_key();
            if self.model.batch.is_some() {
                let value = self.concrete_batch_value();
                return quote_spanned! {span=>
                    #(#cfgs)*
                    impl #k::Cached for #companion {
                        type Key = #key;
                        type Kind = #k::Plain;
                        type Value = #value;
                    }
                };
            }
            let kind = self.concrete_kind(true);
            let output = spans::repeated(&super::eternal::eternal(&self.output));
            quote_spanned! {span=>
                #(#cfgs)*
                impl #k::Cached for #companion {
                    type Key = #key;
                    type Kind = #kind;
                    type Value = <Self::Kind as #k::OutputKind<#output>>::Stored;
                }
            }
        });
        let uncached = self.uncached_function();
        let machinery = self.machinery();
        let operations = if hidden {
            Vec::new()
        } else {
            self.operations().iter().map(|operation| self.operation(operation)).collect()
        };
        let invalidation = if hidden { TokenStream::new() } else { self.invalidation_function() };
        let (registration, enlisted) = (self.registration(), self.enlisted());
        quote_spanned! {span=>
            #(#cfgs)* #doc #exhaustive #vis enum #companion {}
            #types
            #(#cfgs)*
            impl #companion {
                #uncached
                #(#operations)*
                #machinery
                #invalidation
                #registration
            }
            #enlisted
        }
    }

    /// What wrapper and operations call.
    pub(super) fn machinery(&self) -> TokenStream {
        let site = self.site();
        if self.is_inline() || self.model.batch.is_some() {
            return site;
        }
        let load = self.load_function();
        let refresh = if self.refreshes_in_task() { self.refresh_task() } else { TokenStream::new() };
        quote!(#site #load #refresh)
    }

    /// The function as it was written, under another name.
    pub(super) fn uncached_function(&self) -> TokenStream {
        let Function { shared, body_attrs, body, .. } = self.function();
        // Deprecation is about the wrapper: here it would warn of the calls that the machine makes.
        let shared = shared.iter().filter(|attr| !attr.path().is_ident("deprecated"));
        let mut sig = self.sig.clone();
        sig.ident = self.name("uncached");
        let vis = if self.home == Home::Hidden { TokenStream::new() } else { self.vis() };
        let body = self.with_trait_in_scope(body);
        let docs = quote_spanned!(self.span=> #[doc = "Runs the function and leaves its cache alone."]);
        quote!(#docs #(#shared)* #(#body_attrs)* #vis #sig #body)
    }

    /// The methods of a trait that is named by a path may not be in scope outside of its impl.
    fn with_trait_in_scope(&self, body: &TokenStream) -> TokenStream {
        let block = self.method().and_then(|method| method.block.as_ref());
        match block.and_then(|block| block.of_trait.as_ref()) {
            Some(Type::Path(of_trait)) if self.home == Home::InherentImpl && of_trait.path.segments.len() > 1 => {
                let mut path = of_trait.path.clone();
                if let Some(last) = path.segments.last_mut() {
                    last.arguments = PathArguments::None;
                }
                let path = spans::repeated(&path);
                spans::continued(&quote_spanned!(self.span=> use #path as _;), body)
            }
            _ => body.clone(),
        }
    }

    fn operations(&self) -> Vec<Operation> {
        if let Some(batch) = &self.model.batch {
            return self.batch_operations(batch);
        }
        let mut operations = vec![self.traced(), self.refresh()];
        if self.by_key() {
            operations.extend(self.keyed_operations());
        }
        operations.extend(self.handle());
        operations
    }

    pub(super) fn traced(&self) -> Operation {
        let (k, output) = (&self.k, spans::repeated(&self.output));
        Operation {
            name: "traced",
            docs: "Calls the function and says how it went: hit, stale hit, miss, joined or bypassed.",
            takes: Takes::Everything,
            follows: true,
            must_use: true,
            output: quote_spanned!(self.span=> (#output, #k::Outcome)),
            body: self.traced_body(),
        }
    }

    pub(super) fn refresh(&self) -> Operation {
        Operation {
            name: "refresh",
            docs: "Computes the value whatever the cache holds, and stores it.",
            takes: Takes::Everything,
            follows: true,
            must_use: false,
            output: spans::repeated(&self.output),
            body: self.refresh_body(),
        }
    }

    /// The cache itself, where the types of its keys can be written.
    pub(super) fn handle(&self) -> Option<Operation> {
        let (k, span, value) = (&self.k, self.span, self.value());
        let key = if self.is_plain() {
            let companion = &self.companion;
            quote_spanned!(span=> <#companion as #k::Cached>::Key)
        } else {
            self.generic_key()?
        };
        let cache = self.owns_cache().then(|| self.cache())?;
        Some(Operation {
            name: "cache",
            docs: "The cache itself.",
            takes: Takes::Nothing,
            follows: false,
            must_use: true,
            output: quote_spanned!(span=> &'static #k::Cache<#key, #value>),
            body: quote_spanned!(span=> { #cache }),
        })
    }

    pub(super) fn operation(&self, operation: &Operation) -> TokenStream {
        let Operation { docs, output, body, .. } = operation;
        let (span, name, vis) = (self.span, self.name(operation.name), self.vis());
        let must_use = operation.must_use.then(|| quote_spanned!(span=> #[must_use]));
        let allowed = match operation.takes {
            Takes::Everything => self.permissions(),
            // One more than a lint permits, and not by the user's doing.
            Takes::KeysAndValue if self.keys_and_tags().len() == 7 => {
                quote_spanned!(span=> #[allow(clippy::too_many_arguments)])
            }
            Takes::KeysAndValue | Takes::Keys => self.permissions(),
            Takes::Nothing => TokenStream::new(),
        };
        let asyncness = (operation.follows && self.is_async).then(|| quote_spanned!(span=> async));
        let inputs = self.inputs(&operation.takes);
        // Those that need the cache without a key call the one that names the key's type.
        let key = matches!(operation.takes, Takes::Nothing) && self.generic_key().is_some();
        let (generics, clause) = (self.generics(key), self.clause(key));
        let unit = matches!(self.sig.output, ReturnType::Default) && operation.name == "refresh";
        let output = (!unit).then(|| quote_spanned!(span=> -> #output));
        // Without `inline` code would be generated for all of them in the user's crate, called or not.
        quote_spanned!(span=> #[doc = #docs] #[inline] #must_use #allowed #vis #asyncness fn #name #generics (#inputs) #output #clause #body)
    }

    pub(super) fn inputs(&self, takes: &Takes) -> TokenStream {
        let typed = |params: Vec<&Param>| -> TokenStream {
            let params = params.into_iter().map(|param| {
                let (name, ty) = (&param.name, spans::repeated(&param.ty));
                quote_spanned!(self.span=> #name: #ty,)
            });
            quote!(#(#params)*)
        };
        match takes {
            Takes::Nothing => TokenStream::new(),
            Takes::Keys => {
                let (this, params) = (self.key_receiver(), typed(self.keys()));
                quote!(#this #params)
            }
            Takes::KeysAndValue => {
                let (params, value) = (typed(self.keys_and_tags()), self.value());
                quote_spanned!(self.span=> #params __cachekit_value: #value)
            }
            Takes::Everything => {
                let this = self.sig.receiver().map(|receiver| {
                    let mut receiver = receiver.clone();
                    receiver.mutability = None;
                    let receiver = spans::repeated_receiver(&receiver);
                    quote!(#receiver,)
                });
                let params = typed(self.params.clone());
                quote!(#this #params)
            }
        }
    }

    /// `&self,` where the key is made of it.
    pub(super) fn key_receiver(&self) -> Option<TokenStream> {
        self.sig.receiver().filter(|_| self.key_mentions_self()).map(|receiver| {
            let receiver = spans::repeated_receiver(receiver);
            quote!(#receiver,)
        })
    }

    /// What `#[invalidate(…)]` calls.
    pub(super) fn invalidation_function(&self) -> TokenStream {
        if !self.owns_cache() {
            return TokenStream::new();
        }
        let (k, span, name, vis) = (&self.k, self.span, self.name("__invalidation"), self.vis());
        let (generics, clause) = (self.generics(false), self.clause(false));
        let (inputs, cache) = (self.inputs(&Takes::Keys), self.cache());
        let permissions = self.permissions();
        let body = match &self.model.batch {
            Some(batch) => self.batch_keys(batch, &|keys| quote_spanned!(span=> #k::invalidation_many(#cache, #keys))),
            None => self.with_parts(&quote_spanned!(span=> #k::invalidation(#cache, &__cachekit_parts))),
        };
        quote_spanned!(span=> #[doc(hidden)] #[inline] #permissions #vis fn #name #generics (#inputs) -> #k::Invalidation #clause #body)
    }
}
