//! A function over several ids: looks for each, and runs the body for those that are missing.

use super::{
    bounds::Bound,
    context::{Context, Home},
    eternal::eternal,
    forms, spans,
};
use crate::model::{Batch, NonePolicy};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ReceiverKind, Type};

impl Context<'_> {
    pub(super) fn batch_wrapper(&self, batch: &Batch) -> TokenStream {
        let hidden = if self.home == Home::Hidden { self.companion_items() } else { TokenStream::new() };
        let assertions = [self.key_assertions(), self.batch_assertion(batch), self.output_requirements()];
        let flow = self.where_errors_belong().batch_flow(batch, false);
        self.around(&quote_spanned!(self.span=> { #hidden #(#assertions)* #flow }))
    }

    /// The one place where an unfit return type is an error.
    fn batch_assertion(&self, batch: &Batch) -> TokenStream {
        let (span, output, id, fit) = (self.output_span(), &self.output, self.owned_id(batch), self.id_is_fit(batch));
        let k = self.k_at(span);
        let id = spans::blamed(&id, span);
        if !self.is_plain() {
            // At one place with the other uses of the type: what is said there is said once.
            let (output, id) = (spans::placed(output, span), spans::placed(&id, span));
            return quote_spanned!(span=> #k::assert_batch_of::<#output, #id>(););
        }
        quote_spanned!(span=> #k::assert_batch::<#output, #id, #fit>();)
    }

    /// What an id is as a key, and in a map.
    fn owned_id(&self, batch: &Batch) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let form = forms::form(k, &batch.element);
        let ty = spans::repeated(&eternal(&batch.element));
        if self.is_plain() {
            let fit = self.id_is_fit(batch);
            quote_spanned!(span=> <#ty as #k::KeyOr<#form, #fit>>::Owned)
        } else if forms::owns(&form) {
            ty
        } else {
            quote_spanned!(span=> <#ty as #k::KeyPart<#form>>::Owned)
        }
    }

    fn id_is_fit(&self, batch: &Batch) -> TokenStream {
        let (k, span, probe) = (&self.k, self.span, self.probe("KeyProbe"));
        if !self.is_plain() {
            return quote_spanned!(span=> true);
        }
        let form = forms::form(k, &batch.element);
        let ty = spans::repeated(&eternal(&batch.element));
        quote_spanned!(span=> { use #k::KeyFallback as _; <#k::#probe<#ty, #form>>::OK })
    }

    /// Whether the return type is fit, as a constant.
    fn output_is_fit(&self, batch: &Batch) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        if !self.is_plain() {
            return quote_spanned!(span=> true);
        }
        let (output, id) = (spans::repeated(&eternal(&self.output)), self.owned_id(batch));
        quote_spanned!(span=> { use #k::BatchFallback as _; <#k::BatchProbe<#output, #id>>::OK })
    }

    /// What there is per id.
    pub(super) fn batch_element(&self, batch: &Batch) -> TokenStream {
        let span = if self.is_plain() { self.span } else { self.output_span() };
        let k = self.k_at(span);
        let output = spans::blamed(&spans::repeated(&eternal(&self.output)), span);
        let (id, fit) = (spans::blamed(&self.owned_id(batch), span), self.output_is_fit(batch));
        if self.is_plain() {
            quote_spanned!(span=> <#output as #k::BatchOr<#id, #fit>>::Value)
        } else {
            quote_spanned!(span=> <#output as #k::BatchOutput<#id>>::Value)
        }
    }

    /// The return type is a batch's, and what it has per id can be stored.
    pub(super) fn batch_bound(&self, batch: &Batch) -> Option<Bound> {
        // It would hide that these values are those of a cache that somebody else built.
        if !self.owns_cache() {
            return None;
        }
        let span = self.output_span();
        let (k, id) = (self.k_at(span), spans::blamed(&self.owned_id(batch), span));
        let output = spans::blamed(&spans::repeated(&eternal(&self.output)), span);
        let weight = self.weighs_values().then(|| quote_spanned!(span=> + #k::Weigh));
        let is = quote_spanned!(span=> #k::BatchOutput<#id, Value: #k::Value #weight>);
        Some(Bound { of: syn::parse2(output).ok()?, is })
    }

    fn stores_options(&self) -> bool {
        matches!(self.model.outcome.none, Some(NonePolicy::Ttl(_)))
    }

    /// What is stored, for the companion's `Cached`.
    pub(super) fn concrete_batch_value(&self) -> TokenStream {
        let Some(batch) = &self.model.batch else { return TokenStream::new() };
        let element = self.batch_element(batch);
        if self.stores_options() { quote_spanned!(self.span=> ::core::option::Option<#element>) } else { element }
    }

    /// The same where there is none.
    pub(super) fn batch_value(&self) -> TokenStream {
        self.concrete_batch_value()
    }

    /// A batch that has not looked yet.
    pub(super) fn new_batch(&self, batch: &Batch, len: &TokenStream) -> TokenStream {
        let (k, span, cache) = (&self.k, self.span, self.cache());
        if let Some(of) = &batch.of {
            // What the single function has in common with this one is asked for here, and nowhere else.
            let at = spans::of(of);
            let (k, cache) = (self.k_at(at), spans::blamed(&cache, at));
            let (key, value) = (self.generic_key(), spans::placed(&self.batch_element(batch), at));
            let key = key.map(|key| spans::placed(&key, at));
            return quote_spanned!(at=> #k::batch_of::<#key, #value, _, _>(#cache, #len));
        }
        let function = Ident::new(if self.stores_options() { "batch_of_options" } else { "batch" }, span);
        quote_spanned!(span=> #k::#function(#cache, #len))
    }

    /// The cache, by the key of an element. For the single function's by what a batch asks for too: the same mistake is said once.
    pub(super) fn batch_cache(&self, batch: &Batch) -> TokenStream {
        let Some(of) = &batch.of else { return self.cache() };
        let at = spans::of(of);
        let new = self.new_batch(batch, &quote_spanned!(at=> 0));
        quote_spanned!(at=> #new.cache())
    }

    /// `let __cachekit_ids = …;` and a batch for them.
    pub(super) fn batch_begins(&self, batch: &Batch, how: &TokenStream) -> TokenStream {
        let span = self.span;
        let ids = self.ids(batch);
        let new = self.new_batch(batch, &quote_spanned!(span=> __cachekit_ids.len()));
        quote_spanned! {span=>
            let __cachekit_ids = &#ids[..];
            let mut __cachekit_batch = #new #how;
        }
    }

    /// What looks for each of the ids.
    pub(super) fn batch_looks(&self, batch: &Batch, checked: bool) -> TokenStream {
        let span = self.span;
        let Some(ids) = self.ids(batch) else { return TokenStream::new() };
        let stored = if checked { self.stored_element_assertion(batch) } else { TokenStream::new() };
        let look = if self.model.tags.is_empty() || self.tags_by_key().is_some() {
            quote_spanned!(span=> __cachekit_batch.look(&__cachekit_parts))
        } else {
            let tags = self.tag_array();
            quote_spanned!(span=> __cachekit_batch.look_tagged(&__cachekit_parts, || { let #ids = __cachekit_id; #tags }))
        };
        let look = self.with_parts(&quote_spanned!(span=> #look;));
        quote_spanned! {span=>
            #stored
            for __cachekit_id in __cachekit_ids { #look }
        }
    }

    /// The name of the parameter that is the ids.
    fn ids(&self, batch: &Batch) -> Option<&Ident> {
        self.function().params.get(batch.ids).map(|param| &param.name)
    }

    /// Reports ids that cannot be written into a backend.
    fn stored_element_assertion(&self, batch: &Batch) -> TokenStream {
        if self.far().is_none() {
            return TokenStream::new();
        }
        let span = spans::of(&batch.element);
        let (k, form) = (self.k_at(span), forms::form(&self.k, &batch.element));
        quote_spanned! {span=>
            if let ::core::option::Option::Some(__cachekit_id) = __cachekit_ids.first() {
                use #k::{ViaUnusable as _, ViaUsable as _};
                #k::assert_stored_part(&(&#k::PartProbe::<_, #form>::new(__cachekit_id)).part());
            }
        }
    }

    /// Looks, and answers from what was found and what the body gives.
    pub(super) fn batch_flow(&self, batch: &Batch, refresh: bool) -> TokenStream {
        let (k, span, output) = (&self.k, self.span, &self.output);
        let how = if refresh { quote_spanned!(span=> .refreshing()) } else { TokenStream::new() };
        let (begins, looks) = (self.batch_begins(batch, &how), self.batch_looks(batch, !refresh));
        let bypassed = self.model.outcome.bypass_if.as_ref().map(|condition| {
            let rebound = self.rebound_for(condition);
            let test =
                if rebound.is_empty() { quote!(#condition) } else { quote_spanned!(span=> { #rebound #condition }) };
            let uncached = self.boxed(self.call_body());
            quote_spanned!(span=> if #test { __cachekit_batch.bypass(); #uncached } else)
        });
        let own = self.own_id(batch);
        let (named, id, fit) = self.named(batch);
        let run = Ident::new(if self.is_async { "run_async" } else { "run" }, span);
        let future = self.is_async.then(|| quote_spanned!(span=> _,));
        let load = self.batch_loader(batch);
        let running = self.boxed(quote_spanned! {span=>
            __cachekit_batch.#run::<#output, #id, #future #fit>(__cachekit_share, __cachekit_own, #load)
        });
        let steps = quote_spanned! {span=> {
            #named
            #looks
            let __cachekit_own = #own;
            match __cachekit_batch.complete::<#output, #id, #fit>((0..__cachekit_ids.len()).map(__cachekit_own)) {
                ::core::result::Result::Ok(__cachekit_output) => __cachekit_output,
                ::core::result::Result::Err(__cachekit_batch) => {
                    let __cachekit_share = {
                        use #k::{ViaElement as _, ViaElementAll as _, ViaElementClone as _};
                        (&&&__cachekit_batch.element_probe::<#output, #id, #fit>()).share()
                    };
                    #running
                }
            }
        }};
        quote_spanned!(span=> #begins #bypassed #steps)
    }

    /// The owned id and whether the return type is fit, under names where they can have some.
    fn named(&self, batch: &Batch) -> (TokenStream, TokenStream, TokenStream) {
        let (span, id, fit) = (self.span, self.owned_id(batch), self.output_is_fit(batch));
        if !self.is_plain() {
            return (TokenStream::new(), id, fit);
        }
        let named = quote_spanned! {span=>
            type __CachekitId = #id;
            const __CACHEKIT_FIT: bool = #fit;
        };
        (named, quote_spanned!(span=> __CachekitId), quote_spanned!(span=> __CACHEKIT_FIT))
    }

    /// The closure that gives the owned id at a position.
    fn own_id(&self, batch: &Batch) -> TokenStream {
        let (k, span, probe, form) =
            (&self.k, self.span, self.probe("PartProbe"), forms::form(&self.k, &batch.element));
        quote_spanned! {span=> move |__cachekit_at: usize| {
            use #k::{ViaUnusable as _, ViaUsable as _};
            let __cachekit_id = __cachekit_ids.get(__cachekit_at)?;
            #k::Parts::to_key(&(&#k::#probe::<_, #form>::new(__cachekit_id)).part())
        }}
    }

    /// The closure that runs the body for the ids at some positions. It may be called again, so that arguments by value are cloned.
    fn batch_loader(&self, batch: &Batch) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let mut again = TokenStream::new();
        let this = self.sig.receiver().map(|receiver| {
            let this = &receiver.self_token;
            let is_lent = match &receiver.kind {
                ReceiverKind::Reference(..) => true,
                ReceiverKind::Typed(_, ty) => matches!(forms::plain(ty), Type::Reference(_)),
                _ => false,
            };
            if is_lent {
                return quote!(#this);
            }
            let at = spans::machine(this.span);
            let k = self.k_at(at);
            again.extend(quote_spanned!(at=> let __cachekit_this = #k::again(&#this);));
            quote_spanned!(at=> __cachekit_this)
        });
        let args = self.params.iter().map(|param| {
            let (name, at) = (&param.name, spans::of(&param.ty));
            if self.ids(batch).is_some_and(|ids| ids == name) {
                return if batch.is_owned {
                    quote_spanned!(span=> __cachekit_chosen)
                } else {
                    quote_spanned!(span=> &__cachekit_chosen)
                };
            }
            if !matches!(forms::plain(&param.ty), Type::Reference(_)) {
                let k = self.k_at(at);
                again.extend(quote_spanned!(at=> let #name = #k::again(&#name);));
            }
            quote!(#name)
        });
        let args: Vec<_> = this.into_iter().chain(args).collect();
        let call = self.call_body_with(args.into_iter());
        let chosen = quote_spanned! {span=>
            let __cachekit_chosen: ::std::vec::Vec<_> = {
                use #k::{ViaCopied as _, ViaUncopied as _};
                let __cachekit_chosen = __cachekit_positions.iter().filter_map(|__cachekit_at| __cachekit_ids.get(*__cachekit_at));
                __cachekit_chosen.filter_map(|__cachekit_id| (&#k::CopyProbe(__cachekit_id)).copied()).collect()
            };
        };
        let body = if self.is_async { quote_spanned!(span=> async move { #call.await }) } else { call };
        quote_spanned!(span=> move |__cachekit_positions: &[usize]| { #chosen #again #body })
    }
}
