//! One annotated function as code is written for it: what is named where, and how its parts call each other.

use super::{forms, key::Part, spans};
use crate::model::{Companion, Function, ImplBlock, Method, Model, Param, Place, Store};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, GenericParam, Ident, Meta, ReturnType, Signature, Type, parse_quote};

/// Where the functions beside the wrapper live.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// In the enum of the function's name: `user::get`.
    Companion,
    /// In an enum that only the wrapper sees, because of `companion = false`.
    Hidden,
    /// Beside a method: `Self::user_uncached`.
    Beside,
    /// In an inherent impl, beside a trait impl under `#[cache]`.
    InherentImpl,
    /// In a trait impl with `companion = false`, or of a type that cannot have an inherent impl here: everything in the method.
    Nowhere,
}

#[derive(Clone)]
pub(super) struct Context<'a> {
    pub(super) model: &'a Model,
    /// `::cachekit::__private`.
    pub(super) k: TokenStream,
    /// The function's name, for the machine's tokens.
    pub(super) span: Span,
    pub(super) home: Home,
    /// The companion's name, as it is emitted and called.
    pub(super) companion: Ident,
    pub(super) cfgs: Vec<Attribute>,
    /// The user's signature, without the parameters that a `cfg` has switched off.
    pub(super) sig: Signature,
    pub(super) params: Vec<&'a Param>,
    pub(super) parts: Vec<Part<'a>>,
    /// The return type.
    pub(super) output: Type,
    pub(super) is_async: bool,
}

impl<'a> Context<'a> {
    /// `present` says for each parameter whether it is there in this configuration.
    pub(super) fn new(model: &'a Model, present: &[bool], mut cfgs: Vec<Attribute>) -> Self {
        let function = &model.function;
        cfgs.splice(0..0, function.cfgs.iter().cloned());
        let krate = &model.krate;
        let span = spans::machine(function.sig.ident.span());
        let k = private(krate, span);
        let kept = |index: usize| present.get(index).copied().unwrap_or(true);
        let params =
            function.params.iter().enumerate().filter(|(index, _)| kept(*index)).map(|(_, param)| param).collect();
        let home = home(model);
        let companion = match (&model.companion, home) {
            (_, Home::Hidden) => format_ident!("__CachekitCached", span = span),
            // With the user's hygiene the name could not be imported; at call site lints take it for expanded.
            (given, _) => {
                let mut name =
                    if let Companion::Named(name) = given { name.clone() } else { function.sig.ident.clone() };
                name.set_span(Span::call_site().located_at(name.span()));
                name
            }
        };
        let output = match &function.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let is_async = function.sig.asyncness.is_some();
        let parts = super::key::parts(model, &kept);
        let sig = signature(function, &kept);
        Context { model, k, span, home, companion, cfgs, sig, params, parts, output, is_async }
    }

    /// `::cachekit::__private` where an error belongs to `span`.
    pub(super) fn k_at(&self, span: Span) -> TokenStream {
        private(&self.model.krate, span)
    }

    /// The same where all that the compiler may object to is the return type: as one place, that is one error.
    pub(super) fn where_errors_belong(&self) -> Self {
        let span = if self.is_plain() { self.span } else { self.output_span() };
        Context { k: self.k_at(span), span, ..self.clone() }
    }

