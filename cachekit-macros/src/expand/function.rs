//! The wrapper: looks, and on a miss runs the body that stands beside it.

use super::{
    context::{Context, Home},
    key::Part,
    spans,
};
use crate::model::{Backend, Function, Model, Store};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Expr, Meta, ReturnType, parse_quote};

/// What a function becomes.
#[derive(Default)]
pub(super) struct Expansion {
    /// In its place.
    pub(super) here: TokenStream,
    /// In an inherent impl of the same type, for a method of a trait impl.
    pub(super) inherent: TokenStream,
    /// Behind the impl block.
    pub(super) outside: TokenStream,
}

/// A parameter under `cfg` may or may not be there, and a key cannot be written for both at once: one expansion per case, each under its `cfg`.
pub(super) fn expand(model: &Model) -> Expansion {
    let params = &model.function.params;
    let optional: Vec<(usize, Vec<&TokenStream>)> = params
        .iter()
        .enumerate()
        .map(|(index, param)| (index, conditions(&param.attrs)))
        .filter(|(_, conditions)| !conditions.is_empty())
        .collect();
    let mut expansion = Expansion::default();
    for case in 0..1_u32 << optional.len().min(8) {
        let mut present = vec![true; params.len()];
        let mut cfgs: Vec<Attribute> = Vec::new();
        for (bit, (index, conditions)) in optional.iter().enumerate() {
            let there = case >> bit & 1 == 0;
            if let Some(slot) = present.get_mut(*index) {
                *slot = there;
            }
            cfgs.push(if there {
                parse_quote!(#[cfg(all(#(#conditions),*))])
            } else {
                parse_quote!(#[cfg(not(all(#(#conditions),*)))])
            });
        }
        let context = Context::new(model, &present, cfgs);
        let Expansion { here, inherent, outside } = context.expand();
        expansion.here.extend(here);
        expansion.inherent.extend(inherent);
        expansion.outside.extend(outside);
    }
    expansion
}

/// What stands in the `cfg` attributes.
fn conditions(attrs: &[Attribute]) -> Vec<&TokenStream> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .filter_map(|attr| if let Meta::List(list) = &attr.meta { Some(&list.tokens) } else { None })
        .collect()
}

/// How the wrapper's code looks a key up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    /// Says how it went.
    Traced,
    /// Computes whatever is there.
    Refresh,
}

