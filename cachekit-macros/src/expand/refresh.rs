//! Loads that outlive their caller: a refresh in the background, a load past its soft timeout. They own their arguments.

use super::{context::Context, forms, spans};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, ReceiverKind, Type};

/// A load that owns its arguments.
pub(super) struct Owned {
    /// Statements that make them owned.
    pub(super) keep: TokenStream,
    /// The closure that lends them to the body.
    pub(super) load: TokenStream,
}

impl Context<'_> {
    /// A stale value starts a refresh in a task of its own.
    pub(super) fn refreshes_in_task(&self) -> bool {
        let freshness = &self.model.freshness;
        (freshness.refresh_ahead.is_some() || freshness.stale_while_revalidate.is_some()) && !freshness.inline_refresh
    }

    pub(super) fn refreshes_inline(&self) -> bool {
        self.model.freshness.inline_refresh
    }

    /// Borrowed arguments are cloned when the load starts, at their types, so that what cannot be cloned is an error there.
    pub(super) fn owned_load(&self) -> Owned {
        let span = self.span;
        let mut keep = TokenStream::new();
        let mut args = Vec::new();
        if let Some(this) = self.sig.receiver() {
            let at = spans::machine(this.self_token.span);
            let name = Ident::new("__cachekit_this", at);
            let value = match this.kind {
                ReceiverKind::Reference(..) => Lent::of(self, &syn::parse_quote!(Self), at),
                ReceiverKind::Typed(_, ref ty) => Lent::param(self, ty),
                _ => Lent::moved(self, &syn::parse_quote!(Self), at),
            };
            let self_token = &this.self_token;
            let (kept, lent) = (value.kept(quote!(#self_token)), value.lent(quote!(#name)));
            keep.extend(quote_spanned!(span=> let #name = #kept;));
            args.push(lent);
        }
        for (index, param) in self.params.iter().enumerate() {
            let value = Lent::param(self, &param.ty);
            let (name, user) = (spans::local("kept", index, spans::of(&param.ty)), &param.name);
            let (kept, lent) = (value.kept(quote!(#user)), value.lent(quote!(#name)));
            keep.extend(quote_spanned!(span=> let #name = #kept;));
            args.push(lent);
        }
        let call = self.call_body_with(args.into_iter());
        let load = if self.is_async {
            quote_spanned!(span=> move || async move { #call.await })
        } else {
            quote_spanned!(span=> move || #call)
        };
        Owned { keep, load }
    }

    /// The hidden function that starts a refresh. It is not async even if the function is: inside of that, whether its own future is `Send` could
    /// not be asked.
    pub(super) fn refresh_task(&self) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let (tags, output) = (self.tags(), self.output_value());
        let Owned { keep, load } = self.owned_load();
        let spawn = Ident::new(if self.is_async { "spawn_async" } else { "spawn" }, span);
        let value = self.value();
        let first = |key: TokenStream| quote_spanned!(span=> __cachekit_refresh: #k::Refresh<#key, #value>);
        let body = quote_spanned!(span=> {
            let __cachekit_refresh = __cachekit_refresh #tags;
            #keep
            __cachekit_refresh.#spawn(#output, #load);
        });
        self.hidden_function("__refresh", false, &first, &TokenStream::new(), &body)
    }
}

/// How one argument is kept and lent again.
struct Lent {
    keep: Option<TokenStream>,
    lend: Option<TokenStream>,
    /// In an `Option`.
    wrapped: bool,
    /// What was kept is given and not lent.
    given: bool,
}

impl Lent {
    fn moved(context: &Context<'_>, ty: &Type, at: proc_macro2::Span) -> Self {
        if forms::is_common(ty) {
            return Lent { keep: None, lend: None, wrapped: false, given: true };
        }
        let (k, ty) = (context.k_at(at), spans::placed(ty, at));
        let (keep, lend) = (quote_spanned!(at=> #k::own::<#ty>), quote_spanned!(at=> #k::give::<#ty>));
        Lent { keep: Some(keep), lend: Some(lend), wrapped: false, given: true }
    }

    fn of(context: &Context<'_>, ty: &Type, at: proc_macro2::Span) -> Self {
        let k = context.k_at(at);
        let ty = spans::placed(&ty, at);
        Lent {
            keep: Some(quote_spanned!(at=> #k::keep::<#ty>)),
            lend: Some(quote_spanned!(at=> #k::lend::<#ty>)),
            wrapped: false,
            given: false,
        }
    }

    fn param(context: &Context<'_>, ty: &Type) -> Self {
        let at = spans::of(ty);
        if let Type::Reference(reference) = forms::plain(ty) {
            return Lent::of(context, &reference.elem, at);
        }
        if let Some(Type::Reference(reference)) = forms::optional(ty).map(forms::plain) {
            return Lent { wrapped: true, ..Lent::of(context, &reference.elem, at) };
        }
        if forms::is_cow(ty) {
            return Lent {
                keep: Some(quote_spanned!(at=> ::std::borrow::Cow::into_owned)),
                lend: Some(quote_spanned!(at=> ::std::borrow::Cow::Owned)),
                wrapped: false,
                given: true,
            };
        }
        Lent::moved(context, ty, at)
    }

    fn kept(&self, value: TokenStream) -> TokenStream {
        match &self.keep {
            None => value,
            Some(keep) if self.wrapped => quote!(::core::option::Option::map(#value, #keep)),
            Some(keep) => quote!(#keep(#value)),
        }
    }

    fn lent(&self, kept: TokenStream) -> TokenStream {
        match &self.lend {
            None => kept,
            Some(lend) if self.wrapped => {
                quote!(::core::option::Option::map(::core::option::Option::as_ref(&#kept), #lend))
            }
            Some(lend) if self.given => quote!(#lend(#kept)),
            Some(lend) => quote!(#lend(&#kept)),
        }
    }
}
