//! What happens when nothing usable is there: the body is run under the flight of its key.

use super::{context::Context, refresh::Owned, spans};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

impl Context<'_> {
    /// A miss whose tags are told. They are made of what the load takes.
    pub(super) fn tagged(&self) -> TokenStream {
        let tags = self.tags();
        if tags.is_empty() { tags } else { quote_spanned!(self.span=> let __cachekit_miss = __cachekit_miss #tags;) }
    }

    /// As [`tagged`](Self::tagged), where something may be given stale: it is asked for first, since the far tiers may have a value that a tag was made stale of. A cache
    /// elsewhere knows whether that may be, and has tags of its own.
    pub(super) fn confirmed(&self, trace: &TokenStream) -> Option<TokenStream> {
        let (k, span) = (&self.k, self.span);
        let may_be_stale = self.model.freshness.stale_while_revalidate.is_some() && !self.model.tags.is_empty();
        if !may_be_stale && self.owns_cache() {
            return None;
        }
        let tags = self.tags();
        let stale = self.stale(&quote_spanned!(span=> return), &quote_spanned!(span=> __cachekit_miss #tags));
        let confirm = Ident::new(if self.is_async { "confirmed_async" } else { "confirmed" }, span);
        let mut found = quote_spanned!(span=> __cachekit_miss #tags .#confirm(#trace));
        if self.is_inline() {
            found = self.boxed(found);
        } else if self.is_async {
            found = quote_spanned!(span=> #found.await);
        }
        Some(quote_spanned! {span=>
            let __cachekit_miss = match #found {
                #k::Look::Hit(__cachekit_value) => return __cachekit_output.wrap(__cachekit_value),
                #k::Look::Stale(__cachekit_stale) => #stale,
                #k::Look::Miss(__cachekit_miss) => __cachekit_miss,
            };
        })
    }

    /// `miss.run(…)`, awaited if it is a future.
    pub(super) fn run(&self, trace: &TokenStream) -> TokenStream {
        let outlived = self.model.concurrency.load_timeout.as_ref().is_some_and(|timeout| timeout.soft.is_some());
        if outlived && self.is_async {
            let Owned { keep, load } = self.owned_load();
            let run = self.run_by(trace, &load);
            return quote_spanned!(self.span=> { #keep #run });
        }
        let call = self.call_body();
        self.run_by(trace, &quote_spanned!(self.span=> move || #call))
    }

    /// The same by this closure.
    pub(super) fn run_by(&self, trace: &TokenStream, loader: &TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let output = self.output_value();
        let output_ty = &self.output;
        let share = quote_spanned! {span=> {
            use #k::{ViaAll as _, ViaClone as _, ViaNothing as _, ViaShown as _};
            (&&&&#k::ShareProbe::<#output_ty>::NEW).share()
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
        let awaited = self.is_async.then(|| quote_spanned!(span=> .await));
        quote_spanned!(span=> __cachekit_miss.#method(#output, #share, #trace, #loader) #awaited)
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
        let output = spans::repeated(&super::eternal::eternal(&self.output));
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