impl Context<'_> {
    fn expand(&self) -> Expansion {
        #[cfg(feature = "axum")]
        if let Some(http) = &self.model.http {
            return Expansion { here: self.handler(http), ..Expansion::default() };
        }
        let wrapper = match &self.model.batch {
            Some(batch) => self.batch_wrapper(batch),
            None => self.wrapper(),
        };
        match self.home {
            Home::Companion => {
                let companion = self.companion_items();
                Expansion { here: quote!(#wrapper #companion), ..Expansion::default() }
            }
            Home::Beside => {
                let beside = self.method_items();
                Expansion { here: quote!(#wrapper #beside), outside: self.enlisted(), ..Expansion::default() }
            }
            Home::InherentImpl => Expansion { here: wrapper, inherent: self.method_items(), outside: self.enlisted() },
            Home::Hidden | Home::Nowhere => Expansion { here: wrapper, ..Expansion::default() },
        }
    }

    fn wrapper(&self) -> TokenStream {
        let hidden = if self.home == Home::Hidden { self.companion_items() } else { TokenStream::new() };
        let assertions = [self.output_assertion(), self.key_assertions(), self.output_requirements()];
        let context = self.where_errors_belong();
        let flow = if self.is_inline() { context.inline_flow() } else { context.flow(Look::Plain) };
        let body = quote_spanned!(self.span=> { #hidden #(#assertions)* #flow });
        self.around(&body)
    }

    /// The wrapper with this body.
    pub(super) fn around(&self, body: &TokenStream) -> TokenStream {
        let Function { docs, shared, body_attrs, vis, .. } = self.function();
        let (cfgs, section) = (&self.cfgs, self.cached_section());
        // Without a body of its own there is no other place for them.
        let body_attrs = if self.is_inline() { quote!(#(#body_attrs)*) } else { self.permissions() };
        let signature = self.wrapper_signature();
        quote!(#(#docs)* #section #(#cfgs)* #(#shared)* #body_attrs #vis #signature #body)
    }

    fn wrapper_signature(&self) -> TokenStream {
        let (asyncness, name, generics) = (&self.sig.asyncness, &self.sig.ident, &self.sig.generics);
        let (inputs, output, clause) = (self.wrapper_inputs(), &self.sig.output, &generics.where_clause);
        let fn_token = &self.sig.fn_token;
        quote!(#asyncness #fn_token #name #generics (#inputs) #output #clause)
    }

    /// `traced`: the wrapper's code once more, with an account of it.
    pub(super) fn traced_body(&self) -> TokenStream {
        let (k, flow) = (&self.k, self.flow(Look::Traced));
        quote_spanned!(self.span=> { let mut __cachekit_trace = #k::Outcome::new(); let __cachekit_value = #flow; (__cachekit_value, __cachekit_trace) })
    }

    /// `refresh`: computes and stores.
    pub(super) fn refresh_body(&self) -> TokenStream {
        let flow = self.flow(Look::Refresh);
        quote_spanned!(self.span=> { #flow })
    }

    fn flow(&self, look: Look) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let traced = if look == Look::Traced {
            quote_spanned!(span=> &mut __cachekit_trace)
        } else {
            quote_spanned!(span=> &mut #k::Outcome::new())
        };
        let miss = self.miss(&traced);
        let output = self.output_bound();
        // A bypass needs the cache as well, whose key type only the lookup tells. A user's expression tells its type, and may make temporaries that
        // live no longer than one statement.
        let hoisted = self.owns_cache() && self.model.outcome.bypass_if.is_some();
        let cache = self.cache();
        let first = hoisted.then(|| quote_spanned!(span=> let __cachekit_cache = #cache;));
        let cache = if hoisted { quote_spanned!(span=> __cachekit_cache) } else { cache };
        let bypassed = self.model.outcome.bypass_if.as_ref().map(|condition| {
            let (test, uncached) = (self.bypass_test(condition), self.boxed(self.call_body()));
            quote_spanned!(span=> if #test { #k::bypass(#cache, #traced); #uncached } else)
        });
        let look_up = match look {
            Look::Plain => quote_spanned!(span=> #k::look(#cache, &__cachekit_parts)),
            Look::Traced => quote_spanned!(span=> #k::look_traced(#cache, &__cachekit_parts, #traced)),
            Look::Refresh => quote_spanned!(span=> #k::look_refresh(#cache, &__cachekit_parts, #traced)),
        };
        // The wrapper reports what cannot be part of a key.
        let found = if look == Look::Plain { self.with_checked_parts(&look_up) } else { self.with_parts(&look_up) };
        if look == Look::Refresh {
            return match bypassed {
                Some(bypassed) => {
                    quote_spanned!(span=> #first #bypassed { let __cachekit_miss = #found; #miss })
                }
                None => quote_spanned!(span=> #first let __cachekit_miss = #found; #miss),
            };
        }
        let steps = if look == Look::Plain && self.looks_apart() {
            self.steps_apart(&cache, &miss, &traced)
        } else {
            self.steps(&found, &miss, &traced)
        };
        let steps = match bypassed {
            Some(bypassed) => quote_spanned!(span=> #bypassed { #steps }),
            None => steps,
        };
        let all = quote_spanned!(span=> #output #first #steps);
        if look == Look::Traced { quote_spanned!(span=> { #all }) } else { all }
    }

    /// First, where the one tier of the cache is perhaps shared, a look without a flight: a hit there computes nothing.
    fn looked_alone(&self, trace: &TokenStream, miss: &TokenStream) -> TokenStream {
        let is_one = self.far().is_some_and(|far| matches!(&far.backends[..], [Backend::Redis(_) | Backend::Own(_)]));
        if !self.is_async || !is_one || !self.model.tags.is_empty() {
            return miss.clone();
        }
        quote_spanned! {self.span=>
            match __cachekit_miss.alone(#trace).await {
                ::core::result::Result::Ok(__cachekit_value) => __cachekit_output.wrap(__cachekit_value),
                ::core::result::Result::Err(__cachekit_miss) => #miss,
            }
        }
    }

    fn steps(&self, found: &TokenStream, miss: &TokenStream, trace: &TokenStream) -> TokenStream {
        let (k, stale) = (&self.k, self.stale(&TokenStream::new(), miss));
        let miss = self.looked_alone(trace, miss);
        quote_spanned! {self.span=>
            match #found {
                #k::Look::Hit(__cachekit_value) => __cachekit_output.wrap(__cachekit_value),
                #k::Look::Stale(__cachekit_stale) => #stale,
                #k::Look::Miss(__cachekit_miss) => #miss,
            }
        }
    }

    /// What is no hit may borrow its parts of the arguments once more. Expressions of the user's are evaluated once, and so stay where they are.
    fn looks_apart(&self) -> bool {
        self.owns_cache() && self.parts.iter().all(|part| matches!(part, Part::Param(_)))
    }

    /// A glance, and behind calls that are never inlined all that follows when it finds nothing. The arguments of an async function are in memory in any
    /// case, so that only its load is set apart, which costs a box: not every call that takes a closer look has one.
    fn steps_apart(&self, cache: &TokenStream, miss: &TokenStream, trace: &TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let found = self.with_checked_parts(&quote_spanned!(span=> #k::glance(#cache, &__cachekit_parts)));
        let look_on = quote_spanned!(span=> #k::look_on(#cache, &__cachekit_parts, __cachekit_unfound));
        let mut rest = self.steps(&self.with_parts(&look_on), miss, trace);
        if !self.is_async {
            rest = quote_spanned!(span=> #k::apart(move || #rest));
        }
        quote_spanned! {span=>
            match #found {
                ::core::result::Result::Ok(__cachekit_value) => __cachekit_output.wrap(__cachekit_value),
                ::core::result::Result::Err(__cachekit_unfound) => #rest,
            }
        }
    }

    /// What wraps the values that were found.
    pub(super) fn output_bound(&self) -> TokenStream {
        let output = self.output_value();
        quote_spanned!(self.span=> let __cachekit_output = #output;)
    }

    fn miss(&self, trace: &TokenStream) -> TokenStream {
        let first = quote_spanned!(self.span=> __cachekit_miss, #trace);
        self.boxed(self.call_hidden("__load", &first))
    }

    /// Whether a call goes past the cache.
    pub(super) fn bypass_test(&self, condition: &Expr) -> TokenStream {
        let rebound = self.rebound_for(condition);
        if rebound.is_empty() { quote!(#condition) } else { quote_spanned!(self.span=> { #rebound #condition }) }
    }

    /// What becomes of a stale value. `leave`: `return`, where `miss` is all that goes on.
    pub(super) fn stale(&self, leave: &TokenStream, miss: &TokenStream) -> TokenStream {
        let span = self.span;
        // The builder of a cache elsewhere may ask for refreshes, of which nothing is known here.
        if self.refreshes_inline() || !self.owns_cache() {
            return quote_spanned! {span=>
                match __cachekit_stale.claim_inline() {
                    ::core::result::Result::Ok(__cachekit_value) => #leave __cachekit_output.wrap(__cachekit_value),
                    ::core::result::Result::Err(__cachekit_miss) => #miss,
                }
            };
        }
        if !self.refreshes_in_task() {
            return quote_spanned!(span=> #leave __cachekit_output.wrap(__cachekit_stale.into_value()));
        }
        let refresh = self.call_hidden("__refresh", &quote_spanned!(span=> __cachekit_refresh));
        quote_spanned! {span=> {
            let (__cachekit_value, __cachekit_claimed) = __cachekit_stale.claim();
            if let ::core::option::Option::Some(__cachekit_refresh) = __cachekit_claimed {
                #refresh;
            }
            #leave __cachekit_output.wrap(__cachekit_value)
        }}
    }

    /// The hidden function that runs the body on a miss; wrapper, `traced` and `refresh` share it.
    pub(super) fn load_function(&self) -> TokenStream {
        let (k, span, value) = (&self.k, self.span, self.value());
        let first = |key: TokenStream| quote_spanned!(span=> __cachekit_miss: #k::Miss<#key, #value>, __cachekit_trace: &mut #k::Outcome);
        let trace = quote_spanned!(span=> __cachekit_trace);
        let confirmed = self.confirmed(&trace);
        let output_bound = confirmed.is_some().then(|| self.output_bound());
        let (miss, run) = (confirmed.unwrap_or_else(|| self.tagged()), self.run(&trace));
        let output = match &self.sig.output {
            ReturnType::Default => TokenStream::new(),
            output => spans::repeated(output),
        };
        self.hidden_function(
            "__load",
            self.is_async,
            &first,
            &output,
            &quote_spanned!(span=> { #output_bound #miss #run }),
        )
    }

    /// A hidden function that takes something of the cache's and then all arguments.
    pub(super) fn hidden_function(
        &self,
        operation: &str,
        is_async: bool,
        first: &dyn Fn(TokenStream) -> TokenStream,
        output: &TokenStream,
        body: &TokenStream,
    ) -> TokenStream {
        let (k, span, name) = (&self.k, self.span, self.name(operation));
        let asyncness = is_async.then(|| quote_spanned!(span=> async));
        let this = self.sig.receiver().map(|receiver| {
            let mut receiver = receiver.clone();
            receiver.mutability = None;
            quote!(#receiver,)
        });
        let names = self.params.iter().map(|param| &param.name);
        let types = self.params.iter().map(|param| spans::repeated(&param.ty));
        let (generics, clause, first) = if self.is_plain() {
            let companion = &self.companion;
            let generics = spans::repeated(&self.sig.generics);
            let clause = self.clause(false);
            (generics, clause, first(quote_spanned!(span=> <#companion as #k::Cached>::Key)))
        } else {
            let (generics, clause) = self.generics_with_key();
            (generics, clause, first(quote_spanned!(span=> __CachekitKey)))
        };
        quote_spanned!(span=> #asyncness fn #name #generics (#this #first, (#(#names,)*): (#(#types,)*)) #output #clause #body)
    }

    /// The cache is the function's own, so there is a static and a way to invalidate from elsewhere.
    pub(super) fn owns_cache(&self) -> bool {
        matches!(self.model.store, Store::Own(_))
    }
}
