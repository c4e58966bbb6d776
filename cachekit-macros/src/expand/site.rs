//! The cache of a function: the static that holds it and the builder calls that the arguments amount to.

use super::{
    callbacks::Callback,
    context::{Context, Home},
    forms, spans,
};
use crate::model::{Bound, Bytes, Jitter, NonePolicy, OwnStore, Percent, Store, Strategy, Time, Ttl};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

impl Context<'_> {
    /// The expression of a cache where code beside or in the wrapper needs one.
    pub(super) fn cache(&self) -> TokenStream {
        let span = self.span;
        match &self.model.store {
            Store::Elsewhere(cache) => {
                let at = spans::of(cache);
                let k = self.k_at(at);
                // A type parameter that is no key is reported as that alone.
                let named =
                    self.home != Home::Nowhere && self.model.batch.is_none() && self.type_args().next().is_none();
                match self.generic_key() {
                    Some(key) if named => {
                        let (key, value) = (spans::placed(&key, at), spans::placed(&self.value(), at));
                        quote_spanned!(at=> #k::elsewhere_of::<#key, #value, _>(&#cache))
                    }
                    _ => quote_spanned!(at=> #k::elsewhere(&#cache)),
                }
            }
            Store::Own(_) => {
                let callbacks = self.callback_arguments();
                let (path, turbofish) = (self.path("__site"), self.site_turbofish());
                quote_spanned!(span=> #path #turbofish (#callbacks))
            }
        }
    }

    /// The hidden function that owns the static.
    pub(super) fn site(&self) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let Store::Own(store) = &self.model.store else { return TokenStream::new() };
        let imports = self.chain_imports();
        let (name, value) = (self.name("__site"), self.value());
        if self.is_plain() {
            let companion = &self.companion;
            let key = quote_spanned!(span=> <#companion as #k::Cached>::Key);
            let (start, chain) = (self.cache_name(store), self.chain(store));
            let build = quote_spanned!(span=> #k::Builder::<#key, #value>::named(#start) #chain .build());
            let build = self.with_codec(Some(&value), build);
            return quote_spanned! {span=>
                fn #name() -> &'static #k::Cache<#key, #value> {
                    #imports static __CACHEKIT_SITE: #k::LazyLock<#k::Cache<#key, #value>> =
                        #k::LazyLock::new(|| #build);
                    &__CACHEKIT_SITE
                }
            };
        }
        let callbacks = self.callback_parameters(&value);
        let (generics, clause) = self.generics_with_key();
        let build = self.with_codec(Some(&value), self.build(store));
        quote_spanned! {span=>
            fn #name #generics (#callbacks) -> &'static #k::Cache<__CachekitKey, #value> #clause {
                #imports static __CACHEKIT_SITE: #k::PerType = #k::PerType::new();
                #k::per_type_keyed(&__CACHEKIT_SITE, &|| {}, |__cachekit_builder: #k::Builder<__CachekitKey, #value>| #build)
            }
        }
    }

    /// The cache of a method beside which nothing may stand.
    pub(super) fn inline_cache(&self) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let Store::Own(store) = &self.model.store else { return self.cache() };
        let imports = self.chain_imports();
        let build = self.with_codec(None, self.build(store));
        quote_spanned! {span=> {
                    #imports static __CACHEKIT_SITE: #k::PerType = #k::PerType::new();
        #k::per_type_of::<_, #k::AnyParts<_>, _, _>(&__CACHEKIT_SITE, &|| {}, __cachekit_output, |__cachekit_builder| #build)
                }}
    }

    fn build(&self, store: &OwnStore) -> TokenStream {
        let (start, chain) = (self.cache_name(store), self.chain(store));
        quote_spanned!(self.span=> __cachekit_builder.name(#start) #chain .build())
    }

    /// Generics of a hidden function whose last parameter is the key's type, because an expression's type cannot be written.
    pub(super) fn generics_with_key(&self) -> (TokenStream, TokenStream) {
        let k = &self.k;
        let params = self.params(false);
        let clause = self.clause(false);
        let stored = self.far().map(|_| quote_spanned!(self.span=> + #k::Serialize));
        (quote_spanned!(self.span=> <#(#params,)* __CachekitKey: #k::Key #stored>), clause)
    }

    fn cache_name(&self, store: &OwnStore) -> TokenStream {
        match (&store.name, self.far()) {
            (Some(name), None) => quote!(#name),
            (Some(name), Some(_)) => self.shared_name(name),
            (None, None) => self.static_name(),
            (None, Some(_)) => self.shared_path(self.static_name()),
        }
    }

    pub(super) fn static_name(&self) -> TokenStream {
        let function = self.sig.ident.unraw().to_string();
        let span = self.span;
        let (holes, shown) = self.shown_args();
        if self.method().is_some() {
            let format = format!("{{}}::{function}{holes}");
            return quote_spanned!(span=> ::std::format!(#format, ::core::any::type_name::<Self>() #(, #shown)*));
        }
        if shown.is_empty() {
            let path = format!("::{function}");
            return quote_spanned!(span=> ::core::concat!(::core::module_path!(), #path));
        }
        let format = format!("{{}}::{function}{holes}");
        quote_spanned!(span=> ::std::format!(#format, ::core::module_path!() #(, #shown)*))
    }

    /// `<{}, {}>` and what fills it: the type and const arguments, as far as there are any.
    pub(super) fn shown_args(&self) -> (String, Vec<TokenStream>) {
        let span = self.span;
        let consts: Vec<_> = self.sig.generics.const_params().map(|param| &param.ident).collect();
        let shown = self.type_args().map(|ident| {
            let arg = spans::repeated(ident);
            if consts.contains(&ident) {
                quote_spanned!(span=> #arg)
            } else {
                quote_spanned!(span=> ::core::any::type_name::<#arg>())
            }
        });
        let shown: Vec<_> = shown.collect();
        let holes = vec!["{}".to_owned(); shown.len()].join(", ");
        (if shown.is_empty() { holes } else { format!("<{holes}>") }, shown)
    }

    fn chain_imports(&self) -> Option<TokenStream> {
        let k = &self.k;
        self.model.outcome.none.is_some().then(|| quote_spanned!(self.span=> use #k::NoneFallback as _;))
    }

    /// The builder calls after the name.
    fn chain(&self, store: &OwnStore) -> TokenStream {
        let (k, model) = (&self.k, self.model);
        let mut calls = Vec::new();
        let mut call = |span: Span, name: &str, argument: TokenStream| {
            let name = Ident::new(name, spans::machine(span));
            calls.push(quote_spanned!(self.span=> .#name(#argument)));
        };
        if let Some(version) = store.version {
            call(self.span, "version", quote!(#version));
        }
        match &store.bound {
            Some(Bound::Entries(expr)) => call(expr.span(), "capacity", quote!(#expr)),
            Some(Bound::Unbounded) => call(self.span, "unbounded", TokenStream::new()),
            Some(Bound::Bytes(Bytes { most, literal, weigher: None })) => {
                call(literal.span(), "max_bytes", quote!(#most))
            }
            Some(Bound::Bytes(Bytes { most, weigher: Some(weigher), .. })) => {
                let passed = self.callback(Callback::Weigher, weigher);
                call(weigher.span(), "max_bytes_with", quote!(#most, #passed));
            }
            None => {}
        }
        let freshness = &model.freshness;
        match &freshness.ttl {
            Some(Ttl::Time(time)) => call(time_span(time), "ttl", duration(time)),
            Some(Ttl::ByValue(closure)) => call(closure.span(), "ttl_with", quote!(#closure)),
            None => {}
        }
        match &freshness.jitter {
            Some(Jitter::Percent(percent)) => call(percent.span, "jitter_percent", percentage(*percent)),
            Some(Jitter::Time(time)) => call(time_span(time), "jitter", duration(time)),
            None => {}
        }
        if let Some(percent) = freshness.refresh_ahead {
            call(percent.span, "refresh_ahead", percentage(percent));
        }
        let timeout = model.concurrency.load_timeout.as_ref();
        let times = [
            ("idle", freshness.idle.as_ref()),
            ("stale_while_revalidate", freshness.stale_while_revalidate.as_ref()),
            ("stale_if_error", freshness.stale_if_error.as_ref()),
            ("errors", model.outcome.errors.as_ref()),
            ("load_timeout_soft", timeout.and_then(|timeout| timeout.soft.as_ref())),
            ("load_timeout_hard", timeout.and_then(|timeout| timeout.hard.as_ref())),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                call(time_span(time), name, duration(time));
            }
        }
        match &model.outcome.none {
            Some(NonePolicy::Ttl(time)) => call(time_span(time), "none_ttl", duration(time)),
            Some(NonePolicy::NotStored(span)) => call(*span, "store_none", quote!(false)),
            None => {}
        }
        if let Some(tags) = self.tags_by_key() {
            call(self.span, "tags_with", tags);
        }
        if let Some(test) = &model.outcome.cache_if {
            call(test.span(), "cache_if", quote!(#test));
        }
        if let Some(loads) = &model.concurrency.max_loads {
            call(loads.span(), "max_loads", quote!(#loads));
        }
        if !model.concurrency.single_flight {
            call(self.span, "single_flight", quote!(false));
        }
        if let Some(listener) = &model.on_removal {
            call(listener.span(), "on_removal", self.callback(Callback::OnRemoval, listener));
        }
        let strategy = store.strategy.as_ref().map(|strategy| match strategy {
            Strategy::Named { name, variant } => {
                let span = spans::machine(name.span());
                let variant = Ident::new(variant, span);
                quote_spanned!(span=> .strategy(#k::Strategy::#variant))
            }
            Strategy::Custom(path) => quote_spanned!(spans::of(path)=> .policy::<#path>()),
        });
        let hasher = store.hasher.as_ref().map(|path| quote_spanned!(spans::of(path)=> .hasher_type::<#path>()));
        let (far, registry) = (self.far_chain(), self.registry_chain());
        quote!(#far #(#calls)* #strategy #hasher #registry)
    }

    /// Checks of the return type that single arguments ask for, each blamed on its argument.
    pub(super) fn output_requirements(&self) -> TokenStream {
        let (output, model) = (&self.output, self.model);
        let fallible = [model.outcome.errors.as_ref(), model.freshness.stale_if_error.as_ref()];
        let results = fallible.into_iter().flatten().map(|time| {
            let span = spans::machine(time_span(time));
            let (k, output) = (self.k_at(span), spans::blamed(output, span));
            quote_spanned!(span=> #k::needs_result::<#output>();)
        });
        let none = model.outcome.none.as_ref().filter(|_| model.batch.is_none()).map(|none| {
            let span = spans::machine(match none {
                NonePolicy::Ttl(time) => time_span(time),
                NonePolicy::NotStored(span) => *span,
            });
            let (k, output) = (self.k_at(span), spans::blamed(output, span));
            quote_spanned!(span=> #k::needs_option::<#output>();)
        });
        let (weight, codec) = (self.weight_assertion(), self.codec_assertion());
        quote!(#(#results)* #none #weight #codec)
    }

    /// `max_bytes` asks the values for their weight.
    pub(super) fn weighs_values(&self) -> bool {
        matches!(&self.model.store, Store::Own(store) if matches!(&store.bound, Some(Bound::Bytes(Bytes { weigher: None, .. }))))
    }

    /// Reports a value without a weight where the builder stands in a function of its own, which asks for one in its where-clause. At the type, where
    /// calls of that function are reported too: the same at one place is said once.
    fn weight_assertion(&self) -> TokenStream {
        if !self.weighs_values() || self.is_plain() || self.home == Home::Nowhere || forms::is_common(&self.output) {
            return TokenStream::new();
        }
        let span = self.output_span();
        let (k, value) = (self.k_at(span), spans::placed(&self.value(), span));
        quote_spanned!(span=> #k::needs_weight::<#value>();)
    }
}

pub(super) fn time_span(time: &Time) -> Span {
    match time {
        Time::Known(_, span) => *span,
        Time::Expr(expr) => expr.span(),
    }
}

pub(super) fn duration(time: &Time) -> TokenStream {
    match time {
        Time::Known(known, span) => {
            let (seconds, nanos) = (known.as_secs(), known.subsec_nanos());
            quote_spanned!(spans::machine(*span)=> ::core::time::Duration::new(#seconds, #nanos))
        }
        Time::Expr(expr) => quote!(#expr),
    }
}

fn percentage(percent: Percent) -> TokenStream {
    let value = percent.value;
    quote_spanned!(spans::machine(percent.span)=> #value)
}