    pub(super) fn function(&self) -> &'a Function {
        &self.model.function
    }

    pub(super) fn method(&self) -> Option<&'a Method> {
        match &self.model.place {
            Place::Free => None,
            Place::Method(method) => Some(method),
        }
    }

    /// The static is a plain one, and the types of key and value are named by the companion's `Cached`.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.model.place, Place::Free)
            && matches!(self.model.store, Store::Own(_))
            && self.type_args().next().is_none()
            && self.parts.iter().all(|part| part.declared().is_some())
    }

    /// The body is in the wrapper, because there is no other place for it.
    pub(super) fn is_inline(&self) -> bool {
        self.home == Home::Nowhere
    }

    /// The name of a function beside the wrapper: `get` in a companion, `user_get` in an impl, `__site` and `__user_site` if hidden.
    pub(super) fn name(&self, operation: &str) -> Ident {
        let user = self.sig.ident.unraw();
        match (self.home, operation.strip_prefix("__")) {
            (Home::Companion | Home::Hidden, _) => Ident::new(operation, self.span),
            // What the compiler says first where nothing may stand beside the method, and where a method is not cached: the name says what to do.
            (Home::Beside, Some("load")) => {
                format_ident!("__{}_in_a_trait_impl_needs_companion_false_or_cache_on_the_impl", user, span = self.span)
            }
            (_, Some("invalidation")) => super::invalidate::method_invalidation(&user, self.span),
            (_, Some("register")) => super::register::method_registration(&user, self.span),
            (_, Some(hidden)) => format_ident!("__{}_{}", user, hidden, span = self.span),
            (_, None) => format_ident!("{}_{}", user, operation, span = self.span),
        }
    }

    /// `user::get`, `Self::user_get`.
    pub(super) fn path(&self, operation: &str) -> TokenStream {
        let name = self.name(operation);
        match self.home {
            Home::Companion | Home::Hidden => {
                let companion = spans::placed(&self.companion, self.span);
                quote_spanned!(self.span=> #companion::#name)
            }
            _ => quote_spanned!(self.span=> Self::#name),
        }
    }

    /// Type and const parameters, as arguments.
    pub(super) fn type_args(&self) -> impl Iterator<Item = &Ident> {
        self.sig.generics.params.iter().filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
    }

    /// `::<T, N>`; with `key`, of a function that has the key's type as a last parameter.
    pub(super) fn turbofish(&self, key: bool) -> TokenStream {
        let args: Vec<_> = self.type_args().map(|arg| spans::placed(arg, self.span)).collect();
        if args.is_empty() {
            return TokenStream::new();
        }
        let key = key.then(|| quote!(_));
        quote_spanned!(self.span=> ::<#(#args,)* #key>)
    }

    /// A call of the body that stands beside the wrapper.
    pub(super) fn call_body(&self) -> TokenStream {
        let args = self.params.iter().map(|param| {
            let name = &param.name;
            quote!(#name)
        });
        self.call_body_with(self.receiver().map(|this| quote!(#this)).into_iter().chain(args))
    }

    pub(super) fn call_body_with(&self, args: impl Iterator<Item = TokenStream>) -> TokenStream {
        let (path, turbofish) = (self.path("uncached"), self.turbofish(false));
        quote_spanned!(self.span=> #path #turbofish (#(#args),*))
    }

    /// A call of a hidden function: it takes the arguments as one, so that its own do not make them too many for a lint.
    pub(super) fn call_hidden(&self, operation: &str, first: &TokenStream) -> TokenStream {
        let (path, turbofish) = (self.path(operation), self.turbofish(!self.is_plain()));
        let this = self.receiver().map(|this| quote!(#this,));
        let args = self.params.iter().map(|param| &param.name);
        quote_spanned!(self.span=> #path #turbofish (#this #first, (#(#args,)*)))
    }

    /// The token `self`, if there is one.
    pub(super) fn receiver(&self) -> Option<&syn::token::SelfValue> {
        self.sig.receiver().map(|receiver| &receiver.self_token)
    }

    /// Awaited in a box, out of the way of hits: their future and their frame stay small, and recursion has a finite type.
    pub(super) fn boxed(&self, tokens: TokenStream) -> TokenStream {
        let k = &self.k;
        if self.is_async { quote_spanned!(self.span=> #k::apart_async(#tokens).await) } else { tokens }
    }

    /// The stored type: `T` of a `Result<T, E>`.
    pub(super) fn value(&self) -> TokenStream {
        if self.is_plain() {
            let (k, companion) = (&self.k, &self.companion);
            return quote_spanned!(self.span=> <#companion as #k::Cached>::Value);
        }
        if self.model.batch.is_some() {
            return self.batch_value();
        }
        let k = self.k_at(self.output_span());
        let output = spans::blamed(&spans::repeated(&super::eternal::eternal(&self.output)), self.output_span());
        if self.model.outcome.errors.is_some() || !forms::reads_like_result(&self.output) {
            // The same type, and one error less where it is unfit.
            return output;
        }
        quote_spanned!(self.output_span()=> <#output as #k::NamedResult>::Ok)
    }

    /// The kind of the output where types are not known yet: by the name in the signature, checked against the type in the wrapper.
    pub(super) fn kind_by_name(&self) -> TokenStream {
        let k = self.k_at(self.output_span());
        let kind = if self.model.outcome.errors.is_some() {
            quote!(Whole)
        } else if forms::reads_like_result(&self.output) {
            quote!(ResultOk)
        } else {
            quote!(Plain)
        };
        quote_spanned!(self.output_span()=> #k::#kind)
    }

    /// Where errors about the return type belong.
    pub(super) fn output_span(&self) -> Span {
        match &self.sig.output {
            ReturnType::Default => self.span,
            ReturnType::Type(_, ty) => spans::of(ty),
        }
    }

    /// The function's visibility. A method of a trait impl has none of its own: it is visible wherever its type is.
    pub(super) fn vis(&self) -> TokenStream {
        if self.home == Home::InherentImpl {
            quote_spanned!(self.span=> pub)
        } else {
            spans::repeated(&self.function().vis)
        }
    }

    /// The user's permissions to go against a lint, for functions that repeat what the lint is about. What the body is expected to violate is
    /// permitted elsewhere, where it may hold or not.
    pub(super) fn permissions(&self) -> TokenStream {
        let attrs = self.function().body_attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
                let lints = &list.tokens;
                Some(quote!(#[allow(#lints)]))
            }
            _ => None,
        });
        quote!(#(#attrs)*)
    }

    /// The wrapper's parameters: plain names instead of patterns.
    pub(super) fn wrapper_inputs(&self) -> TokenStream {
        let this = self.sig.receiver().map(|receiver| {
            let mut receiver = receiver.clone();
            receiver.mutability = None;
            quote!(#receiver,)
        });
        let params = self.params.iter().map(|Param { name, ty, .. }| quote!(#name: #ty));
        quote!(#this #(#params),*)
    }
}

/// `::cachekit::__private`.
pub(super) fn private(krate: &syn::Path, span: Span) -> TokenStream {
    let krate = spans::placed(krate, span);
    quote_spanned!(span=> #krate::__private)
}

fn home(model: &Model) -> Home {
    match &model.place {
        Place::Free if matches!(model.companion, Companion::Off) => Home::Hidden,
        Place::Free => Home::Companion,
        Place::Method(_) if model.stands_alone() => Home::Nowhere,
        Place::Method(method) if method.block.as_ref().is_some_and(ImplBlock::is_trait) => Home::InherentImpl,
        Place::Method(_) => Home::Beside,
    }
}

/// Drops parameters together with the `cfg` that has been decided by now.
fn signature(function: &Function, kept: &dyn Fn(usize) -> bool) -> Signature {
    let mut sig = function.sig.clone();
    let mut index = 0;
    sig.inputs = sig
        .inputs
        .into_pairs()
        .filter_map(|mut pair| {
            if let FnArg::Typed(param) = pair.value_mut() {
                param.attrs.retain(|attr| !attr.path().is_ident("cfg"));
                index += 1;
                return kept(index - 1).then_some(pair);
            }
            Some(pair)
        })
        .collect();
    sig
}
