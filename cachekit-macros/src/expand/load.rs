//! What happens when nothing usable is there: the body is run under the flight of its key.

use super::{context::Context, refresh::Owned, spans};
use crate::model::Param;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Pat};

impl Context<'_> {
    /// The body with the arguments in scope, as a value or a future: a call beside, or the body itself.
    pub(super) fn uncached(&self) -> TokenStream {
        if self.is_inline() { self.inline_body() } else { self.call_body() }
    }

    /// For a method beside which nothing may stand.
    fn inline_body(&self) -> TokenStream {
        let body = &self.function().body;
        let bindings = self.params.iter().filter_map(|Param { name, pattern, .. }| {
            let plain = matches!(pattern, Pat::Ident(pat) if pat.mutability.is_none() && pat.by_ref.is_none() && pat.subpat.is_none());
            (!plain).then(|| quote_spanned!(self.span=> let #pattern = #name;))
        });
        let body = spans::continued(&bindings.collect(), body);
        if self.is_async { quote_spanned!(self.span=> async move #body) } else { body }
    }

    /// The closure that loads.
    fn loader(&self) -> TokenStream {
        let (uncached, output) = (self.uncached(), &self.output);
        match (self.is_inline(), self.is_async) {
            // A declared type is what `?` and `return` infer from; it needs a block.
            (true, false) => quote_spanned!(self.span=> move || -> #output #uncached),
            _ => quote_spanned!(self.span=> move || #uncached),
        }
    }

    /// `miss.run(…)`, awaited if it is a future.
    pub(super) fn run(&self, trace: &TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let output = self.output_value();
        let (output_ty, tags) = (&self.output, self.tags());
        let share = quote_spanned! {span=> {
            use #k::{ViaAll as _, ViaClone as _, ViaNothing as _};
            (&&#k::ShareProbe::<#output_ty>::NEW).share()
        }};
        let timeout = self.model.concurrency.load_timeout.as_ref();
        // Of the methods' bounds, the one that an output may not meet is about who may end the call with an error.
        let (soft, hard) = timeout.map_or((None, None), |timeout| (timeout.soft.as_ref(), timeout.hard.as_ref()));
        let fails = self.far().and_then(|far| far.fails).map(spans::machine);
        let blame = fails.or(timeout.filter(|_| hard.is_some()).map(|timeout| spans::machine(timeout.span)));
        let span = blame.unwrap_or(span);
        let soft = soft.is_some();
        let method = match (self.is_async, soft, fails.is_some(), hard.is_some()) {
            (false, _, false, _) => "run",
            (false, _, true, _) => "run_or_fail",
            (true, false, false, false) => "run_async",
            (true, false, false, true) => "run_timed",
            // With a hard timeout too, if the cache has one.
            (true, false, true, _) => "run_async_or_fail",
            (true, true, false, false) => "run_detachable",
            (true, true, false, true) => "run_detachable_timed",
            (true, true, true, _) => "run_detachable_or_fail",
        };
        let method = Ident::new(method, span);
        if soft && self.is_async && !self.is_inline() {
            let Owned { keep, load } = self.owned_load();
            let run = quote_spanned!(span=> __cachekit_miss #tags .#method(#output, #share, #trace, #load).await);
            return quote_spanned!(span=> { #keep #run });
        }
        let loader = self.loader();
        let awaited = self.is_async.then(|| quote_spanned!(span=> .await));
        quote_spanned!(span=> __cachekit_miss #tags .#method(#output, #share, #trace, #loader) #awaited)
    }

    /// `.tags([…])`, or nothing: also where the cache makes the tags from the key.
    pub(super) fn tags(&self) -> TokenStream {
        if self.model.tags.is_empty() || self.tags_by_key().is_some() {
            return TokenStream::new();
        }
        let tags = self.tag_array();
        quote_spanned!(self.span=> .tags(#tags))
    }

    /// `[format!(…), …]` over the borrowed arguments.
    pub(super) fn tag_array(&self) -> TokenStream {
        let literals: Vec<_> = self.model.tags.iter().map(|tag| &tag.literal).collect();
        let rebound = self.rebound_for(&quote!(#(#literals)*));
        let array = quote_spanned!(self.span=> [#(::std::format!(#literals)),*]);
        if rebound.is_empty() { array } else { quote_spanned!(self.span=> { #rebound #array }) }
    }

    /// `|(id, _)| vec![format!(…), …]` over the owned key, where it holds all that the tags mention: what is inserted through the cache itself
    /// is tagged as well.
    pub(super) fn tags_by_key(&self) -> Option<TokenStream> {
        let span = self.span;
        if self.model.tags.is_empty() || !self.is_plain() || self.keys_and_tags().len() > self.keys().len() {
            return None;
        }
        let names: Option<Vec<TokenStream>> = self.parts.iter().map(|part| self.bound_in_tags(part)).collect();
        let names = names?;
        let pattern = match &names[..] {
            [one] => one.clone(),
            names => quote_spanned!(span=> (#(#names),*)),
        };
        let literals = self.model.tags.iter().map(|tag| &tag.literal);
        Some(quote_spanned!(span=> |#pattern| ::std::vec![#(::std::format!(#literals)),*]))
    }

    /// `Output<R, Kind>` as a value.
    pub(super) fn output_value(&self) -> TokenStream {
        let (k, span, output) = (&self.k, self.span, &self.output);
        if self.is_plain() {
            let companion = &self.companion;
            return quote_spanned!(span=> #k::Output::<#output, <#companion as #k::Cached>::Kind>::NEW);
        }
        if self.has_signatures() || self.model.outcome.errors.is_some() {
            let kind = self.kind_by_name();
            return quote_spanned!(span=> #k::Output::<#output, #kind>::NEW);
        }
        self.probed_output()
    }

    /// Found by type, so that aliases of `Result` are seen.
    fn probed_output(&self) -> TokenStream {
        let (k, span, output) = (&self.k, self.span, &self.output);
        quote_spanned! {span=> {
            use #k::{ViaPlain as _, ViaResult as _};
            (&#k::OutputProbe::<#output>::NEW).output()
        }}
    }

    /// Functions beside the wrapper name the stored type in their signatures.
    fn has_signatures(&self) -> bool {
        self.home != super::context::Home::Nowhere
    }

    /// The one place where an unfit return type is an error.
    pub(super) fn output_assertion(&self) -> TokenStream {
        let (span, output) = (self.output_span(), &self.output);
        let k = self.k_at(span);
        if self.is_plain() {
            let kind = self.concrete_kind(false);
            return quote_spanned!(span=> #k::assert_output::<#output, #kind>(););
        }
        if !self.has_signatures() {
            let stored = spans::placed(&self.where_errors_belong().output_value(), span);
            return quote_spanned!(span=> #k::assert_stored(&#stored););
        }
        // Reported once by predicate and span, and the span may be that of the type.
        let value = spans::placed(&self.value(), span);
        let fit =
            (!super::forms::is_common(&self.output)).then(|| quote_spanned!(span=> #k::assert_value::<#value>();));
        let fit = fit.unwrap_or_default();
        if self.model.outcome.errors.is_some() {
            return fit;
        }
        let (probed, by_name) = (self.probed_output(), self.kind_by_name());
        quote_spanned!(span=> #fit #k::assert_kind::<#by_name, _, _>(#probed);)
    }

    /// The kind of a concrete output. `checked`: an unfit type is of the kind `Bad`, so that only one place complains.
    pub(super) fn concrete_kind(&self, checked: bool) -> TokenStream {
        let span = self.output_span();
        let k = self.k_at(span);
        let output = spans::repeated(&super::forms::eternal(&self.output));
        let whole = self.model.outcome.errors.is_some();
        quote_spanned! {span=>
            <#k::KindId<{
                use #k::OutputFallback as _;
                #k::pick(
                    <#k::OutputProbe<#output>>::IS_RESULT,
                    <#k::OutputProbe<#output>>::PLAIN_OK,
                    <#k::OutputProbe<#output>>::RESULT_OK,
                    #whole,
                    #checked,
                )
            }> as #k::KindOf>::Kind
        }
    }
}
