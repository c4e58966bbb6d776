//! A cached handler: what it takes is taken first, and says what its response depends on; what it gives is cached as a response.

use super::{
    context::{Context, Home},
    key::{mentions, same},
    site::{duration, time_span},
    spans,
};
use crate::model::{
    Function, Http, HttpClient, Key, Param, Store, Template, TemplatePart, Time, Ttl, is_accounted_for, is_state,
};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Attribute, Ident, Pat};

impl Context<'_> {
    /// All that the function becomes.
    pub(super) fn handler(&self, http: &Http) -> TokenStream {
        let k = self.http_private(self.span);
        let companion = self.handler_companion(http, &k);
        let hidden = self.home == Home::Hidden;
        let within = hidden.then_some(&companion);
        let beside = (!hidden).then_some(&companion);
        let Function { docs, shared, body_attrs, vis, .. } = self.function();
        let cfgs = &self.cfgs;
        // What checks handlers checks the one that Axum gets.
        let checks = body_attrs.iter().filter(|attr| is_check(attr));
        let (span, name, generics) = (self.span, &self.sig.ident, &self.sig.generics);
        let (clause, permissions) = (&generics.where_clause, self.permissions());
        let (names, types): (Vec<_>, Vec<_>) = self.params.iter().map(|param| (&param.name, &param.ty)).unzip();
        let (asked, uncached, site) = (self.asked(http, &k), self.call_body(), self.path("__http"));
        quote_spanned! {span=>
            #(#docs)* #(#cfgs)* #(#shared)* #(#checks)* #permissions
            #vis async fn #name #generics (__cachekit_head: #k::Head, #(#names: #types),*) -> #k::Response #clause {
                #within
                let __cachekit_asked = #asked;
                let __cachekit_load = move || async move {
                    let __cachekit_output = #uncached.await;
                    let is_error = {
                        use #k::NoError as _;
                        #k::OutputProbe(&__cachekit_output).is_error()
                    };
                    #k::Loaded { response: #k::IntoResponse::into_response(__cachekit_output), is_error }
                };
                #site().answer(__cachekit_head.into_parts(), __cachekit_asked, __cachekit_load).await
            }
            #beside
        }
    }

    /// `::cachekit::http::__private` where an error belongs to `span`.
    fn http_private(&self, span: proc_macro2::Span) -> TokenStream {
        let krate = spans::placed(&self.model.krate, span);
        quote_spanned!(span=> #krate::http::__private)
    }

    fn handler_companion(&self, http: &Http, k: &TokenStream) -> TokenStream {
        let (span, companion, cfgs) = (self.span, &self.companion, &self.cfgs);
        let hidden = self.home == Home::Hidden;
        let vis = if hidden { TokenStream::new() } else { self.vis() };
        let visible = (!hidden).then(|| quote_spanned!(span=> #[doc(hidden)] #[non_exhaustive]));
        let (uncached, builder) = (self.handler_body(), self.handler_cache(http, k));
        let handle = (!hidden).then(|| {
            quote_spanned! {span=>
                #[doc = "Purges responses of this handler, and counts."]
                #[inline]
                #[must_use]
                #vis fn handle() -> #k::CacheHandle {
                    Self::__http().handle()
                }
            }
        });
        quote_spanned! {span=>
            #(#cfgs)* #visible #vis enum #companion {}
            #(#cfgs)*
            impl #companion {
                #uncached
                #handle
                fn __http() -> &'static #k::HandlerCache {
                    static __CACHEKIT_SITE: ::std::sync::LazyLock<#k::HandlerCache> =
                        ::std::sync::LazyLock::new(|| #builder);
                    &__CACHEKIT_SITE
                }
            }
        }
    }

    /// The handler as it was written.
    fn handler_body(&self) -> TokenStream {
        let Function { shared, body_attrs, body, .. } = self.function();
        let shared = shared.iter().filter(|attr| !attr.path().is_ident("deprecated"));
        let body_attrs = body_attrs.iter().filter(|attr| !is_check(attr));
        let mut sig = self.sig.clone();
        sig.ident = self.name("uncached");
        let vis = if self.home == Home::Hidden { TokenStream::new() } else { self.vis() };
        let docs = quote_spanned!(self.span=> #[doc = "Runs the handler and leaves its cache alone."]);
        quote!(#docs #(#shared)* #(#body_attrs)* #vis #sig #body)
    }

    fn handler_cache(&self, http: &Http, k: &TokenStream) -> TokenStream {
        let span = self.span;
        let Store::Own(store) = &self.model.store else { return TokenStream::new() };
        let name = match &store.name {
            Some(name) => quote!(#name),
            None if self.far().is_some() => {
                let path = self.shared_path(self.static_name());
                quote_spanned!(span=> &#path)
            }
            None => {
                // One for all types of a generic handler, which its keys tell apart.
                let path = format!("::{}", self.sig.ident.unraw());
                quote_spanned!(span=> ::core::concat!(::core::module_path!(), #path))
            }
        };
        let freshness = &self.model.freshness;
        let ttl = if let Some(Ttl::Time(time)) = &freshness.ttl { Some(time) } else { None };
        let times = [
            ("ttl", ttl),
            ("stale_while_revalidate", freshness.stale_while_revalidate.as_ref()),
            ("stale_if_error", freshness.stale_if_error.as_ref()),
            ("errors", self.model.outcome.errors.as_ref()),
            ("timeout", self.far().and_then(|far| far.timeout.as_ref())),
            ("client_ttl", if let Some(HttpClient::Ttl(time)) = &http.client { Some(time) } else { None }),
        ];
        let times = times.into_iter().filter_map(|(name, time)| Some(said(name, time?)));
        // First, since what clients are told depends on it.
        let private = http.private.as_ref().map(|_| quote_spanned!(span=> .private()));
        let vary = (!http.vary.is_empty()).then(|| {
            let fields: Vec<String> = http.vary.iter().map(syn::LitStr::value).collect();
            let fields = fields.join(", ");
            quote_spanned!(span=> .vary(#fields))
        });
        let client = match &http.client {
            Some(HttpClient::Field(text)) => Some(quote_spanned!(span=> .cache_control(#text))),
            _ => None,
        };
        let no_etag = http.no_etag.then(|| quote_spanned!(span=> .no_etag()));
        let statuses = (!http.statuses.is_empty()).then(|| {
            let statuses = &http.statuses;
            quote_spanned!(span=> .statuses([#(#statuses),*]))
        });
        let max_body = http
            .max_body
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(|bytes| quote_spanned!(span=> .max_body(#bytes)));
        let max_bytes = if let Some(crate::model::Bound::Bytes(bytes)) = &store.bound {
            let most = bytes.most;
            Some(quote_spanned!(span=> .max_bytes(#most)))
        } else {
            None
        };
        let backends = self.far().map(|far| {
            let places = far.backends.iter().map(|backend| self.place(backend));
            quote_spanned!(span=> .backends([#(#places),*]))
        });
        quote_spanned! {span=>
            #k::HandlerCacheBuilder::new(#name) #private #(#times)* #vary #client #no_etag #statuses #max_body #max_bytes #backends .build()
        }
    }

    /// `Asked { … }`; without a key for a request that goes past the cache.
    fn asked(&self, http: &Http, k: &TokenStream) -> TokenStream {
        let span = self.span;
        let (assertions, parts) = self.handler_parts(http, k);
        let identity = match &http.private {
            Some(expr) => {
                let at = spans::of(expr);
                let k = self.http_private(at);
                quote_spanned!(at=> #k::identity(&(#expr)))
            }
            None => quote_spanned!(span=> ::core::option::Option::None),
        };
        let texts = |templates: &[Template]| {
            let literals = templates.iter().map(|template| &template.literal);
            quote_spanned!(span=> ::std::vec![#(::std::format!(#literals)),*])
        };
        let (tags, surrogate_keys) = (texts(&self.model.tags), texts(&http.surrogate_keys));
        let key = quote_spanned!(span=> #k::Key::new() #parts .finish());
        let key = match &self.model.outcome.bypass_if {
            Some(condition) => quote_spanned!(span=> if #condition { ::core::option::Option::None } else { #key }),
            None => key,
        };
        let all = quote_spanned! {span=>
            #k::Asked {
                key: #key,
                identity: #identity,
                tags: #tags,
                surrogate_keys: #surrogate_keys,
            }
        };
        let rebound = self.rebound(&|name| self.reads(http, name));
        quote_spanned!(span=> { #assertions #rebound #all })
    }

    /// Whether something of a request is said by this name, which a pattern binds.
    fn reads(&self, http: &Http, name: &Ident) -> bool {
        let model = self.model;
        let exprs = [&http.private, &model.scope, &model.outcome.bypass_if];
        let mut exprs: Vec<_> = exprs.into_iter().flatten().collect();
        let mut templates: Vec<_> = model.tags.iter().chain(&http.surrogate_keys).collect();
        match &model.key {
            Key::Params(_) => {
                let binds = |param: &&&Param| param.bound.iter().any(|bound| same(bound, name));
                let param = self.params.iter().find(binds);
                if param.is_some_and(|param| !is_state(param) && !self.is_left_out(http, param))
                    && !self.is_skipped(name)
                {
                    return true;
                }
            }
            Key::Exprs(of) => exprs.extend(of),
            Key::Template(template) => templates.push(template),
        }
        let text = name.unraw().to_string();
        exprs.into_iter().any(|expr| mentions(expr, &text))
            || templates.into_iter().any(|template| mentions(&template.literal, &text))
    }

    fn is_skipped(&self, name: &Ident) -> bool {
        self.model.skipped.iter().any(|skipped| same(skipped, name))
    }

    /// The parameter is no part of the key by itself.
    fn is_left_out(&self, http: &Http, param: &Param) -> bool {
        let is_skipped = !param.bound.is_empty() && param.bound.iter().all(|name| self.is_skipped(name));
        is_skipped || is_accounted_for(self.model, http, param)
    }

    /// What is asserted of parameters, and the parts of the key.
    fn handler_parts(&self, http: &Http, k: &TokenStream) -> (TokenStream, TokenStream) {
        let span = self.span;
        let mut assertions = TokenStream::new();
        let mut parts = TokenStream::new();
        let types: Vec<_> = self.type_args().collect();
        if !types.is_empty() {
            parts.extend(quote_spanned!(span=> .part(&#k::number_of::<(#(#types,)*)>())));
        }
        if let Some(scope) = &self.model.scope {
            parts.extend(self.scope(&quote!((#scope)), spans::of(scope)));
        }
        match &self.model.key {
            Key::Params(_) => {}
            Key::Exprs(exprs) => parts.extend(exprs.iter().map(|expr| self.part(&quote!((#expr)), spans::of(expr)))),
            Key::Template(template) => parts.extend(template.parts.iter().filter_map(|part| match part {
                TemplatePart::Text => None,
                TemplatePart::Arg(name) => Some(self.part(&quote!(#name), name.span())),
                TemplatePart::Formatted { arg, spec } => {
                    let format = format!("{{:{spec}}}");
                    Some(self.part(&quote_spanned!(span=> ::std::format!(#format, #arg)), span))
                }
            })),
        }
        for param in self.params.iter().copied().filter(|param| !self.is_left_out(http, param)) {
            if is_state(param) {
                if self.model.scope.is_none() {
                    let name = &param.name;
                    parts.extend(self.scope(&quote!(#name.0), spans::of(&param.ty)));
                }
                continue;
            }
            let (at, ty, name) = (spans::of(&param.ty), &param.ty, &param.name);
            let is_written = !matches!(self.model.key, Key::Params(_));
            if !is_written && matches!(&param.pattern, Pat::Ident(_)) {
                parts.extend(quote_spanned!(at=> .extracted(&#name)));
                continue;
            }
            let there = self.http_private(at);
            assertions.extend(quote_spanned!(at=> #there::assert_extracted::<#ty>();));
            if !is_written {
                parts.extend(self.parts_of(param));
            }
        }
        (assertions, parts)
    }

    /// What a pattern binds.
    fn parts_of(&self, param: &Param) -> TokenStream {
        let kept = param.bound.iter().filter(|name| !self.is_skipped(name));
        kept.map(|name| self.part(&quote!(#name), name.span())).collect()
    }

    fn part(&self, part: &TokenStream, at: proc_macro2::Span) -> TokenStream {
        quote_spanned!(spans::machine(at)=> .part(&#part))
    }

    fn scope(&self, of: &TokenStream, at: proc_macro2::Span) -> TokenStream {
        let k = self.http_private(at);
        let assertion = Ident::new(if self.far().is_some() { "assert_stable_scope" } else { "assert_scope" }, at);
        quote_spanned!(at=> .scope(&#k::#assertion(&#of)))
    }
}

/// `#[debug_handler]`.
fn is_check(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == "debug_handler")
}

fn said(name: &str, time: &Time) -> TokenStream {
    let at = spans::machine(time_span(time));
    let (name, time) = (Ident::new(name, at), duration(time));
    quote_spanned!(at=> .#name(#time))
}
